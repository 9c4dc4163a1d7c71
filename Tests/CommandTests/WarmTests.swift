import FoundationEssentials
import Glibc
import RPC
import Support
import Testing

/// `dseg ps`, `warm`, `unload` and `mask --model`, with a daemon that serves several models.
@Suite struct WarmTests {
    private static let models = ["tiny": "tiny/checkpoint", "odd": "tiny-odd/checkpoint"]

    private let place: TemporaryDirectory
    private let environment: [String: String]
    private let daemon: Daemon

    init() throws {
        place = try TemporaryDirectory()
        environment = ["XDG_CONFIG_HOME": "\(place.path)/config", "HOME": place.path]
        for name in ["tiny", "odd"] {
            try copy("\(Repository.fixtures)/\(Self.models[name] ?? "")", to: "\(place.path)/\(name)")
            let added = try run(
                [Repository.dseg, "model", "add", "\(place.path)/\(name)", "--name", name], environment: environment)
            try #require(added.code == 0, "\(added.errors)")
        }
        try copy(Repository.picture, to: "\(place.path)/pond.jpg")
        daemon = try Daemon(answering: [], environment: environment)
    }

    private var picture: String { "\(place.path)/pond.jpg" }

    /// What `dseg ps --json` and `dseg status --json` print.
    private struct Report: Decodable {
        struct Model: Decodable {
            let name: String
            let hash: String
            let role: String
            let model: String?
            let bytes: UInt64
            let precision: String
            let keptForEver: Bool
            let untilMilliseconds: UInt64?
            let calls: Int
            let requests: Int
        }

        struct Memory: Decodable {
            let bytes: UInt64
            let limit: UInt64
        }

        let models: [Model]
        let memory: Memory
        let keepAlive: String
        let defaultModel: String
    }

    private func report(_ command: String) throws -> Report {
        let ending = try daemon.dseg([command, "--json"])
        #expect(ending.code == 0 && ending.text.split(separator: "\n").count == 1, "\(ending.errors)")
        return try JSONDecoder().decode(Report.self, from: Data(ending.output))
    }

    @Test func `warm, ps and unload say what the daemon does`() throws {
        let cold = try daemon.dseg(["ps"])
        #expect(cold.code == 0 && cold.text.split(separator: "\n").count == 1)
        #expect(cold.errors.contains("no model is loaded"), "\(cold.errors)")
        #expect(try report("ps").models.isEmpty)
        #expect(try report("status").defaultModel == "tiny")

        let warm = try daemon.dseg(["warm"])
        #expect(warm.code == 0 && warm.errors == "", "\(warm.errors)")
        #expect(warm.text.hasPrefix("tiny is loaded, ") && warm.text.hasSuffix("from now\n"), "\(warm.text)")
        let forever = try daemon.dseg(["warm", "demo", "--keep-alive", "forever"])
        #expect(forever.text.hasSuffix(", for ever\n"), "\(forever.text)")

        for command in ["ps", "status"] {
            let report = try report(command)
            #expect(report.models.map(\.name) == ["tiny", "demo", "demo-captioner", "demo-filter"])
            #expect(report.models.map(\.role) == ["segmenter", "segmenter", "captioner", "filter"])
            #expect(report.models.map { $0.model ?? "" } == ["", "", "demo", "demo"])
            #expect(report.models.allSatisfy { $0.hash.count == 64 && $0.bytes > 0 && $0.calls == 0 })
            #expect(report.models[0].requests == 0 && !report.models[0].keptForEver)
            #expect((1...300_000).contains(report.models[0].untilMilliseconds ?? 0))
            #expect(report.models[1].keptForEver && report.models[1].untilMilliseconds == nil)
            #expect(report.keepAlive == "5m")
            #expect(report.memory.bytes >= report.models.reduce(0) { $0 + $1.bytes })
        }
        let table = try daemon.dseg(["ps"])
        #expect(table.code == 0 && table.errors == "")
        for name in ["tiny", "demo", "  demo-captioner", "  demo-filter"] {
            #expect(table.text.split(separator: "\n").contains { $0.hasPrefix("\(name) ") }, "\(table.text)")
        }

        let unloaded = try daemon.dseg(["unload", "tiny", "odd"])
        #expect(unloaded.code == 0 && unloaded.text == "tiny is unloaded\nodd was not loaded\n", "\(unloaded.errors)")
        let all = try daemon.dseg(["unload", "--all"])
        #expect(all.text == "demo is unloaded\n")
        #expect(try report("ps").models.isEmpty && report("ps").memory.bytes == 0)
    }

