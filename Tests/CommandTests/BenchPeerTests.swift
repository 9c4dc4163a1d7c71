import FoundationEssentials
import Glibc
import Support
import Testing

/// `dseg-bench --peer` holds our figures against PyTorch's; its table is whole without a PyTorch too.
@Suite struct BenchPeerTests {
    private struct Row: Decodable {
        let stage: String
        let unit: String
        let ours: Double?
        let samples: [Double]
        let peer: Double?
        let ratio: Double?
        let must: Double?
        let holds: Bool?
    }

    private struct Peer: Decodable {
        struct Task: Decodable {
            let stage: String
            let variant: String
            let seconds: [Double]
            let note: String?
        }

        let absent: String?
        let libraries: [String: String]
        let tasks: [Task]
    }

    private struct Bench: Decodable {
        let schema: Int
        let threads: Int
        let model: String
        let rows: [Row]
        let peer: Peer

        func row(_ stage: String) throws -> Row { try #require(rows.first { $0.stage == stage }) }
    }

    private static let stages = [
        "autoencoder", "unet", "text", "new_picture", "new_word", "added_word", "known_words", "asked_words",
        "same_query", "health", "start", "rest", "known_picture",
    ]

    private let place: TemporaryDirectory

    init() throws { place = try TemporaryDirectory() }

    private func bench(_ arguments: [String], environment: [String: String] = [:]) throws -> Bench {
        let ending = try run(
            [Repository.dsegBench, "--peer", "--json", "--repetitions", "1"] + arguments,
            environment: environment)
        #expect(ending.code == 0)
        #expect(ending.errors == "")
        return try JSONDecoder().decode(Bench.self, from: Data(ending.output))
    }

    /// A Python that answers as the script would: `cases` are those of a shell's `case` over stage and variant.
    private func python(answering cases: String) throws -> String {
        let path = "\(place.path)/python"
        let script = """
            #!/bin/sh
            case "$2 $3" in
            "check "*) echo '{"torch": "2.0", "diffusers": "0.1", "transformers": "4.0"}';;
            \(cases)
            esac

            """
        try writeProgram(script, to: path)
        return path
    }

    /// Every row is there, with our figure and nobody else's.
    private func expectAlone(_ bench: Bench, because words: String) throws {
        #expect(bench.schema == 1)
        #expect(bench.model == "demo")
        #expect(bench.rows.map(\.stage) == Self.stages)
        for row in bench.rows {
            let isMemory = ["rest", "known_picture"].contains(row.stage)
            #expect(row.unit == (isMemory ? "bytes" : "seconds"))
            #expect(try #require(row.ours) > 0, "\(row.stage)")
            #expect(row.samples.count > 0 && row.samples.contains { $0 == row.ours })
            #expect(row.peer == nil && row.ratio == nil)
            #expect((row.holds == nil) == (row.must == nil))
        }
        #expect(bench.peer.tasks.isEmpty)
        #expect(try #require(bench.peer.absent).contains(words), "\(bench.peer.absent ?? "")")
    }

    @Test func `without a python our figures stand alone`() throws {
        let missing = "\(place.path)/none"
        try expectAlone(try bench(["--threads", "1", "--python", missing]), because: missing)
    }

    @Test func `a python without torch is told apart, and the environment names it`() throws {
        try write(Array("raise ImportError('torch is not for this machine')\n".utf8), to: "\(place.path)/torch.py")
        let alone = try bench([], environment: ["PYTHONPATH": place.path, "DSEG_PYTHON": "python3"])
        try expectAlone(alone, because: "torch is not for this machine")
    }

    @Test func `a python that never answers is cut off`() throws {
        let path = "\(place.path)/python"
        try writeProgram("#!/bin/sh\nsleep 1000\n", to: path)
        try expectAlone(try bench(["--python", path, "--peer-limit", "1"]), because: "cut off after 1.00 s")
    }

