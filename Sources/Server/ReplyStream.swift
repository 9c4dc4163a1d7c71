import NIOCore
import RPC
import Segmentation

/// The engine's end of a call: tells the connection, on its event loop, what became of it. Never waits.
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

    /// There is more to draw.
    func advance() {
        eventLoop.execute { connection.value.advance(stream) }
    }

    /// A step was drawn; called on the event loop.
    func drew(_ step: Result<AnswerDrawing.Step, RPCStatus>) {
        connection.value.drew(step, on: stream)
    }

    /// The answer will be remembered by this key.
    func remember(as key: ReplyKey) {
        eventLoop.execute { connection.value.remember(stream, as: key) }
    }

    /// Sends an answer that is known, as its reader takes it.
    func send(_ reply: RememberedReply, queueMilliseconds: Float) {
        eventLoop.execute { connection.value.send(reply, queueMilliseconds: queueMilliseconds, on: stream) }
    }

    /// Gives the one reply of a client-streaming call.
    func reply(_ message: [UInt8]) {
        eventLoop.execute { connection.value.reply(message, on: stream) }
    }

    func fail(_ status: RPCStatus) {
        eventLoop.execute { connection.value.fail(stream, with: status) }
    }
}