    @Test func `mask asks the model of its name, which is loaded for that`() throws {
        let words = ["mask", picture, "boat, sheep", "-o", "-"]
        var masks: [String: [UInt8]] = [:]
        for (model, options) in [
            ("tiny", ["--model", "\(place.path)/tiny"]), ("odd", ["--model", "\(place.path)/odd"]), ("demo", []),
        ] {
            let alone = try run([Repository.dsegd] + words + options)
            let asked = try daemon.dseg(words + ["--model", model])
            #expect(alone.code == 0 && asked.code == 0, "\(alone.errors)\(asked.errors)")
            #expect(try IndexPicture(asked.output) == IndexPicture(alone.output), "\(model)")
            #expect(try report("ps").models.contains { $0.name == model })
            masks[model] = asked.output
        }
        #expect(Set(masks.values).count == 3)
        let standard = try daemon.dseg(words)
        #expect(standard.output == masks["tiny"])
        let gone = try daemon.dseg(words + ["--model", "odd", "--keep-alive", "0"])
        #expect(gone.output == masks["odd"])
        #expect(try eventually { try !report("ps").models.contains { $0.name == "odd" } })
    }

    @Test func `what cannot be done ends with a sentence and the code for it`() throws {
        let unknown = try daemon.dseg(["mask", picture, "boat", "-o", "-", "--model", "odds"])
        #expect(unknown.code == 1 && unknown.errors.contains("odd is"), "\(unknown.errors)")
        for arguments in [["warm", "odds"], ["unload", "odds"]] {
            let ending = try daemon.dseg(arguments)
            #expect(ending.code == 1 && ending.errors.contains("odd is"), "\(arguments): \(ending.errors)")
            #expect(ending.errors.split(separator: "\n").count == 1 && ending.text == "")
        }
        for arguments in [["warm", "odd", "--keep-alive", "5 m"], ["mask", picture, "boat", "--keep-alive", "soon"]] {
            let ending = try daemon.dseg(arguments)
            #expect(ending.code == 64 && ending.errors.contains("1h30m"), "\(ending.errors)")
        }
        #expect(try report("ps").models.isEmpty)
        let file = "\(place.path)/odd/text_encoder/model.safetensors"
        #expect(shell("mv '\(file)' '\(file).kept'").status == 0)
        let vanished = try daemon.dseg(["warm", "odd"])
        #expect(vanished.code == 78 && vanished.errors.contains(file), "\(vanished.errors)")
        #expect(vanished.errors.split(separator: "\n").count == 1)
        #expect(shell("mv '\(file).kept' '\(file)'").status == 0)
        #expect(try daemon.dseg(["warm", "odd"]).code == 0)
    }

    /// Root may speak as another user; nobody else may.
    @Test(.enabled(if: geteuid() == 0 && exists("/usr/bin/setpriv")))
    func `nobody ends what another user asked for`() throws {
        let place = try TemporaryDirectory()
        unsafe chmod(place.path, 0o755)
        let program = "\(place.path)/dseg"
        // Not by this process: a child that another test forks meanwhile would hold the copy open to write.
        #expect(try run(["/bin/cp", Repository.dseg, program]).code == 0)
        daemon.admitEveryone()
        func other(_ arguments: [String]) throws -> Program.Ending {
            try run(
                ["/usr/bin/setpriv", "--reuid=65534", "--regid=65534", "--clear-groups", program] + arguments
                    + ["--socket", daemon.socket])
        }
        func until() throws -> UInt64? { try report("ps").models.first { $0.name == "odd" }?.untilMilliseconds }

        #expect(try daemon.dseg(["warm", "odd", "--keep-alive", "1h"]).code == 0)
        let ending = try other(["warm", "odd", "--keep-alive", "0"])
        #expect(ending.code == 0, "\(ending.errors)")
        #expect(try until() ?? 0 > 3_000_000)
        #expect(try other(["warm", "odd", "--keep-alive", "2h"]).code == 0)
        #expect(try daemon.dseg(["warm", "odd", "--keep-alive", "0"]).code == 0)
        #expect(try until() ?? 0 > 3_600_000, "the longest holds")
        #expect(try other(["warm", "odd", "--keep-alive", "0"]).code == 0)
        #expect(try eventually { try until() == nil })
    }
}
