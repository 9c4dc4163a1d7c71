import FoundationEssentials
import Glibc
import Images
import RPC
import Results
import Support
import Synchronization
import Testing

/// `dseg` takes nobody's word: neither a daemon's nor that of a file it is to make again.
@Suite struct DistrustTests {
    /// What a terminal would obey, and a line's end.
    private static let orders = "a\u{1B}[31mb\u{9B}c\u{7F}d\u{202E}e\nf"
    private let place: TemporaryDirectory
    private let picture: String

    init() throws {
        place = try TemporaryDirectory()
        picture = "\(place.path)/pond.jpg"
        try copy(Repository.picture, to: picture)
    }

    private func expectHarmless(_ text: String, at location: SourceLocation = #_sourceLocation) {
        for line in text.split(separator: "\n") {
            #expect(Streams.printable(String(line)) == line, sourceLocation: location)
        }
    }

    @Test func `status prints any number, and no order to the terminal`() throws {
        let orders = Self.orders
        let daemon = try StandInDaemon { call, connection in
            let model = ModelStatus(
                name: orders, hash: orders, bytes: 1 << 62, precision: orders, role: orders, untilMilliseconds: .max,
                keptForEver: false, loading: nil, calls: .max, requests: .max, p50Milliseconds: .infinity,
                p99Milliseconds: .nan, model: orders)
            let status = StatusReply(
                version: orders, models: [model], queued: .max, queueLimit: .max, answered: .max, refused: .max,
                pictures: .max, picturesBytes: .max, picturesLimit: .max, words: .max, wordsBytes: .max,
                wordsLimit: .max, uptimeMilliseconds: .max, threads: .max, recipes: [],
                memoryBytes: .max, memoryLimit: .max, keepAlive: orders, defaultModel: orders, activity: .none)
            return [connection.reply(status.encoded(), on: call.stream)]
        }
        let ending = try daemon.dseg(["status"])
        #expect(ending.code == 0, "\(ending.errors)")
        #expect(ending.text.contains("4294967296.0 GiB"))
        #expect(ending.text.split(separator: "\n").count == 5)
        expectHarmless(ending.text)
        for arguments in [["ps"], ["ps", "--json"], ["status", "--json"]] {
            let ending = try daemon.dseg(arguments)
            #expect(ending.code == 0, "\(ending.errors)")
            #expect(ending.text.contains(arguments.count == 1 ? "4294967296.0 GiB" : "\(1 << 62 as UInt64)"))
            #expect(ending.text.split(separator: "\n").count == (arguments.count == 1 ? 5 : 1))
            expectHarmless(ending.text)
        }
    }

    @Test func `recipes are printed without an order to the terminal, and a daemon that has none is old`() throws {
        let orders = Self.orders
        func daemon(_ recipes: [RecipeStatus]) throws -> StandInDaemon {
            try StandInDaemon { call, connection in
                let status = StatusReply(
                    version: "", models: [], queued: 0, queueLimit: 0, answered: 0, refused: 0, pictures: 0,
                    picturesBytes: 0, picturesLimit: 0, words: 0, wordsBytes: 0, wordsLimit: 0, uptimeMilliseconds: 0,
                    threads: 0, recipes: recipes, memoryBytes: 0, memoryLimit: 0, keepAlive: "", defaultModel: "",
                    activity: .none)
                return [connection.reply(status.encoded(), on: call.stream)]
            }
        }
        let setting = SettingStatus(key: orders, value: orders, legal: orders, meaning: orders)
        let recipe = RecipeStatus(name: orders, summary: orders, cost: orders, source: orders, settings: [setting])
        let hostile = try daemon([recipe])
        for arguments in [["recipes"], ["recipes", "--json"]] {
            let ending = try hostile.dseg(arguments)
            #expect(ending.code == 0 && ending.text.contains("31m"), "\(ending.errors)")
            expectHarmless(ending.text)
        }
        let old = try daemon([]).dseg(["recipes"])
        #expect(old.code == 1 && old.errors.contains("older version"), "\(old.errors)")
    }

