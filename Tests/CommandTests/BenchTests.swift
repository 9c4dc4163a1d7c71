import FoundationEssentials
import RPC
import Support
import Testing

/// `dseg-bench` times the engine that `dsegd serve` answers with.
@Suite struct BenchTests {
    private struct Stage: Decodable {
        let min: Double
        let median: Double
        let count: Int
    }

    private struct Bench: Decodable {
        let schema: Int
        let model: String
        let hash: String
        let threads: Int
        let machine: String
        let answerHash: String
        let stages: [String: Stage]

        private enum CodingKeys: String, CodingKey {
            case schema, model, hash, threads, machine, stages
            case answerHash = "answer_hash"
        }
    }

    private func bench(_ arguments: [String]) throws -> Bench {
        let ending = try run([Repository.dsegBench, "--json"] + arguments)
        #expect(ending.code == 0)
        #expect(ending.errors == "")
        return try JSONDecoder().decode(Bench.self, from: Data(ending.output))
    }

    @Test func `every stage has its least and median time, with threads and machine`() throws {
        let bench = try bench(["--repetitions", "3", "--threads", "1"])
        #expect(bench.schema == 1)
        #expect(bench.threads == 1)
        #expect(bench.machine != "")
        let asked = ["decode", "autoencoder", "text", "unet", "maps", "new_word", "known_word"]
        #expect(Set(bench.stages.keys) == Set(asked + ["load"]))
        for stage in asked { #expect(bench.stages[stage]?.count == 3) }
        #expect(bench.stages["load"]?.count == 1)
        for (name, stage) in bench.stages {
            #expect(stage.min > 0, "\(name)")
            #expect(stage.min <= stage.median)
        }
    }

    @Test(arguments: ["boat,sheep", "sheep, ship=boat|sailboat"])
    func `its answer is the daemon's`(words: String) throws {
        let daemon = try Daemon()
        let picture = "\(Repository.root)/Sources/Benchmarks/Resources/bench.jpg"
        let labels =
            words == "boat,sheep"
            ? [Label(name: "boat"), Label(name: "sheep")]
            : [
                Label(name: "sheep"),
                Label(name: "ship", phrases: [Phrase(words: "boat"), Phrase(words: "sailboat")]),
            ]
        let asked = try daemon.client().scores(
            SegmentRequest(picture: .image(bytes(picture)), labels: labels, recipe: "best"))
        let bench = try bench(["--words", words, "--repetitions", "1"])
        #expect(bench.answerHash == asked.hash)
        #expect(bench.hash == (try daemon.client().status().models.first?.hash))
    }

    @Test func `a table is for people`() throws {
        let ending = try run([Repository.dsegBench, "--repetitions", "1"])
        #expect(ending.code == 0)
        for word in ["autoencoder ", "unet ", " ms median", " threads, ", ", OpenBLAS ", "answer "] {
            #expect(ending.text.contains(word), "\(ending.text)")
        }
    }

    private static let commands = [
        "bench": [Repository.dsegBench], "mask": [Repository.dsegd, "mask", Repository.picture, "boat", "-o", "-"],
    ]

    @Test(arguments: commands.keys.sorted(), ["0", "1025", "100000"])
    func `an absurd number of threads is a usage error`(command: String, threads: String) throws {
        let ending = try run(#require(Self.commands[command]) + ["--threads", threads])
        #expect(ending.code == 64)
        #expect(ending.output.isEmpty)
        #expect(ending.errors.contains("1 to 1024"))
    }

    @Test func `a picture that is missing is named`() throws {
        let ending = try run([Repository.dsegBench, "--image", "/nowhere/pond.jpg"])
        #expect(ending.code == 66)
        #expect(ending.errors.hasPrefix("dseg-bench: cannot read /nowhere/pond.jpg"))
    }

    @Test(arguments: commands.keys.sorted())
    func `a model that cannot be loaded is bad data and named`(command: String) throws {
        let place = try TemporaryDirectory()
        let ending = try run(#require(Self.commands[command]) + ["--model", place.path])
        #expect(ending.code == 65)
        #expect(ending.output.isEmpty)
        #expect(ending.errors.contains(place.path))
    }
}
