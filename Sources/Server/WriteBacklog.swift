import NIOCore

/// What waits to be read at the other end. Lives on the event loop.
final class WriteBacklog {
    private let channel: any Channel
    private let limit: Int
    /// How long bytes may wait without one of them being read.
    private var stall: TimeAmount
    /// Handed to the channel, and still in this process.
    private(set) var bytes = 0
    private var lastProgress = NIODeadline.now()
    private var watch: Scheduled<Void>?
    private var isClosed = false
    /// Told when bytes have left.
    var onProgress: () -> Void = {}

    private var eventLoop: any EventLoop { channel.eventLoop }

    init(_ channel: any Channel, limits: ServerLimits) {
        self.channel = channel
        limit = limits.backlogBytes
        stall = limits.stall
    }

    var hasRoom: Bool { bytes <= limit }

    /// Does nothing once the channel is closed: nobody will read.
    func write(_ message: [UInt8]) {
        guard !isClosed else { return }
        if bytes == 0 { lastProgress = .now() }
        bytes += message.count
        let promise = eventLoop.makePromise(of: Void.self)
        promise.futureResult.assumeIsolated().whenSuccess {
            self.bytes -= message.count
            self.lastProgress = .now()
            self.onProgress()
        }
        channel.writeAndFlush(ByteBuffer(bytes: message), promise: promise)
        if bytes > 0, watch == nil { watchReader() }
    }

    /// Bears a reader that stalls no longer than `stall` from here on.
    func hurry(stall: TimeAmount) {
        self.stall = min(stall, self.stall)
        watch?.cancel()
        watch = nil
        if bytes > 0 { watchReader() }
    }

    /// The channel is closed.
    func close() {
        isClosed = true
        watch?.cancel()
        watch = nil
        onProgress = {}
    }

    /// Closes the connection when nothing has been read for as long as a reader may stall.
    private func watchReader() {
        watch = eventLoop.assumeIsolated().scheduleTask(deadline: lastProgress + stall) {
            self.watch = nil
            guard self.bytes > 0 else { return }
            if .now() - self.lastProgress >= self.stall {
                self.channel.close(mode: .all, promise: nil)
            } else {
                self.watchReader()
            }
        }
    }
}
