import FoundationEssentials
import Images
import RPC
import Support
import Synchronization
import Testing

/// Models by name: how `dseg` asks for them, loads them and lets go of them.
@Suite struct LoadedModelTests {
    private let place: TemporaryDirectory
    private let picture: String
    private static let hasTerminal = exists("/usr/bin/script")

    init() throws {
        place = try TemporaryDirectory()
        picture = "\(place.path)/pond.jpg"
        try copy(Repository.picture, to: picture)
    }

    private static let loading = Loading(model: "sd15", stage: .reading, bytes: 923_417_969, totalBytes: 2 << 30)
    private static let model = ModelStatus(
        name: "sd15", hash: "ab", bytes: 2_040_109_466, precision: "int16", role: "segmenter",
        untilMilliseconds: 1_800_000, keptForEver: false, loading: nil, calls: 0, requests: 0, p50Milliseconds: 0,
        p99Milliseconds: 0, model: "")

    /// What came, of every kind.
    private final class Seen: Sendable {
        let segments = Mutex<[SegmentRequest]>([])
        let descriptions = Mutex<[DescribeRequest]>([])
        let warmings = Mutex<[WarmRequest]>([])
        let unloadings = Mutex<[String]>([])
    }

    /// Refuses questions, and loads what it is told to; of "busy" it says that it is in use, of "cold" nothing, and
    /// "odd" it does not know.
    private func daemon(_ seen: Seen) throws -> StandInDaemon {
        try StandInDaemon { call, connection in
            switch call.method {
            case .warm:
                let request = try WarmRequest(decoding: call.payload)
                seen.warmings.withLock { $0.append(request) }
                let replies: [WarmReply] = [.loading(Self.loading), .model(Self.model)]
                return try replies.map { try connection.send($0.encoded(), on: call.stream) }
                    + [connection.finish(call.stream)]
            case .unload:
                let name = try UnloadRequest(decoding: call.payload).model
                seen.unloadings.withLock { $0.append(name) }
                if name == "odd" {
                    return [connection.fail(call.stream, with: RPCStatus(.notFound, "odd is unknown"))]
                }
                let reply = UnloadReply(
                    unloaded: ["cold", "busy"].contains(name) ? [] : [name.isEmpty ? "all" : name],
                    inUse: name == "busy" ? [name] : [])
                return [connection.reply(reply.encoded(), on: call.stream)]
            case .segment:
                let request = try SegmentRequest(decoding: call.payload)
                seen.segments.withLock { $0.append(request) }
            case .describe:
                let request = try DescribeRequest(decoding: call.payload)
                seen.descriptions.withLock { $0.append(request) }
            default: break
            }
            return [connection.fail(call.stream, with: RPCStatus(.failedPrecondition, "it cannot be loaded"))]
        }
    }

    @Test func `warm loads a model and says so in a line`() throws {
        let seen = Seen()
        let daemon = try daemon(seen)
        for arguments in [["warm"], ["warm", "sd15", "--keep-alive", "90m"], ["warm", "--keep-alive", "-1"]] {
            let ending = try daemon.dseg(arguments)
            #expect(ending.code == 0)
            #expect(ending.text == "sd15 is loaded, 1.9 GiB, until 30 minutes from now\n")
            #expect(ending.errors == "", "no terminal sees the loading")
        }
        let requests = seen.warmings.withLock(\.self)
        #expect(requests.map(\.model) == ["", "sd15", ""])
        #expect(requests.map(\.keepAlive) == ["", "1h30m", "forever"])
    }

