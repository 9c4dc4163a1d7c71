import Limits
import NIOCore
import RPC
import Segmentation
@testable import Server
import Support
import Testing

/// Each bound of a request is reached by what is legal, and passed by one by what is not, which is told the bound.
struct LimitTests {
    /// A bound, its number, and something that has so many of what it bounds.
    struct Bound: Sendable, CustomTestStringConvertible {
        let name: String
        let number: Int
        let reach: @Sendable (_ count: Int) throws -> Void

        init(_ name: String, _ number: Int, _ reach: @escaping @Sendable (_ count: Int) throws -> Void) {
            self.name = name
            self.number = number
            self.reach = reach
        }

        var testDescription: String { name }
    }

    /// A message that is mapped to a request, as the daemon does before anything else.
    private static func request(
        _ name: String, _ number: Int, _ change: @escaping @Sendable (inout SegmentRequest, _ count: Int) -> Void
    ) -> Bound {
        Bound(name, number) { count in
            var message = SegmentRequest(picture: .handle("h"), labels: [RPC.Label(name: "dog")], maps: .none)
            change(&message, count)
            _ = try SegmentationRequest(message)
        }
    }

    private static func labels(_ count: Int) -> [RPC.Label] { (0..<count).map { RPC.Label(name: "thing \($0)") } }

    private static func text(_ count: Int) -> String { String(repeating: "a", count: count) }

    static let bounds = [
        request("labels", Limit.labels) { $0.labels = labels($1) },
        request("masked labels", Limit.maskedLabels) { ($0.labels, $0.mask) = (labels($1), true) },
        request("candidates", Limit.labels) { message, count in
            message.labels = []
            message.vocabulary = RPC.Vocabulary(
                candidates: labels(count).map { RPC.Candidate(name: $0.name, phrases: [], synonyms: []) },
                background: [], filter: "none", settings: [])
        },
        request("background words", Limit.backgroundWords) { message, count in
            message.labels = []
            message.vocabulary = RPC.Vocabulary(
                candidates: [], background: labels(count).map(\.name), filter: "best", settings: [])
        },
        request("phrases", Limit.phrases) { message, count in
            let phrases = (0..<count).map { RPC.Phrase(words: "thing \($0)", prompt: "") }
            message.labels = [RPC.Label(name: "all", phrases: phrases)]
        },
        request("bytes of a name", Limit.promptBytes) { $0.labels = [RPC.Label(name: text($1))] },
        request("bytes of all text", Limit.textBytes) { message, count in
            // Names and words of seven bytes each, and prompts.
            let each = Limit.promptBytes + 14
            message.labels = (0...(count / each)).map { index in
                let name = "\(1_000_000 + index)"
                let prompt = text(min(each, count - index * each) - 14)
                return RPC.Label(name: name, phrases: [RPC.Phrase(words: name, prompt: prompt)])
            }
        },
        request("combining marks in a row", Limit.combiningMarks) {
            $0.labels = [RPC.Label(name: "a" + String(repeating: "\u{301}", count: $1))]
        },
        request("pixels of a map", Limit.pixels) {
            ($0.maps, $0.mapWidth, $0.mapHeight) = (.sized, UInt32($1), 1)
        },
        request("probes", Limit.probes) {
            $0.probes = (0..<$1).map { RPC.Probe.attention(x: UInt32($0), y: 0) }
        },
        Bound("bytes of an identifier", Limit.nameBytes) {
            _ = try CancelRequest(decoding: CancelRequest(requestID: text($0)).encoded())
        },
        Bound("bytes of a sentence", Limit.sentenceBytes) {
            _ = try RPC.Phrase(decoding: RPC.Phrase(words: text($0), prompt: "").encoded())
        },
        Bound("bytes of a frame", Limit.frameBytes) {
            _ = try Frame(.data, stream: 1, flags: [], payload: [UInt8](repeating: 0, count: $0))
        },
    ]

    @Test(arguments: bounds)
    func `what reaches a bound is legal, and one more is refused with it`(bound: Bound) throws {
        try bound.reach(bound.number)
        let refusal = #expect(throws: (any Error).self) { try bound.reach(bound.number + 1) }
        let text = (refusal as? RPCStatus)?.message ?? refusal.map { "\($0)" } ?? ""
        #expect(text.contains("\(bound.number)"), "\(text)")
    }

    /// Unknown fields of two bytes, each of which costs protobuf-c some fifty bytes.
    private func flood(_ bytes: Int) -> [UInt8] { (0..<bytes / 2).flatMap { _ in [0x78, 1] as [UInt8] } }

    @Test func `a message that costs more memory than its arena has is refused`() throws {
        _ = try CancelRequest(decoding: flood(1000))
        let control = #expect(throws: RPCStatus.self) { _ = try CancelRequest(decoding: flood(64 << 10)) }
        #expect(control?.code == .resourceExhausted)
        #expect(control?.message.contains("\(Limit.messageArenaBytes)") == true)
        let bytes = 1 << 20
        let bulk = #expect(throws: RPCStatus.self) { _ = try SegmentRequest(decoding: flood(bytes)) }
        #expect(bulk?.code == .resourceExhausted)
        #expect(bulk?.message.contains("\(2 * bytes + Limit.bulkArenaBytes)") == true)
    }

