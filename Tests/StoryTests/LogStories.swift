import FoundationEssentials
import Glibc
import RPC
import Support
import Testing

/// Each call leaves one line in the log, and no word of what was asked.
struct LogStories {
    @Test func `each call, however it ends, leaves one line with its name and its result`() throws {
        let daemon = try Daemon("--queue", "1")
        let client = try daemon.client()
        let file = try Repository.scene(1)
        let boat = SegmentRequest(.image(file), ["boat", "sky"])
        func named(_ id: String, _ change: (inout SegmentRequest) -> Void = { _ in }) -> SegmentRequest {
            var request = boat
            request.requestID = id
            change(&request)
            return request
        }
        let looked = try client.look(file)
        #expect(throws: RPCStatus.self) { try client.look(Array("no picture".utf8)) }
        _ = try client.answer(named("first"))
        _ = try client.answer(named("again"))
        _ = try client.answer(named("once more") { $0.picture = .handle(looked.handle) })
        for (id, change) in Self.refused { #expect(try client.refusal(named(id, change)) != nil) }
        try client.describe(Self.description(.image(file), id: "what")) { _ in }
        try client.warm(WarmRequest(model: "", keepAlive: "", requestID: "warm", deadlineMilliseconds: 0)) { _ in }
        #expect(throws: RPCStatus.self) { try client.cancel("") }
        _ = try client.unload(UnloadRequest(model: ""))
        _ = try client.health()

        let ends = daemon.calls
        #expect(
            ends.map { "\($0["method"] ?? "-") \($0["result"] ?? "-")" } == [
                "Look ok", "Look invalidArgument", "Segment ok", "Segment ok", "Segment ok",
                "Segment notFound", "Segment notFound", "Segment invalidArgument", "Segment invalidArgument",
                "Segment invalidArgument", "Segment deadlineExceeded", "Describe ok", "Warm ok",
                "Cancel invalidArgument", "Unload ok",
            ])
        let names = ends.compactMap { $0["request_id"] }
        #expect(Set(names).count == ends.count, "each has a name of its own")
        let given = Self.refused.map(\.id)
        #expect(names[2...12] == (["first", "again", "once more"] + given + ["what", "warm"])[...])
        #expect(ends.allSatisfy { $0["uid"] == "\(getuid())" && $0["connection"] == "2" })
        #expect(ends[0]["picture"] == "\(looked.width)x\(looked.height)" && ends[2]["picture"] == ends[0]["picture"])
        #expect(ends[2]["labels"] == "2" && ends[2]["model"] == "demo" && ends[2]["recipe"] == "shared")
        #expect(ends.map { $0["remembered"] }[2...4] == [nil, "true", "true"])
        #expect(try #require(ends[2]["unet_ms"].flatMap(Double.init)) > 0)
        #expect(try #require(ends[0]["received_bytes"].flatMap(Int.init)) > file.count)
        for end in ends { end.checkTimes() }
    }

    private static let refused: [(id: String, change: @Sendable (inout SegmentRequest) -> Void)] = [
        ("no such model", { $0.model = "sdxl" }),
        ("no such handle", { $0.picture = .handle(String(repeating: "0", count: 64)) }),
        ("no image", { $0.picture = .image(Array("no picture".utf8)) }),
        ("no labels", { $0.labels = [] }),
        ("no such recipe", { $0.recipe = "cake" }),
        ("too late", { ($0.deadlineMilliseconds, $0.recipe, $0.seed) = (1, "diffsegmenter", 7) }),
    ]

    private static func description(_ picture: SegmentRequest.Picture, id: String) -> DescribeRequest {
        DescribeRequest(
            picture: picture, vocabulary: nil, model: "", requestID: id, deadlineMilliseconds: 0, keepAlive: "",
            progress: false)
    }

