import RPC
@testable import Server
import Support
import Testing

/// The same question of the same user again is answered in the same messages.
struct RememberedReplyTests {
    private static func key(owner: UInt32 = 1, model: String = "m", _ change: (inout SegmentRequest) -> Void = { _ in })
        -> ReplyKey
    {
        var message = SegmentRequest(picture: .image([1]), labels: [RPC.Label(name: "dog")])
        change(&message)
        return ReplyKey(message, handle: "h", identity: model, owner: owner)
    }

    @Test func `a question is the same whatever names its call, and however its picture is brought`() {
        let same: [(inout SegmentRequest) -> Void] = [
            { $0.requestID = "a" }, { $0.deadlineMilliseconds = 7 }, { $0.picture = .handle("h") },
            { $0.picture = .image([2]) }, { $0.keepAlive = "5m" }, { $0.progress = true },
        ]
        for change in same { #expect(Self.key(change) == Self.key()) }
    }

    @Test func `a question is another for whatever its bits depend on`() {
        let changes: [(inout SegmentRequest) -> Void] = [
            { _ in }, { $0.labels[0].name = "Dog" }, { $0.labels = [RPC.Label(name: "dog"), RPC.Label(name: "cat")] },
            { $0.labels = [RPC.Label(name: "cat"), RPC.Label(name: "dog")] }, { $0.labels[0].name = "dogcat" },
            { $0.labels[0].phrases = [RPC.Phrase(words: "dog")] },
            { $0.labels[0].phrases = [RPC.Phrase(words: "dog", prompt: "dog")] },
            { $0.labels[0].name = "caf\u{E9}" }, { $0.labels[0].name = "cafe\u{301}" },
            { $0.recipe = "diffsegmenter" }, { $0.seed = 1 }, { $0.timestep = 1 }, { $0.timestep = 0 },
            { $0.threshold = 0.25 }, { $0.threshold = 0 }, { $0.forwardPrompt = "" }, { $0.forwardPrompt = "a" },
            { $0.mask = true }, { $0.maps = .none }, { $0.maps = .sized },
            { ($0.maps, $0.mapWidth, $0.mapHeight) = (.sized, 20, 30) },
            { ($0.maps, $0.mapWidth, $0.mapHeight) = (.sized, 30, 20) }, { $0.encoding = .u8 }, { $0.model = "m" },
        ]
        var keys = changes.map { Self.key($0) }
        keys += [Self.key(owner: 2), Self.key(model: "n")]
        for (index, key) in keys.enumerated() {
            #expect(keys.firstIndex(of: key) == index, "change \(index)")
        }
        let message = SegmentRequest(picture: .image([1]), labels: [RPC.Label(name: "dog")])
        #expect(ReplyKey(message, handle: "g", identity: "m", owner: 1) != Self.key())
    }

    private struct Letter: Equatable {
        var parts: [SegmentReply] = []
        var trailer: Trailer?
    }

    private static func ask(_ client: Client, _ request: SegmentRequest) throws -> Letter {
        var letter = Letter()
        try client.segment(request) { reply in
            if case .trailer(let trailer) = reply { letter.trailer = trailer } else { letter.parts.append(reply) }
        }
        return letter
    }

    @Test(arguments: ["shared", "diffsegmenter"]) func `is sent again whole, with a trailer of its own`(
        recipe: String
    ) throws {
        let server = try TestServer()
        let client = try server.client()
        let request = SegmentRequest(
            picture: .image(try Repository.scene(1)), labels: ["dog", "a red car"].map { RPC.Label(name: $0) },
            recipe: recipe, mask: true)
        let first = try Self.ask(client, request)
        #expect(first.parts.count == 4)
        guard case .header(let header) = first.parts[0] else { throw RPCStatus(.internal, "no header") }
        var byHandle = request
        byHandle.picture = .handle(header.handle)
        for again in try [Self.ask(client, request), Self.ask(client, byHandle)] {
            #expect(again.parts == first.parts)
            let (old, new) = try (#require(first.trailer), #require(again.trailer))
            #expect(new.answerHash == old.answerHash)
            #expect((new.unetPasses, new.featuresCached) == (0, recipe == "shared" ? 1 : 2))
            #expect(new.phrasesCached == 2 && new.latentCached)
            #expect((new.textMilliseconds, new.unetMilliseconds, new.mapsMilliseconds) == (0, 0, 0))
        }
    }

    @Test func `are kept within their bytes, and none that takes more than a quarter`() throws {
        let limit = 8 << 10
        let server = try TestServer(limits: .with { $0.replyBytes = limit })
        let client = try server.client()
        let file = try Repository.scene(1)
        let small = SegmentRequest(picture: .image(file), labels: [RPC.Label(name: "dog")], maps: .none)
        func ask(threshold: Float) throws {
            var question = small
            question.threshold = threshold
            _ = try Self.ask(client, question)
        }
        // The picture's scores are kept when its first job has left the engine: at the second at the latest.
        for number in 1...2 { try ask(threshold: 0.8 + Float(number) / 20) }
        let one = try client.status().picturesBytes
        // The picture and the word are known from here on: what grows is what is remembered of answers.
        for number in 1...100 { try ask(threshold: Float(number) / 200) }
        let grown = Int(try client.status().picturesBytes - one)
        #expect(grown > limit / 2)
        #expect(grown <= limit)
        let large = SegmentRequest.bulky(file, labels: 2)
        let first = try Self.ask(client, large)
        let again = try Self.ask(client, large)
        #expect(first.parts == again.parts)
        #expect(again.trailer.map { $0.mapsMilliseconds > 0 } == true, "it was drawn again")
    }

    @Test func `are none of answers that were broken off midway`() throws {
        let server = try TestServer(limits: .with { $0.backlogBytes = 64 << 10 })
        let client = try server.client()
        let question = SegmentRequest.bulky(try Repository.scene(1), labels: 12)
        var named = question
        named.requestID = "broken off"
        let reader = try RawConnection(server.path)
        #expect(try reader.open(.segment, stream: 1, named.encoded()))
        for part in 0..<3 { #expect(try reader.next()?.kind == .data, "part \(part)") }
        #expect(try client.cancel("broken off") == 1)
        #expect(try reader.rest().last?.kind == .response, "the refusal, and no end")
        let whole = try Self.ask(client, question)
        #expect(whole.parts.count == 13)
        #expect(whole.trailer.map { $0.mapsMilliseconds > 0 } == true, "it was drawn anew")
        #expect(try Self.ask(client, question).trailer.map { $0.mapsMilliseconds } == 0, "and is remembered whole")
    }
}
