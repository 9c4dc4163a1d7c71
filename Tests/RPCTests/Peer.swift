import Foundation
import RPC
import Support
import Synchronization

/// A small daemon without an engine: a listening socket, a thread for each connection, the real
/// ``ServerConnection`` in between, and answers that depend on the request alone.
///
/// A Segment whose request identifier is "wait" lasts until it is cancelled, "cut" ends without a
/// trailer, "leave" closes the connection, and "full" is refused. A Warm of the model "cut" ends without it.
final class Peer: Sendable {
    let path: String
    private let directory: TemporaryDirectory
    private let listener: CInt

    private final class SharedState: Sendable {
        let cancelled = Mutex<Set<String>>([])
    }

    /// The picture's maps that every Segment answers.
    static let maps: [[Float]] = [
        (0..<64).map { Float($0) / 63 }, [Float](repeating: 0.25, count: 64),
    ]
    static let indices: [UInt8] = (0..<64).map { UInt8($0 / 22) }

    init() throws {
        directory = try TemporaryDirectory()
        path = "\(directory.path)/peer.sock"
        listener = try listen(at: path)
        let (listener, path, state) = (listener, path, SharedState())
        Thread.detachNewThread {
            while case let descriptor = accepted(on: listener), descriptor >= 0 {
                Thread.detachNewThread { Self.serve(UnixSocket(adopting: descriptor, path: path), state) }
            }
            close(listener)
        }
    }

    /// Ends the listening thread; connections last as long as their clients.
    deinit { shutdown(listener, CInt(SHUT_RDWR)) }

    /// A new connection.
    func client() throws(RPCStatus) -> Client { try Client(path: path) }

    private static func serve(_ socket: consuming UnixSocket, _ state: SharedState) {
        var connection = ServerConnection()
        var uploads: [UInt32: [[UInt8]]] = [:]
        do {
            while case let bytes = try socket.read(), !bytes.isEmpty {
                for action in connection.receive(bytes) {
                    switch action {
                    case .write(let bytes): try socket.write(bytes)
                    case .open(let call):
                        guard let answers = try answers(to: call, &connection, state) else {
                            return
                        }
                        for answer in answers { try socket.write(answer) }
                    case .message(let stream, let message):
                        uploads[stream, default: []].append(message)
                    case .halfClose(let stream):
                        let reply = try look(uploads.removeValue(forKey: stream) ?? [])
                        try socket.write(connection.reply(reply.encoded(), on: stream) ?? [])
                    case .cancel(let stream): uploads[stream] = nil
                    case .close: return
                    }
                }
            }
        } catch {
            return
        }
    }

    /// A picture as wide as its file is long, and as high as its longest message.
    private static func look(_ messages: [[UInt8]]) throws -> LookReply {
        let requests = try messages.map { try LookRequest(decoding: $0) }
        let file = requests.flatMap(\.data)
        // What the first question will say stands in the first message alone.
        if let model = requests.first?.model, !model.isEmpty {
            let isSaidAgain = requests.dropFirst().contains { !$0.model.isEmpty }
            return LookReply(handle: model, width: isSaidAgain ? 1 : 0, height: 0)
        }
        return LookReply(
            handle: "\(file.reduce(0) { $0 &* 31 &+ UInt64($1) })", width: UInt32(file.count),
            height: UInt32(messages.map(\.count).max() ?? 0))
    }

    /// The frames that answer an opened call; `nil`: close the connection.
    private static func answers(
        to call: ServerConnection.Call, _ connection: inout ServerConnection, _ state: SharedState
    ) throws -> [[UInt8]]? {
        let reply: any WireMessage
        switch call.method {
        case .look: return []
        case .segment:
            let request = try SegmentRequest(decoding: call.payload)
            return try segment(request, on: call.stream, &connection, state)
        case .warm:
            let request = try WarmRequest(decoding: call.payload)
            var replies: [WarmReply] = [.loading(MessageTests.loading)]
            if request.model != "cut" { replies.append(.model(MessageTests.model)) }
            let frames = try replies.map { try connection.send($0.encoded(), on: call.stream) ?? [] }
            return frames + [connection.finish(call.stream) ?? []]
        case .unload:
            reply = UnloadReply(unloaded: [try UnloadRequest(decoding: call.payload).model], inUse: ["demo"])
        case .describe:
            let replies: [DescribeReply] = [.description(MessageTests.description), .choice(MessageTests.choice)]
            let frames = try replies.map { try connection.send($0.encoded(), on: call.stream) ?? [] }
            return frames + [connection.finish(call.stream) ?? []]
        case .status: reply = MessageTests.status
        case .metrics: reply = MetricsReply(text: "dseg_queue_depth 1\n")
        case .health: reply = HealthCheckResponse(status: .serving)
        case .cancel:
            let identifier = try CancelRequest(decoding: call.payload).requestID
            _ = state.cancelled.withLock { $0.insert(identifier) }
            reply = CancelReply(cancelled: 1)
        }
        return [connection.reply(reply.encoded(), on: call.stream) ?? []]
    }

    private static func segment(
        _ request: SegmentRequest, on stream: UInt32, _ connection: inout ServerConnection,
        _ state: SharedState
    ) throws -> [[UInt8]]? {
        func failure(_ code: RPCStatus.Code) -> [[UInt8]] {
            [connection.fail(stream, with: RPCStatus(code, "as asked")) ?? []]
        }
        switch request.requestID {
        case "leave": return nil
        case "full": return failure(.resourceExhausted)
        case "wait":
            while !state.cancelled.withLock({ $0.contains("wait") }) { usleep(1000) }
            return failure(.cancelled)
        default: break
        }
        var replies: [SegmentReply] = request.progress ? [.loading(MessageTests.loading)] : []
        replies.append(.header(MessageTests.header))
        for (label, scores) in maps.enumerated() {
            replies.append(
                .scoreMap(
                    try ScoreMap(
                        label: label, scores: scores, width: 8, height: 8,
                        encoding: request.encoding)))
        }
        if request.mask {
            replies.append(.mask(try IndexMask(indices: indices, width: 8, height: 8, labels: 2)))
        }
        if request.requestID != "cut" { replies.append(.trailer(MessageTests.trailer)) }
        let frames = try replies.map { try connection.send($0.encoded(), on: stream) ?? [] }
        return frames + [connection.finish(stream) ?? []]
    }
}