    @Test func `a call that is cancelled, left alone, late or not let in leaves one line`() throws {
        let daemon = try Daemon("--queue", "1")
        let client = try daemon.client()
        let picture = SegmentRequest.Picture.image(try Repository.scene(1))
        let running = try Wire(daemon)
        try running.open(.segment, stream: 1, SegmentRequest.long(picture, id: "running").encoded())
        #expect(try running.next()?.kind == .data && running.next()?.kind == .data, "the header and a map: it runs")
        var waits: Wire? = try Wire(daemon)
        var short = SegmentRequest(picture, ["boat"])
        short.requestID = "left"
        try waits?.open(.segment, stream: 1, short.encoded())
        let isQueued = try eventually { try client.status().queued == 1 }
        #expect(isQueued)
        short.requestID = "full"
        #expect(try client.refusal(short)?.code == .resourceExhausted)
        waits = nil
        #expect(eventually { daemon.calls.contains { $0["request_id"] == "left" } })
        (short.requestID, short.deadlineMilliseconds) = ("late", 50)
        #expect(try client.refusal(short)?.code == .deadlineExceeded)
        #expect(try client.cancel("running") == 1)
        #expect(try running.code(of: 1) == .cancelled)

        let ends = daemon.calls.filter { $0["method"] == "Segment" }
        #expect(
            ends.map { "\($0["request_id"] ?? "-") \($0["result"] ?? "-") \($0["client_left"] ?? "-")" } == [
                "full resourceExhausted -", "left cancelled true", "late deadlineExceeded -", "running cancelled -",
            ])
        #expect(try #require(ends[3]["unet_ms"].flatMap(Double.init)) > 0, "what it took until then")
        #expect(ends[2]["queue_ms"] == nil, "it never ran")
        for end in ends { end.checkTimes() }
    }

    @Test func `a fault of the wire leaves one line, whether it ends a call or none`() throws {
        let daemon = try Daemon()
        let wire = try Wire(daemon)
        try wire.frame(1, stream: 1, flags: 0, [0xff, 0xff, 0xff])
        #expect(try wire.code(of: 1) == .invalidArgument)
        try wire.open(.segment, stream: 3, [0x08])
        #expect(try wire.code(of: 3) == .invalidArgument)
        let foreign = CallRequest(service: "a.B", method: "PaintGiraffes", payload: [], timeout: 0)
        try wire.frame(1, stream: 5, flags: 0, foreign.encoded())
        #expect(try wire.code(of: 5) == .unimplemented)
        try wire.open(.look, stream: 7, [])
        try wire.frame(3, stream: 7, flags: 0, [UInt8](repeating: 0, count: (4 << 20) + 1))
        #expect(try wire.code(of: 7) == .resourceExhausted)
        #expect(
            daemon.calls.map { "\($0["method"] ?? "-") \($0["result"] ?? "-")" } == [
                "- invalidArgument", "Segment invalidArgument", "- unimplemented", "Look resourceExhausted",
            ])
        #expect(!daemon.log.contains("Giraffes"))
    }

    @Test(arguments: [
        "a\nuid=0", "a uid=0 result=ok", "\u{1B}[2J", "\"", "a\\", "\u{202E}", String(repeating: "é", count: 128),
    ])
    func `a call's name forges no field and no line`(name: String) throws {
        let daemon = try Daemon()
        let warm = WarmRequest(model: "", keepAlive: "", requestID: name, deadlineMilliseconds: 0)
        try daemon.client().warm(warm) { _ in }
        let ends = daemon.calls
        #expect(ends.map { $0["result"] } == ["ok"] && ends.map { $0["uid"] } == ["\(getuid())"])
        let plain = String(String.UnicodeScalarView(name.unicodeScalars.map { Self.isObeyed($0) ? "\u{FFFD}" : $0 }))
        #expect(ends.first?["request_id"] == plain)
    }

    private static func isObeyed(_ scalar: Unicode.Scalar) -> Bool {
        scalar.properties.isBidiControl || scalar.properties.generalCategory == .control
    }

    /// Words that no daemon says by itself, at each place of a request that takes any.
    private static func ask(_ daemon: Daemon) throws {
        let client = try daemon.client()
        let picture = SegmentRequest.Picture.image(try Repository.scene(1))
        var named = SegmentRequest(picture, ["zebrafinch"])
        named.labels.append(
            Label(name: "quokkaname", phrases: [Phrase(words: "quokkawords", prompt: "oh quokkawords promptly")]))
        named.forwardPrompt = "okapiland"
        _ = try client.answer(named)
        var chosen = SegmentRequest(picture, [])
        chosen.vocabulary = Vocabulary(
            candidates: [Candidate(name: "axolotlish", phrases: [], synonyms: ["xylophonist"])],
            background: ["mangrovewood"], filter: "", settings: [])
        _ = try? client.answer(chosen)
        let changes: [(inout SegmentRequest) -> Void] = [
            { $0.model = "walrusmodel" }, { $0.recipe = "cakerecipe" }, { $0.settings = ["flourkey=1"] },
            { $0.settings = ["gamma=flourvalue"] }, { $0.keepAlive = "eternityword" },
            { $0.picture = .handle("handleword") }, { $0.labels = [Label(name: "twinword"), Label(name: "twinword")] },
        ]
        for change in changes {
            var request = SegmentRequest(picture, ["zebrafinch"])
            change(&request)
            #expect(try client.refusal(request) != nil)
        }
        let warm = WarmRequest(model: "warmword", keepAlive: "", requestID: "", deadlineMilliseconds: 0)
        #expect(throws: RPCStatus.self) { try client.warm(warm) { _ in } }
        #expect(throws: RPCStatus.self) { try client.unload(UnloadRequest(model: "leaveword")) }
        #expect(throws: RPCStatus.self) { try client.look(Repository.scene(1), recipe: "lookrecipe") }
        #expect(throws: RPCStatus.self) { try client.look(Repository.scene(1), model: "lookmodel") }
        let wire = try Wire(daemon)
        let foreign = CallRequest(service: "serviceword", method: "methodword", payload: [], timeout: 0)
        try wire.frame(1, stream: 1, flags: 0, foreign.encoded())
        #expect(try wire.code(of: 1) == .unimplemented)
    }

    private static let words = [
        "zebrafinch", "quokkaname", "quokkawords", "promptly", "okapiland", "axolotlish", "xylophonist", "mangrovewood",
        "walrusmodel", "cakerecipe", "flourkey", "flourvalue", "eternityword", "handleword", "twinword", "warmword",
        "leaveword", "lookrecipe", "lookmodel", "serviceword", "methodword",
    ]

    @Test(arguments: ["info", "trace"])
    func `no word of a request is in the log`(level: String) throws {
        let daemon = try Daemon("--log-level", level)
        try Self.ask(daemon)
        #expect(daemon.calls.count >= 14)
        #expect(Self.words.filter(daemon.log.contains) == [])
    }

    @Test func `words are in the log where they are asked for, and the picture is not`() throws {
        let daemon = try Daemon("--log-words")
        try Self.ask(daemon)
        #expect(Self.words.filter { !daemon.log.contains($0) } == [])
        for end in daemon.calls where end["result"] != "ok" { #expect(end["reason"] != nil) }
        let handle = try daemon.client().look(Repository.scene(1)).handle
        #expect(!daemon.log.contains(handle.prefix(12)))
    }

    @Test func `a level that the settings file changes holds from the next reload on`() throws {
        let directory = try TemporaryDirectory()
        let path = "\(directory.path)/dsegd.conf"
        func write(_ text: String) throws { try Data(text.utf8).write(to: URL(filePath: path)) }
        try write("log-level = warning\n")
        let daemon = try Daemon("--settings", path)
        let client = try daemon.client()
        _ = try client.status()
        #expect(daemon.log.isEmpty)
        try write("log-level = debug\nlog-words = yes\n")
        daemon.signal(SIGHUP)
        let isChanged = try eventually {
            _ = try client.health()
            return daemon.calls.contains { $0["method"] == "Check" }
        }
        #expect(isChanged, "\(daemon.log)")
        #expect(try client.refusal(SegmentRequest(.handle("handleword"), ["boat"])) != nil)
        #expect(daemon.log.contains("handleword"))
    }

    @Test(.enabled(if: access("/run/systemd/journal/socket", F_OK) != 0, "the machine's own journal would be told"))
    func `lines for a journal that cannot be told fields begin with their priority`() throws {
        let daemon = try Daemon(after: "export JOURNAL_STREAM=$(stat -Lc %d:%i /proc/self/fd/2)")
        _ = try daemon.client().status()
        let lines = daemon.log.split(separator: "\n")
        #expect(lines.first?.hasPrefix("<5>answers at ") == true)
        #expect(lines.last?.hasPrefix("<6>Status ok in ") == true)
    }
}

extension Daemon {
    /// The lines of ended calls.
    fileprivate var calls: [LogLine] { log.split(separator: "\n").compactMap { LogLine(ofCall: String($0)) } }
}

extension LogLine {
    /// That the stages of the engine's thread, one after the other, took no longer than the call.
    fileprivate func checkTimes() {
        func tenths(_ key: String) -> Int? { self[key].flatMap { Int($0.filter { $0 != "." }) } }
        let stages = ["queue", "decode", "autoencoder", "words", "text", "unet", "maps"].compactMap {
            tenths("\($0)_ms")
        }
        #expect(stages.allSatisfy { $0 >= 0 })
        #expect(tenths("total_ms").map { stages.reduce(0, +) <= $0 } == true, "\(self)")
        #expect(tenths("draw_ms").map { $0 <= tenths("total_ms") ?? 0 } != false, "\(self)")
    }
}
