import FoundationEssentials
import Glibc
import Support
import Testing

/// `dseg-bench --scaling` shows how time and memory grow.
@Suite(.serialized) struct BenchScalingTests {
    private struct Row: Decodable {
        let threads: Int
        let labels: Int
        let side: Int
        let clients: Int
        let newSeconds: Double
        let firstMapSeconds: Double
        let againSeconds: Double
        let peakBytes: Int
        let growthBytes: Int

        private enum CodingKeys: String, CodingKey {
            case threads, labels, side, clients
            case newSeconds = "new_seconds"
            case firstMapSeconds = "first_map_seconds"
            case againSeconds = "again_seconds"
            case peakBytes = "peak_bytes"
            case growthBytes = "growth_bytes"
        }

        var point: [Int] { [threads, labels, side, clients] }
    }

    private struct Bench: Decodable {
        let schema: Int
        let model: String
        let machine: String
        let rows: [Row]
    }

    private func bench(_ axis: String) throws -> [Row] {
        let program = try Program([
            Repository.dsegBench, "--scaling", "--axis", axis, "--repetitions", "1", "--json",
        ])
        let ending = try program.ending()
        #expect(ending.code == 0)
        #expect(ending.errors == "")
        let bench = try JSONDecoder().decode(Bench.self, from: Data(ending.output))
        #expect(bench.schema == 1)
        #expect(bench.model == "demo")
        #expect(bench.machine != "")
        for row in bench.rows {
            #expect(row.newSeconds > 0 && row.againSeconds > 0)
            #expect(row.firstMapSeconds > 0 && row.firstMapSeconds <= row.newSeconds)
            #expect(row.growthBytes > 0 && row.growthBytes < row.peakBytes)
        }
        #expect(bench.rows.first?.point == [2, 20, 512, 1])
        return bench.rows
    }

    @Test func `one thread and two, and as many as there are processors`() throws {
        let rows = try bench("threads")
        #expect(Set(rows.map(\.threads)).isSuperset(of: [1, 2]))
        #expect(rows.allSatisfy { Array($0.point.dropFirst()) == [20, 512, 1] })
    }

    @Test func `from one label to more than one mask has room for`() throws {
        let rows = try bench("labels")
        #expect(rows.map(\.labels) == [20, 1, 5, 100, 1203])
        #expect(rows.allSatisfy { [$0.threads, $0.side, $0.clients] == [2, 512, 1] })
    }

    @Test func `from small pictures to those that fill many frames`() throws {
        let rows = try bench("pictures")
        #expect(rows.map(\.side) == [512, 256, 1024, 2048, 4096])
        #expect(rows.allSatisfy { [$0.threads, $0.labels, $0.clients] == [2, 20, 1] })
    }

    @Test func `one client and up to eight at once`() throws {
        let rows = try bench("clients")
        #expect(rows.map(\.clients) == [1, 2, 4, 8])
        #expect(rows.allSatisfy { [$0.threads, $0.labels, $0.side] == [2, 20, 512] })
    }

    @Test func `a table is for people`() throws {
        let ending = try run([Repository.dsegBench, "--scaling", "--axis", "threads", "--repetitions", "1"])
        #expect(ending.code == 0)
        let lines = ending.text.split(separator: "\n")
        let heads = [
            "threads", "labels", "px a side", "clients", "new", "first map", "again", "peak memory", "growth",
        ]
        for head in heads {
            #expect(lines[0].contains(head))
        }
        #expect(lines[1].split(separator: " ").prefix(4) == ["2", "20", "512", "1"])
    }

    @Test(arguments: [
        (["--peer", "--scaling"], "two measurements"), (["--peer", "--words", "boat"], "--words"),
        (["--scaling", "--words", "boat"], "--words"), (["--scaling", "--threads", "1"], "--threads"),
        (["--python", "python3"], "--peer"), (["--peer-limit", "5"], "--peer"), (["--axis", "labels"], "--scaling"),
        (["--scaling", "--axis", "weather"], "weather"), (["--peer", "--peer-limit", "0"], "1 to 86400"),
        (["--repetitions", "0"], "1 to 1000"), (["--captioner", "/tmp"], "--peer"),
        (["--scaling", "--filter", "/tmp"], "--peer"),
    ])
    func `options that mean nothing together are a usage error`(options: [String], saying words: String) throws {
        let ending = try run([Repository.dsegBench] + options)
        #expect(ending.code == 64)
        #expect(ending.output.isEmpty)
        #expect(ending.errors.contains(words), "\(ending.errors)")
    }

    @Test(arguments: ["--peer", "--scaling"])
    func `a model that cannot be loaded is bad data and named`(measurement: String) throws {
        let place = try TemporaryDirectory()
        let ending = try run([Repository.dsegBench, measurement, "--model", place.path])
        #expect(ending.code == 65)
        #expect(ending.output.isEmpty)
        #expect(ending.errors.contains(place.path), "\(ending.errors)")
        #expect(!ending.errors.contains("dsegd: error"))
    }

    @Test(arguments: [SIGINT, SIGTERM])
    func `a measurement that is broken off leaves nothing behind`(signal: CInt) throws {
        let place = try TemporaryDirectory()
        let program = try Program([Repository.dsegBench, "--scaling"], environment: ["TMPDIR": place.path])
        #expect(try eventually { try !processes(naming: place.path).isEmpty })
        program.signal(signal)
        #expect(try program.ending().code == 128 + signal)
        #expect(try place.names == [])
        #expect(try eventually { try processes(naming: place.path).isEmpty })
    }

    /// Those whose arguments hold a text.
    private func processes(naming text: String) throws -> [String] {
        try FileManager.default.contentsOfDirectory(atPath: "/proc").filter { name in
            guard name.allSatisfy(\.isNumber), let arguments = try? bytes("/proc/\(name)/cmdline") else { return false }
            return String(decoding: arguments, as: UTF8.self).contains(text)
        }
    }
}