    @Test func `unload says what is gone, what goes later, and what was not loaded`() throws {
        let seen = Seen()
        let daemon = try daemon(seen)
        let ending = try daemon.dseg(["unload", "sd15", "odd", "busy", "cold"])
        #expect(
            ending.text == """
                sd15 is unloaded
                busy is in use, and goes as soon as its calls have ended
                cold was not loaded

                """)
        #expect(ending.errors == "dseg: odd is unknown\n")
        #expect(ending.code == 1)
        let all = try daemon.dseg(["unload", "--all"])
        #expect(all.code == 0 && all.text == "all is unloaded\n" && all.errors == "")
        #expect(seen.unloadings.withLock(\.self) == ["sd15", "odd", "busy", "cold", ""])
    }

    @Test func `a question names its model, and for how long it is kept`() throws {
        let seen = Seen()
        let daemon = try daemon(seen)
        let options = ["--model", "sd15", "--keep-alive", "90m"]
        for arguments in [["mask", picture, "boat"], ["mask", picture, "boat"] + options] {
            let ending = try daemon.dseg(arguments)
            #expect(ending.code == 78 && ending.errors == "dseg: it cannot be loaded\n", "\(ending.errors)")
        }
        for arguments in [["words", picture], ["words", picture] + options] {
            #expect(try daemon.dseg(arguments).code == 78)
        }
        let masks = seen.segments.withLock(\.self)
        #expect(masks.map(\.model) == ["", "sd15"] && masks.map(\.keepAlive) == ["", "1h30m"])
        #expect(!masks.contains { $0.progress }, "no terminal sees it")
        let words = seen.descriptions.withLock(\.self)
        #expect(words.map(\.model) == ["", "sd15"] && words.map(\.keepAlive) == ["", "1h30m"])
        #expect(!words.contains { $0.progress })
    }

    @Test func `redo asks for the file's own model, and may say for how long`() throws {
        let made = try run([Repository.dsegd, "mask", picture, "boat", "-o", "-"])
        let file = "\(place.path)/made.png"
        try write(made.output, to: file)
        let seen = Seen()
        let daemon = try daemon(seen)
        #expect(try daemon.dseg(["redo", file]).code == 78)
        #expect(try daemon.dseg(["redo", file, "--keep-alive", "0"]).code == 78)
        let requests = seen.segments.withLock(\.self)
        let hash = try Record(made.output).model.hash
        #expect(requests.map(\.model) == [hash, hash] && requests.map(\.keepAlive) == ["", "0"])
    }

    @Test func `a large picture is brought for the model that will be asked`() throws {
        let models = Mutex<[String]>([])
        // It takes the picture and says nothing.
        let daemon = try StandInDaemon { _, _ in
            []
        } receiving: { message in
            models.withLock { $0.append((try? LookRequest(decoding: message).model) ?? "unreadable") }
        }
        let large = "\(place.path)/large.png"
        var generator = SeededGenerator(seed: 5)
        let noise = generator.bytes(1100 * 1000 * 3)
        try write(PNGFile(width: 1100, height: 1000, .rgb(noise), texts: []).encoded(), to: large)
        let ending = try daemon.dseg(["mask", large, "boat", "--model", "sd15", "--timeout", "1.5"])
        #expect(ending.code == 75, "\(ending.errors)")
        let said = models.withLock(\.self)
        #expect(said.count == 4 && said.first == "sd15" && said.dropFirst().allSatisfy(\.isEmpty), "\(said)")
    }

    @Test func `what no daemon can be asked is a usage error`() throws {
        let mask = ["mask", picture, "boat"]
        let grammar =
            #"is no time: give 0, seconds ("300"), a duration ("5m", "1h30m", "90s", "500ms", "2d") or "forever""#
        let bad: [([String], String)] = [
            (mask + ["--keep-alive", "5x"], grammar), (["words", picture, "--keep-alive", ""], grammar),
            (["redo", picture, "--keep-alive", "nan"], grammar), (["warm", "--keep-alive", "5 m"], grammar),
            (["warm", "--keep-alive", "--json"], grammar),
            (mask + ["--keep-alive", "1000000001"], "is over 1000000000 s: type \"forever\""),
            (mask + ["--keep-alive", "5m", "--no-daemon"], "--keep-alive 5m is for a daemon, and with --no-daemon"),
            (["words", picture, "--keep-alive", "0", "--no-daemon"], "--keep-alive 0 is for a daemon"),
            (mask + ["--model", "./a b"], "type dseg model add './a b'"), (["warm", "a/b"], "a/b is a path"),
            (mask + ["--model", ""], "an empty name is no model's"), (["warm", ""], "an empty name is no model's"),
            (["unload"], "no model is named"), (["unload", ""], "an empty name is no model's"),
            (["unload", "--all", "sd15"], "--all is all models, sd15 too"),
        ]
        for (arguments, sentence) in bad {
            let ending = try run([Repository.dseg] + arguments)
            #expect(ending.code == 64, "\(arguments)")
            #expect(ending.errors.contains(sentence), "\(ending.errors)")
        }
    }

    @Test func `without a daemon a model is named as dsegd names it`() throws {
        let mask = ["mask", picture, "boat", "-o", "-", "--model", Repository.demoModel]
        let ending = try run([Repository.dseg] + mask + ["--no-daemon"])
        #expect(ending.code == 0, "\(ending.errors)")
        #expect(try ending.output == run([Repository.dsegd] + mask).output)
    }

    @Test func `where nothing is loaded ps says so beside an empty table`() throws {
        let daemon = try StandInDaemon { call, connection in
            let status = StatusReply(
                version: "1", models: [], queued: 0, queueLimit: 64, answered: 0, refused: 0, pictures: 0,
                picturesBytes: 0, picturesLimit: 0, words: 0, wordsBytes: 0, wordsLimit: 0, uptimeMilliseconds: 0,
                threads: 2, recipes: [], memoryBytes: 0, memoryLimit: 1, keepAlive: "5m", defaultModel: "demo",
                activity: .none)
            return [connection.reply(status.encoded(), on: call.stream)]
        }
        let ending = try daemon.dseg(["ps"])
        #expect(ending.code == 0)
        #expect(ending.text == "NAME  HASH  SIZE  PRECISION  UNTIL  CALLS  REQUESTS  P50  P99\n")
        #expect(ending.errors.contains("no model is loaded") && ending.errors.split(separator: "\n").count == 1)
        #expect(try daemon.dseg(["ps", "--json"]).text.contains(#""models":[]"#))
    }

    /// The daemon says how far it is, and then nothing.
    @Test(
        .enabled(if: hasTerminal, "script(1) is not installed"),
        arguments: ["mask 'pond.jpg' boat", "words 'pond.jpg'", "warm"])
    func `a terminal shows how far the loading is`(command: String) throws {
        let asked = Mutex<[Bool]>([])
        let daemon = try StandInDaemon { call, connection in
            let loading: [UInt8]
            switch call.method {
            case .segment:
                let request = try SegmentRequest(decoding: call.payload)
                asked.withLock { $0.append(request.progress) }
                loading = SegmentReply.loading(Self.loading).encoded()
            case .describe:
                let request = try DescribeRequest(decoding: call.payload)
                asked.withLock { $0.append(request.progress) }
                loading = DescribeReply.loading(Self.loading).encoded()
            default: loading = WarmReply.loading(Self.loading).encoded()
            }
            return [try connection.send(loading, on: call.stream)]
        }
        let ending = try run(
            [
                "/usr/bin/script", "-qefc",
                "cd '\(place.path)'; '\(Repository.dseg)' \(command) --timeout 1.5 --socket '\(daemon.socket)'",
                "\(place.path)/seen",
            ], environment: ["TERM": "xterm"])
        #expect(ending.code == 75)
        #expect(ending.text.contains("\r\u{1B}[Kloading sd15  43 %  880.6 MiB of 2.0 GiB  "), "\(ending.text)")
        #expect(!asked.withLock { $0.contains(false) })
    }
}
