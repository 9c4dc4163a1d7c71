import NIOCore
import RPC

/// What waits to be read at the other end. Lives on the event loop.
final class Outflow {
    private let channel: any Channel
    private let limits: ConnectionLimits
    /// Handed to the channel, and still in this process.
    private(set) var bytes = 0
    private var lastProgress = NIODeadline.now()
    private var watch: Scheduled<Void>?
    /// The engine, waiting. It is one thread and waits for one reader at a time.
    private var waiter: EventLoopPromise<Void>?

    private var eventLoop: any EventLoop { channel.eventLoop }

    init(_ channel: any Channel, limits: ConnectionLimits) {
        self.channel = channel
        self.limits = limits
    }

    /// - Parameter then: called when the bytes have left
    func write(_ message: [UInt8], then: @escaping () -> Void) {
        if bytes == 0 { lastProgress = .now() }
        bytes += message.count
        let promise = eventLoop.makePromise(of: Void.self)
        promise.futureResult.assumeIsolated().whenSuccess {
            self.bytes -= message.count
            self.lastProgress = .now()
            if self.hasRoom { self.resume() }
            then()
        }
        channel.writeAndFlush(ByteBuffer(bytes: message), promise: promise)
        if bytes > 0, watch == nil { watchReader(for: limits.stall) }
    }

    private var hasRoom: Bool { bytes <= limits.backlogBytes }

    /// Succeeds when the backlog is within its limit; a reader that takes longer than `patience` is cut off.
    func room(patience: TimeAmount) -> EventLoopFuture<Void> {
        if hasRoom { return eventLoop.makeSucceededVoidFuture() }
        let promise = eventLoop.makePromise(of: Void.self)
        waiter = promise
        let alarm = eventLoop.assumeIsolated().scheduleTask(in: patience) { self.cutOff() }
        promise.futureResult.whenComplete { _ in alarm.cancel() }
        return promise.futureResult
    }

    /// The channel is closed: nobody will read.
    func close() {
        watch?.cancel()
        resume()
    }

    private func resume() {
        waiter?.succeed()
        waiter = nil
    }

    /// Closes the connection when nothing has been read for as long as a reader may stall.
    private func watchReader(for time: TimeAmount) {
        watch = eventLoop.assumeIsolated().scheduleTask(in: time) {
            self.watch = nil
            guard self.bytes > 0 else { return }
            let idle = NIODeadline.now() - self.lastProgress
            if idle >= self.limits.stall { self.cutOff() } else { self.watchReader(for: self.limits.stall - idle) }
        }
    }

    private func cutOff() {
        let failure = waiter
        waiter = nil
        failure?.fail(
            RPCStatus(.resourceExhausted, "\(bytes) bytes of answers wait unread: read them while they come."))
        channel.close(mode: .all, promise: nil)
    }
}
