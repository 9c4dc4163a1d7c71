import NIOCore
import RPC
import Segmentation

/// A call's connection as other threads see it: each method runs on the connection's event loop, and never waits.
struct ReplyStream: Sendable {
    private let connection: NIOLoopBound<Connection>
    private let eventLoop: any EventLoop
    private let stream: UInt32

    /// Called on the connection's event loop.
    init(_ connection: Connection, stream: UInt32) {
        eventLoop = connection.eventLoop
        self.connection = NIOLoopBound(connection, eventLoop: connection.eventLoop)
        self.stream = stream
    }

    /// Draws and sends the parts of the answer that were appended.
    func advance() {
        eventLoop.execute { connection.value.advance(stream) }
    }

    /// Sends the messages of a finished step; called on the event loop.
    func drew(_ step: Result<AnswerDrawing.Step, RPCStatus>) {
        connection.value.drew(step, on: stream)
    }

    /// Sets the answer's key in the reply cache.
    func remember(as key: ReplyKey) {
        eventLoop.execute { connection.value.remember(stream, as: key) }
    }

    /// Sends a cached answer, at the pace of its reader.
    func send(_ reply: RememberedReply, queueMilliseconds: Float) {
        eventLoop.execute { connection.value.send(reply, queueMilliseconds: queueMilliseconds, on: stream) }
    }

    /// Sends the next message of a stream.
    func send(_ message: [UInt8]) {
        eventLoop.execute { connection.value.send(message, on: stream) }
    }

    /// Ends a stream.
    func finish() {
        eventLoop.execute { connection.value.finish(stream) }
    }

    /// Sends the one reply of a client-streaming call.
    func reply(_ message: [UInt8]) {
        eventLoop.execute { connection.value.reply(message, on: stream) }
    }

    func fail(_ status: RPCStatus) {
        eventLoop.execute { connection.value.fail(stream, with: status) }
    }
}