    @Test func `the peer's best variant counts, the reference is the sum of its stages`() throws {
        let python = try python(
            answering: """
                "autoencoder f32") printf '{"seconds": 4}\\nwarning\\n{"seconds": 6}\\n{"seconds": 5}\\n';;
                "autoencoder bf16") echo '{"skipped": "bf16 is 75 times slower than f32 here"}';;
                "autoencoder f32-compiled") echo '{"seconds": 3}';;
                "unet f32") echo '{"seconds": 8}';;
                "unet bf16") echo 'out of luck' >&2; exit 3;;
                "unet "*) echo '{"seconds": 9}';;
                "text f32") echo '{"seconds": 1e-9}';;
                "explicit f32") echo '{"seconds": 10}';;
                "caption f32") echo '{"seconds": 2}';;
                """)
        let bench = try bench(["--python", python])
        #expect(bench.peer.absent == nil)
        #expect(bench.peer.libraries["torch"] == "2.0")
        #expect(try bench.row("autoencoder").peer == 3)
        #expect(try bench.row("unet").peer == 8)
        #expect(try bench.row("new_picture").peer == 5 + 20 * (10 + 2))
        #expect(try bench.row("new_word").peer == nil)
        for row in bench.rows {
            if let ours = row.ours, let peer = row.peer { #expect(row.ratio == ours / peer) }
            if let ours = row.ours, let must = row.must { #expect(row.holds == (ours <= must)) }
        }
        #expect(try bench.row("unet").must == 6)
        #expect(try bench.row("text").holds == false)
        let notes = bench.peer.tasks.compactMap(\.note)
        #expect(notes.contains { $0.contains("75 times slower") })
        #expect(notes.contains { $0.contains("out of luck") })
        #expect(bench.peer.tasks.first?.seconds == [4, 6, 5])
    }

    @Test func `a stage that hangs is cut off with all that it started, and the others count`() throws {
        let python = try python(
            answering: """
                "unet f32") sleep 1000 & echo $! > '\(place.path)/sleeper'; wait;;
                *) echo '{"seconds": 2}';;
                """)
        let bench = try bench(["--python", python, "--peer-limit", "5"])
        let hung = try #require(bench.peer.tasks.first { $0.stage == "unet" && $0.variant == "f32" })
        #expect(hung.seconds.isEmpty)
        #expect(try #require(hung.note).contains("cut off after 5.00 s"))
        #expect(try bench.row("unet").peer == 2)
        let sleeper = String(decoding: try bytes("\(place.path)/sleeper"), as: UTF8.self).filter(\.isNumber)
        let process = try #require(pid_t(sleeper))
        #expect(eventually { kill(process, 0) != 0 })
    }

    @Test func `a table is for people`() throws {
        let python = try python(answering: "*) echo '{\"seconds\": 100}';;")
        let ending = try run([Repository.dsegBench, "--peer", "--repetitions", "1", "--python", python])
        #expect(ending.code == 0)
        let lines = ending.text.split(separator: "\n")
        #expect(lines[0].split(separator: " ") == ["dseg", "PyTorch", "ratio", "must"])
        #expect(lines[1...12].allSatisfy { $0.hasSuffix("ok") || $0.hasSuffix("no") }, "\(ending.text)")
        let parts = [
            "autoencoder, encode", "1/60.0 of it", "Health", "100 s", "torch 2.0", "unet bf16-compiled: 100 s",
        ]
        for part in parts {
            #expect(ending.text.contains(part), "\(ending.text)")
        }
    }

    @Test func `the shipped script is Python, and knows every stage and variant`() throws {
        let script = "\(Repository.root)/Sources/Benchmarks/Resources/stages.py"
        let help = try run(["python3", script, "--help"])
        #expect(help.code == 0)
        for word in ["check", "autoencoder", "unet", "text", "explicit", "caption", "bf16-compiled"] {
            #expect(help.text.contains(word))
        }
        #expect(try run(["python3", script, "soup"]).code != 0)
    }
}