    @Test func `a refusal of two lines is two lines, and no order to the terminal`() throws {
        let message = "first \(Self.orders)\r\nlast"
        let daemon = try StandInDaemon { call, connection in
            [connection.fail(call.stream, with: RPCStatus(.resourceExhausted, message))]
        }
        for arguments in [["status"], ["mask", picture, "boat"]] {
            let ending = try daemon.dseg(arguments)
            #expect(ending.code == 75)
            #expect(ending.errors.split(separator: "\n").map(String.init).suffix(2) == ["f", "last"])
            expectHarmless(ending.errors)
        }
    }

    @Test(arguments: [["status"], ["recipes"], ["mask", "pond.jpg", "boat"], ["redo", "made.png"]])
    func `a daemon that is silent is not waited for`(arguments: [String]) throws {
        let made = try run([Repository.dsegd, "mask", picture, "boat", "-o", "-"])
        try write(made.output, to: "\(place.path)/made.png")
        let daemon = try StandInDaemon { _, _ in [] }
        let paths = arguments.map { $0.contains(".") ? "\(place.path)/\($0)" : $0 }
        let ending = try daemon.dseg(paths + ["--timeout", "0.3"])
        #expect(ending.code == 75)
        #expect(ending.errors.contains("--timeout SECONDS"))
        #expect(try bytes("\(place.path)/made.png") == made.output)
    }

    @Test func `a picture that is unknown just after it was brought is brought once more, and not again`() throws {
        let calls = Mutex<[RPC.Method]>([])
        let daemon = try StandInDaemon { call, connection in
            calls.withLock { $0.append(call.method) }
            guard call.method == .look else {
                return [connection.fail(call.stream, with: RPCStatus(.notFound, "no such picture"))]
            }
            return [connection.reply(LookReply(handle: "ab", width: 192, height: 192).encoded(), on: call.stream)]
        }
        let large = "\(place.path)/large.png"
        var generator = SeededGenerator(seed: 3)
        let noise = generator.bytes(1100 * 1000 * 3)
        let file = try PNGFile(width: 1100, height: 1000, .rgb(noise), texts: []).encoded()
        try #require(file.count > 3 << 20)
        try write(file, to: large)
        let ending = try daemon.dseg(["mask", large, "boat"])
        #expect(ending.errors.contains("no such picture"), "\(ending.errors)")
        #expect(calls.withLock(\.self) == [.look, .segment, .look, .segment])
    }

    @Test func `an answer about a picture of another size is refused, and nothing is written`() throws {
        let daemon = try StandInDaemon { call, connection in
            return [try connection.send(SegmentReply.header(.aboutBoat(side: 8)).encoded(), on: call.stream)]
        }
        let ending = try daemon.dseg(["mask", picture, "boat"])
        #expect(ending.code == 1)
        #expect(ending.errors.contains("another size"))
        #expect(try place.names == ["pond.jpg"])
    }

    /// Answers every mask with a background, and every description, by this choice.
    private func daemon(choosing choice: Choice) throws -> StandInDaemon {
        try StandInDaemon { call, connection in
            let network = Network(name: Self.orders, hash: Self.orders)
            guard call.method == .segment else {
                let description = Description(
                    handle: "", width: 192, height: 192, caption: choice.caption, nouns: choice.nouns,
                    captioner: network, filter: network)
                let replies: [DescribeReply] = [.description(description), .choice(choice)]
                let frames = try replies.map { try connection.send($0.encoded(), on: call.stream) }
                return frames + [connection.finish(call.stream)]
            }
            let header = Header(
                handle: "", width: 192, height: 192, latentWidth: 8, latentHeight: 8, labels: [], recipe: "best",
                forwardPrompt: "", seed: 0, timestep: 0, threshold: 0.5, model: "", modelHash: "", modelAliases: [],
                version: "",
                precision: "", instructionSet: "", blas: "", settings: [], labelsCompete: false, notes: [],
                choice: choice, captioner: network, filter: network)
            let trailer = Trailer(
                queueMilliseconds: 0, decodeMilliseconds: 0, autoencoderMilliseconds: 0, textMilliseconds: 0,
                unetMilliseconds: 0, mapsMilliseconds: 0, unetPasses: 0, featuresCached: 0, phrasesCached: 0,
                latentCached: false, answerHash: "", wordsMilliseconds: 0)
            let mask = try IndexMask(
                indices: [UInt8](repeating: 0, count: 192 * 192), width: 192, height: 192, labels: 0)
            let replies: [SegmentReply] = [.header(header), .mask(mask), .trailer(trailer)]
            return try replies.map { try connection.send($0.encoded(), on: call.stream) }
                + [connection.finish(call.stream)]
        }
    }

