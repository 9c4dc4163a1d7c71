import NIOCore
import RPC

/// The engine's end of a call: hands replies to the connection's event loop.
struct ReplyStream: Sendable {
    private let connection: NIOLoopBound<Connection>
    private let eventLoop: any EventLoop
    private let stream: UInt32

    /// - Parameter connection: on its event loop, from which this is called
    init(_ connection: Connection, stream: UInt32) {
        eventLoop = connection.eventLoop
        self.connection = NIOLoopBound(connection, eventLoop: connection.eventLoop)
        self.stream = stream
    }

    /// Replies that are handed over together take no more bytes, or are one.
    private static let batchBytes = 1 << 18

    /// Hands over some of many replies; waits, as long as the call's patience lasts, while the reader is too far
    /// behind.
    ///
    /// - Throws: `resourceExhausted` for a reply over a frame's limit or a reader that is too slow, `cancelled` where
    ///   the call has ended
    func send(_ messages: [[UInt8]]) throws(RPCStatus) {
        var rest = messages[...]
        while !rest.isEmpty {
            var bytes = 0
            let batch = rest.prefix { message in
                bytes += message.count
                return bytes <= Self.batchBytes
            }
            let count = max(1, batch.count)
            try send(rest.prefix(count))
            rest = rest.dropFirst(count)
        }
    }

    private func send(_ batch: ArraySlice<[UInt8]>) throws(RPCStatus) {
        do {
            try eventLoop.flatSubmit { connection.value.send(batch, on: stream) }.wait()
        } catch let status as RPCStatus {
            throw status
        } catch {
            throw RPCStatus(.cancelled, "The connection is closed: \(error)")
        }
    }

    /// Ends a stream of replies.
    func finish() {
        eventLoop.execute { connection.value.finish(stream) }
    }

    /// Gives the one reply of a client-streaming call.
    func reply(_ message: [UInt8]) {
        eventLoop.execute { connection.value.reply(message, on: stream) }
    }

    func fail(_ status: RPCStatus) {
        eventLoop.execute { connection.value.fail(stream, with: status) }
    }
}
