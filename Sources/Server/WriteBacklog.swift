import NIOCore

/// Bytes written to a connection that the kernel has not taken yet. Confined to the event loop.
final class WriteBacklog {
    private let channel: any Channel
    private let limits: ServerLimits
    /// How long the client may read nothing of the backlog before the connection is closed.
    private var stall: TimeAmount
    /// Bytes still in this process: gathered, or in the channel's own buffer.
    private(set) var bytes = 0
    /// Bytes that are written to the channel next: many small answers in one write.
    private var gathered: ByteBuffer
    private var isGathering = false
    /// Bytes written to the channel since the start.
    private var handed = 0
    /// Bytes of ``handed`` that the kernel had taken at the last check.
    private var left = 0
    /// When the kernel last took bytes, or when the backlog last became non-empty.
    private var lastProgress = NIODeadline.now()
    private var watch: Scheduled<Void>?
    private var isClosed = false
    /// Called with the number of bytes added, or, negative, of bytes that left.
    var onChange: (Int) -> Void = { _ in }

    private var eventLoop: any EventLoop { channel.eventLoop }

    init(_ channel: any Channel, limits: ServerLimits) {
        self.channel = channel
        self.limits = limits
        stall = limits.stall
        gathered = channel.allocator.buffer(capacity: 0)
    }

    /// Whether more may be drawn for this connection.
    ///
    /// - Parameter unread: bytes in all backlogs
    func hasRoom(unread: Int) -> Bool {
        bytes <= (unread < limits.unreadBytes ? limits.backlogBytes : 0)
    }

    /// The time since which the kernel has taken nothing; `nil` where the backlog is empty.
    var stalledSince: NIODeadline? {
        noteProgress()
        return bytes > 0 ? lastProgress : nil
    }

    /// Does nothing once the channel is closed.
    func write(_ message: [UInt8]) {
        guard !isClosed, !message.isEmpty else { return }
        if bytes == 0 { lastProgress = .now() }
        bytes += message.count
        onChange(message.count)
        gathered.writeBytes(message)
        if !isGathering { flush() }
    }

    /// Batches what `body` writes into one write to the channel.
    func gathering(_ body: () -> Void) {
        isGathering = true
        body()
        isGathering = false
        flush()
    }

    private func flush() {
        guard !isClosed, gathered.readableBytes > 0 else { return }
        let count = gathered.readableBytes
        let buffer = gathered
        gathered = channel.allocator.buffer(capacity: 0)
        handed += count
        let promise = eventLoop.makePromise(of: Void.self)
        promise.futureResult.assumeIsolated().whenSuccess {
            self.bytes -= count
            self.lastProgress = .now()
            self.onChange(-count)
        }
        if watch == nil { watchReader() }
        channel.writeAndFlush(buffer, promise: promise)
        noteProgress()
    }

    /// Counts partial writes as progress, which no promise reports. Also called right after a write: bytes that the
    /// socket's send buffer takes then must not count as read by the client at the next check.
    private func noteProgress() {
        let waiting = (try? channel.syncOptions?.getOption(.bufferedWritableBytes)) ?? bytes
        guard handed - waiting > left else { return }
        left = handed - waiting
        lastProgress = .now()
    }

    /// Shortens the time after which a stalled connection is closed.
    func shortenStall(to stall: TimeAmount) {
        self.stall = min(stall, self.stall)
        watch?.cancel()
        watch = nil
        if bytes > 0, !isClosed { watchReader() }
    }

    /// Drops the backlog: the channel is closed.
    func close() {
        isClosed = true
        watch?.cancel()
        watch = nil
        gathered = channel.allocator.buffer(capacity: 0)
        onChange(-bytes)
        onChange = { _ in }
        bytes = 0
    }

    /// Polls for progress, thirty times in `stall`, and closes the connection when there was none for that long.
    private func watchReader() {
        let look = min(.now() + .nanoseconds(stall.nanoseconds / 30), lastProgress + stall)
        watch = eventLoop.assumeIsolated().scheduleTask(deadline: look) {
            self.watch = nil
            guard self.bytes > 0, !self.isClosed else { return }
            self.noteProgress()
            if .now() - self.lastProgress >= self.stall {
                self.channel.close(mode: .all, promise: nil)
            } else {
                self.watchReader()
            }
        }
    }
}
