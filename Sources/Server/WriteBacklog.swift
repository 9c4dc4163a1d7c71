import NIOCore

/// What waits to be read at the other end. Lives on the event loop.
final class WriteBacklog {
    private let channel: any Channel
    private let limits: ServerLimits
    /// How long bytes may wait without one of them being read.
    private var stall: TimeAmount
    /// Handed to the channel or gathered for it, and still in this process.
    private(set) var bytes = 0
    /// What is handed to the channel next: many small answers cost it as much as one.
    private var gathered: ByteBuffer
    private var isGathering = false
    /// Of all that was handed to the channel.
    private var handed = 0
    /// Of them, those that had left when somebody looked last.
    private var left = 0
    /// When bytes left last, or came while there were none.
    private var lastProgress = NIODeadline.now()
    private var watch: Scheduled<Void>?
    private var isClosed = false
    /// Told of bytes that came, or left, by their number.
    var onChange: (Int) -> Void = { _ in }

    private var eventLoop: any EventLoop { channel.eventLoop }

    init(_ channel: any Channel, limits: ServerLimits) {
        self.channel = channel
        self.limits = limits
        stall = limits.stall
        gathered = channel.allocator.buffer(capacity: 0)
    }

    /// Whether more may be made for the reader.
    ///
    /// - Parameter unread: what waits for all readers
    func hasRoom(unread: Int) -> Bool {
        bytes <= (unread < limits.unreadBytes ? limits.backlogBytes : 0)
    }

    /// Since when nothing has been read of what waits; `nil` where nothing does.
    var stalledSince: NIODeadline? {
        noteProgress()
        return bytes > 0 ? lastProgress : nil
    }

    /// Does nothing once the channel is closed: nobody will read.
    func write(_ message: [UInt8]) {
        guard !isClosed, !message.isEmpty else { return }
        if bytes == 0 { lastProgress = .now() }
        bytes += message.count
        onChange(message.count)
        gathered.writeBytes(message)
        if !isGathering { flush() }
    }

    /// Hands over at once what `body` writes.
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

    /// A part of a message that was read is progress, too. Looked for right after a write, too: what the socket's own
    /// buffer took then must not pass for progress at the next look.
    private func noteProgress() {
        let waiting = (try? channel.syncOptions?.getOption(.bufferedWritableBytes)) ?? bytes
        guard handed - waiting > left else { return }
        left = handed - waiting
        lastProgress = .now()
    }

    /// Shortens the time after which a reader that stalls is closed to `stall`.
    func shortenStall(to stall: TimeAmount) {
        self.stall = min(stall, self.stall)
        watch?.cancel()
        watch = nil
        if bytes > 0, !isClosed { watchReader() }
    }

    /// The channel is closed.
    func close() {
        isClosed = true
        watch?.cancel()
        watch = nil
        gathered = channel.allocator.buffer(capacity: 0)
        onChange(-bytes)
        onChange = { _ in }
        bytes = 0
    }

    /// Closes the connection when nothing has been read for as long as a reader may stall. What is read between two
    /// looks counts from the later one.
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
