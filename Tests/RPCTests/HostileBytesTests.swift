import Limits
import RPC
import Support
import Testing

/// A hundred thousand hostile byte strings, the same in every run, through everything that reads.
struct HostileBytesTests {
    /// Frames worth damaging: whole conversations of every method.
    static func conversations() throws -> [[UInt8]] {
        var seeds = FrameTests.trace.map { FrameTests.bytes($0.hexadecimal) }
        for (index, method) in Method.allCases.enumerated() {
            seeds.append(
                try ServerConnectionTests.request(method, stream: 1)
                    + ServerConnectionTests.data(stream: 1, [UInt8(index)], flags: UInt8(index))
                    + ServerConnectionTests.data(stream: 1, [], flags: 5))
        }
        return seeds
    }

    static func messages() throws -> [[UInt8]] {
        [
            MessageTests.requests[1].encoded(), MessageTests.status.encoded(),
            SegmentReply.header(MessageTests.header).encoded(),
            SegmentReply.trailer(MessageTests.trailer).encoded(),
            WarmReply.model(MessageTests.model).encoded(), WarmReply.loading(MessageTests.loading).encoded(),
            UnloadReply(unloaded: ["a", "b"], inUse: ["c"]).encoded(),
            SegmentReply.scoreMap(
                try ScoreMap(label: 1, scores: [0, 1, 2, 3], width: 2, height: 2, encoding: .u16)
            ).encoded(),
            SegmentReply.mask(
                try IndexMask(indices: [0, 1, 1], width: 3, height: 1, labels: 1)
            ).encoded(),
        ]
    }

    @Test func `hostile frames leave a connection bounded and answered`() throws {
        var random = SeededGenerator(seed: 21)
        let seeds = try Self.conversations()
        for _ in 0..<50_000 {
            var connection = ServerConnection()
            var decoder = FrameDecoder()
            for _ in 0..<Int.random(in: 1...3, using: &random) {
                let bytes = random.mutant(of: seeds)
                for action in connection.receive(bytes) {
                    if case .write(let answer) = action { decoder.append(answer) }
                }
                // What the server says is always ttrpc.
                while let event = try decoder.next() {
                    guard case .frame(let frame) = event, frame.kind == .response else {
                        Issue.record("the server answered \(event)")
                        return
                    }
                    _ = try CallResponse(decoding: frame.payload)
                }
            }
            #expect(connection.openCalls <= Limit.streams)
            #expect(decoder.buffered == 0)
        }
    }

    @Test func `hostile messages are read or refused, and what is read is written the same`() throws {
        var random = SeededGenerator(seed: 22)
        let seeds = try Self.messages()
        var readable = 0
        for _ in 0..<50_000 {
            let bytes = random.mutant(of: seeds)
            readable += Self.isStable(SegmentRequest.self, bytes) ? 1 : 0
            readable += Self.isStable(SegmentReply.self, bytes) ? 1 : 0
            readable += Self.isStable(StatusReply.self, bytes) ? 1 : 0
            readable += Self.isStable(WarmReply.self, bytes) ? 1 : 0
            readable += Self.isStable(UnloadReply.self, bytes) ? 1 : 0
            readable += Self.isStable(CallRequest.self, bytes) ? 1 : 0
            readable += Self.isStable(CallResponse.self, bytes) ? 1 : 0
            if case .scoreMap(let map)? = try? SegmentReply(decoding: bytes) {
                let scores = try? map.scores()
                #expect(scores.map { $0.allSatisfy(\.isFinite) } ?? true)
            }
            if case .mask(let mask)? = try? SegmentReply(decoding: bytes) {
                let indices = try? mask.indices()
                #expect(indices.map { $0.count == mask.width * mask.height } ?? true)
            }
        }
        #expect(readable > 1000, "the mutants are too wild to test anything")
    }

    /// Whether the bytes are such a message; if so, it must survive being written again. Numbers
    /// that are not numbers differ from themselves, so that bytes are compared.
    private static func isStable<Message: WireMessage>(_: Message.Type, _ bytes: [UInt8]) -> Bool {
        guard let message = try? Message(decoding: bytes) else { return false }
        let written = message.encoded()
        let again = try? Message(decoding: written).encoded()
        #expect(again == written)
        return true
    }
}