    @Test func `a choice is explained without an order to the terminal, and a wrong one is refused`() throws {
        let orders = Self.orders
        let criterion = Criterion(part: orders, value: -.greatestFiniteMagnitude, limit: 1e9, held: true, noun: orders)
        let verdict = Verdict(name: orders, kept: false, score: 1e38, criteria: [criterion], alike: "")
        let alike = Verdict(name: "b", kept: false, score: 0, criteria: [], alike: orders)
        var choice = Choice(
            filter: orders, settings: [], caption: orders, nouns: [Noun(name: orders, words: orders)],
            verdicts: [verdict, alike], vocabularyHash: orders)
        for arguments in [["mask", picture, "--explain"], ["words", picture], ["words", picture, "--json"]] {
            let ending = try daemon(choosing: choice).dseg(arguments + (arguments[0] == "mask" ? ["--force"] : []))
            #expect(ending.code == 3, "\(ending.errors)")
            #expect((ending.text + ending.errors).contains("31m"))
            expectHarmless(ending.text)
            expectHarmless(ending.errors)
        }
        let refused = try daemon(choosing: choice).dseg(["mask", picture, "boat, b", "--filter", "best", "--force"])
        #expect(refused.code == 1 && refused.errors.contains("another filter"), "\(refused.errors)")
        choice.verdicts[0].score = .nan
        for command in ["mask", "words"] {
            let broken = try daemon(choosing: choice).dseg([command, picture] + (command == "mask" ? ["--force"] : []))
            #expect(broken.code == 1 && broken.errors.contains("no numbers"), "\(broken.errors)")
        }
        (choice.verdicts, choice.nouns) = ([], [])
        for command in ["mask", "words"] {
            let silent = try daemon(choosing: choice).dseg([command, picture] + (command == "mask" ? ["--force"] : []))
            #expect(silent.code == 3 && silent.errors.contains("names nothing"), "\(silent.errors)")
        }
    }

    @Test func `an answer that cannot be read is the daemon's fault, no usage`() throws {
        for kind in 0..<4 {
            let daemon = try StandInDaemon { call, connection in
                switch kind {
                case 0: return [Array("HTTP/1.1 400 Bad Request\r\n\r\n".utf8)]
                case 1: return [try connection.send([0xFF, 0xFF, 0xFF], on: call.stream)]
                case 2: return [try connection.send([], on: call.stream)]
                default:
                    return [try Frame(.response, stream: call.stream, flags: [], payload: [0x0A, 0xFF]).encoded()]
                }
            }
            let ending = try daemon.dseg(["mask", picture, "boat"])
            #expect(ending.code == 1, "\(ending.errors)")
            #expect(ending.errors.contains("The daemon's answer cannot be read"), "\(ending.errors)")
        }
    }

    @Test(arguments: ["/etc/passwd", "/dev/zero", "/proc/self/mem", "pipe", "folder", "secret"])
    func `a stranger's file has nothing sent but a picture`(path: String) throws {
        let json = try run([Repository.dsegd, "mask", picture, "boat", "--json"]).text
        #expect(unsafe mkfifo("\(place.path)/pipe", 0o600) == 0)
        try FileManager.default.createDirectory(atPath: "\(place.path)/folder", withIntermediateDirectories: false)
        try write(Array("a key".utf8), to: "\(place.path)/secret")
        let named = path.hasPrefix("/") ? path : "\(place.path)/\(path)"
        try write(Array(json.replacing(picture, with: named).utf8), to: "\(place.path)/made.json")
        let daemon = try StandInDaemon { call, connection in
            Issue.record("asked")
            return [connection.fail(call.stream, with: RPCStatus(.internal, ""))]
        }
        let ending = try daemon.dseg(["redo", "\(place.path)/made.json"])
        #expect([65, 66].contains(ending.code))
        #expect(ending.errors.contains(named), "\(ending.errors)")
    }
}