    @Test func `a picture's file may have so many bytes, in messages of so many`() throws {
        let server = try TestServer()
        func refusal(_ bytes: Int, pieces: Int) throws -> RPCStatus? {
            let wire = try RawConnection(server.path)
            #expect(try wire.open(.look, stream: 1, []))
            for start in stride(from: 0, to: bytes, by: pieces) {
                let piece = LookRequest(data: [UInt8](repeating: 1, count: min(pieces, bytes - start)))
                let frame = try Frame(.data, stream: 1, flags: [], payload: piece.encoded())
                // The refusal may come, and the daemon go on, before all is sent.
                _ = wire.send(frame.encoded())
            }
            _ = wire.send(Frame.end(of: 1).encoded())
            let frame = try #require(try wire.rest().last)
            guard case .failure(let status) = try CallResponse(decoding: frame.payload) else { return nil }
            return status
        }
        for bytes in [Limit.pieceBytes, Limit.pictureBytes] {
            let whole = try #require(try refusal(bytes, pieces: Limit.pieceBytes))
            #expect(whole.code == .invalidArgument && whole.message.contains("PNG"), "\(whole)")
        }
        let piece = try refusal(Limit.pieceBytes + 1, pieces: Limit.pieceBytes + 1)
        #expect(piece?.message.contains("the limit is \(Limit.pieceBytes)") == true)
        let file = try refusal(Limit.pictureBytes + 1, pieces: Limit.pieceBytes)
        #expect(file?.code == .resourceExhausted)
        #expect(file?.message.contains("the limit is \(Limit.pictureBytes)") == true)
    }

    @Test func `a call may have so many numbers of maps`() throws {
        let server = try TestServer()
        let handle = try server.client().look(Repository.scene(1)).handle
        /// Refused before it is queued, or late: nobody waits for four milliards of numbers.
        func code(_ height: Int) -> RPCStatus.Code? {
            let request = SegmentRequest(
                picture: .handle(handle), labels: Self.labels(Limit.labels), maps: .sized,
                mapWidth: UInt32(Limit.callPixels / Limit.labels / 1024), mapHeight: UInt32(height),
                deadlineMilliseconds: 1)
            let refusal = #expect(throws: RPCStatus.self) { try server.client().segment(request) { _ in } }
            return refusal?.code
        }
        #expect(code(1024) == .deadlineExceeded)
        #expect(code(1025) == .resourceExhausted)
    }

    @Test func `where memory and descriptors are plenty, the server's bounds are those of the table`() {
        let limits = ServerLimits(descriptors: 1 << 20, room: .max, callSeconds: Limit.callSeconds)
        #expect(limits.connections.all + limits.waiting == Limit.connections)
        #expect(limits.waiting == Limit.waitingConnections)
        #expect(limits.connections.perUser == limits.connections.all * Limit.connectionsPerUser / 4)
        #expect(limits.incomingBytes.all == Limit.incomingBytes)
        #expect(limits.incomingBytes.perUser == Limit.incomingBytesPerUser)
        #expect(limits.answerBytes.all == Limit.answerBytes)
        #expect(limits.answerBytes.perUser == Limit.answerBytesPerUser)
        #expect(limits.backlogBytes == Limit.backlogBytes && limits.unreadBytes == Limit.unreadBytes)
        #expect(limits.replyBytes == Limit.replyBytes)
        #expect(limits.proxyConnections == limits.connections.all * Limit.connectionsPerProxy / 8)
        #expect(limits.farewell == .milliseconds(Int64(Limit.farewellMilliseconds)))
        #expect(limits.stuck == .seconds(Limit.stuckSeconds))
        let seconds = [
            (limits.callTime, Limit.callSeconds), (limits.stall, Limit.stallSeconds),
            (limits.grace, Limit.pauseSeconds), (limits.wait, Limit.placeSeconds),
        ]
        for (time, number) in seconds { #expect(time == .seconds(Int64(number))) }
        #expect(limits.bytesPerSecond == Limit.bytesPerSecond)
        #expect(limits.idle == .milliseconds(Int64(Limit.idleMilliseconds)))
        #expect(limits.reading == .milliseconds(Int64(Limit.readingMilliseconds)))
    }

    @Test func `a refusal asks for a pause that is neither too short nor too long`() {
        #expect(Refusal.delay(.zero) == .milliseconds(Limit.leastRetryMilliseconds))
        #expect(Refusal.delay(.seconds(3)) == .seconds(3))
        #expect(Refusal.delay(.seconds(1e6)) == .seconds(Limit.mostRetrySeconds))
        #expect(RPCStatus(SegmentationError.stopping).refusal?.delay == .seconds(Limit.restartRetrySeconds))
        #expect(Refusal.memoryDelay == .seconds(Limit.memoryRetrySeconds))
    }

    @Test func `with few descriptors there are fewer connections, and some are left for files`() {
        for descriptors in [Limit.reservedDescriptors + 4, 64, 256, 1024, 4096] {
            let limits = ServerLimits(descriptors: descriptors, room: .max, callSeconds: 1)
            let most = limits.connections.all + limits.waiting
            #expect(most == min(Limit.connections, descriptors - Limit.reservedDescriptors))
            #expect(limits.connections.perUser >= 1 && limits.connections.perUser < limits.connections.all)
        }
        let poor = ServerLimits(descriptors: 0, room: 0, callSeconds: 1)
        #expect(poor.connections.all >= 1 && poor.connections.perUser >= 1)
        #expect(poor.incomingBytes.all == Limit.leastRoomBytes && poor.answerBytes.all == Limit.leastRoomBytes)
    }
}
