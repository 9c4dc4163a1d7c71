import Glibc
import Logging
import NIOCore
import RPC
import Segmentation

/// The channel handler of one connection and its open calls. Confined to the event loop.
///
/// The protocol's rules are in `ServerConnection`, which does no I/O; this adds socket, timers, quotas and engine.
final class Connection: ChannelInboundHandler {
    typealias InboundIn = ByteBuffer

    let channel: any Channel
    let caller: Caller
    let peer: Peer
    let service: Service
    let table: ConnectionTable
    var wire = ServerConnection()
    var calls: [UInt32: OpenCall] = [:]
    let backlog: WriteBacklog
    /// No new call will come (the client half-closed, or the daemon drains): close when all is answered and sent.
    var isLast = false
    /// Whether the daemon drains and no frame has come yet: the client may have asked before it could know.
    private(set) var isNewcomer = false
    /// Whether the newest call, made while the daemon drains, was a newcomer's first.
    private var isServedLast = false
    /// The channel is closed. Any write may discover that (EPIPE) and set this, so callers check it after writing.
    private(set) var isGone = false
    /// The client half-closed: it sends nothing more, but may still read.
    private var isShut = false
    /// Whether `wire` may hold received bytes that were not parsed yet; the connection is not closed before.
    var isBehind = false
    /// Whether it is in the queue of ``FrameTurns``.
    var hasTurn = false
    /// When bytes last came or left, or a call ended.
    private var lastActive = NIODeadline.now()
    /// The incomplete frame: its number on this connection, and the timer of its transfer.
    var frame: (number: Int, alarm: PaceAlarm)?
    /// Bytes of the incomplete frame charged to the user's quota.
    var frameBytes = 0
    /// What the large frame says that is handled, where another thread has read it.
    var read: Result<any WireMessage, RPCStatus>?
    /// Of the large frame that is handled, if it is a part of a picture: that, and the length of the message.
    var picture: (bytes: ArraySlice<UInt8>, length: Int)?

    var eventLoop: any EventLoop { channel.eventLoop }
    /// The uid of the client, from `SO_PEERCRED`.
    var owner: UInt32 { caller.owner }

    init(_ channel: any Channel, caller: Caller, peer: Peer, service: Service, table: ConnectionTable) {
        self.channel = channel
        self.caller = caller
        self.peer = peer
        self.service = service
        self.table = table
        backlog = WriteBacklog(channel, limits: service.limits)
    }

    /// Since when the connection is idle; `nil` while the daemon has work for it. Waiting for the client is idle too:
    /// for the rest of a frame or, after a delay of ``ServerLimits/reading``, for it to read.
    var idleSince: NIODeadline? {
        if let stalled = backlog.stalledSince { return stalled + service.limits.reading }
        let owesNothing = calls.values.allSatisfy { call in
            if case .receiving = call.state { true } else { false }
        }
        return owesNothing && !isBehind ? frame?.alarm.pace.start ?? lastActive : nil
    }

    /// The daemon drains: from here on only a newcomer's first call is taken.
    func drain() {
        isNewcomer = wire.frameCount == 0 && !isShut
        backlog.shortenStall(to: Server.lastReads)
    }

    /// Closes once the open calls are answered and the write backlog is empty.
    func leave() -> EventLoopFuture<Void> {
        isLast = true
        closeIfDone()
        return channel.closeFuture
    }

    /// Fails all open calls with `cancelled`.
    func cancelAll() {
        for stream in calls.keys { fail(stream, with: RPCStatus(SegmentationError.cancelled)) }
    }

    func close() {
        channel.close(mode: .all, promise: nil)
    }

    // MARK: The channel

    func handlerAdded(context: ChannelHandlerContext) {
        backlog.onChange = { [weak self] in self?.changed(unread: $0) }
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        lastActive = .now()
        table.noteTraffic()
        wire.append(unwrapInboundIn(data).readableBytesView)
        isBehind = true
        takeTurn()
    }

    /// Backpressure: stops reading the socket while frames wait to be parsed, or the client does not read its answers.
    func listen() {
        channel.setOption(.autoRead, value: channel.isWritable && !isBehind).whenFailure { _ in }
    }

    func channelWritabilityChanged(context: ChannelHandlerContext) {
        // A turn also restarts the timer of an incomplete frame, which is off while the socket is not writable.
        if channel.isWritable { isBehind = true }
        takeTurn()
        listen()
    }

    func userInboundEventTriggered(context: ChannelHandlerContext, event: Any) {
        guard case .inputClosed? = event as? ChannelEvent else { return context.fireUserInboundEventTriggered(event) }
        (isShut, isLast) = (true, true)
        // In the next tick: after a full close, `channelInactive` comes first and there is nothing left to fail.
        eventLoop.assumeIsolated().execute {
            self.endInput()
            self.closeIfDone()
        }
    }

    /// After a half-close, and once all frames before it are parsed, fails the uploads that were not completed.
    func endInput() {
        guard isShut, !isBehind, !isGone else { return }
        for (stream, call) in calls {
            guard case .receiving = call.state else { continue }
            fail(stream, with: RPCStatus(.invalidArgument, "The connection was shut before the picture's end."))
        }
    }

    func channelInactive(context: ChannelHandlerContext) {
        isGone = true
        backlog.close()
        for stream in calls.keys { ended(stream, .clientLeft) }
        frame?.alarm.cancel()
        frame = nil
        table.incoming.giveBack(frameBytes, of: owner)
        frameBytes = 0
        table.closed(self)
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) {
        // A disconnect is logged with the calls that it cancels.
        let isGone = (error as? IOError).map { [ECONNRESET, EPIPE].contains($0.errnoCode) } ?? false
        if !isGone { service.log.info("connection failed: \(error)", metadata: metadata) }
        close()
    }

    /// Closes the connection for a protocol violation, which is logged.
    func disconnect(_ reason: String) {
        service.log.warning("connection closed: \(reason)", metadata: metadata)
        close()
    }

    func closeIfDone() {
        if isLast, !isBehind, !isGone, calls.isEmpty, backlog.bytes == 0 { close() }
    }

    /// Bytes were added to the write backlog (positive) or left it (negative).
    private func changed(unread: Int) {
        table.unread += unread
        guard unread < 0, !isGone else { return }
        lastActive = .now()
        for (stream, call) in calls {
            if case .answering(_, let delivery) = call.state, delivery.hasMore { advance(stream) }
        }
        closeIfDone()
    }

    // MARK: Calls

    func open(_ call: ServerConnection.Call) {
        (isServedLast, isNewcomer) = (isNewcomer, false)
        var record = CallRecord(call.method, number: table.numberCall(), received: call.payload.count)
        do throws(RPCStatus) {
            let standing = try standing()
            if call.method.isAdministration { try AccessPolicy.check(standing, peer, may: call.method.name) }
            switch call.method {
            case .look: openLook(call, record)
            case .segment: try openSegment(call, &record)
            case .describe: try openDescribe(call, &record)
            case .warm: try openWarm(call, &record)
            case .unload: try openUnload(call, record)
            case .health, .status, .cancel, .metrics:
                let reply = try table.answer(call.method, call.payload, owner: owner, standing)
                guard let bytes = wire.reply(reply, on: call.stream) else { return }
                record.sent = bytes.count
                log(record, .answered)
                backlog.write(bytes)
            }
        } catch {
            if calls[call.stream] != nil { return fail(call.stream, with: error) }
            // It was refused before it was registered.
            guard let bytes = wire.fail(call.stream, with: error) else { return }
            record.sent = bytes.count
            log(record, .failed(error))
            backlog.write(bytes)
            closeIfDone()
        }
    }

    /// Adds an asynchronous call, and schedules its timeout.
    ///
    /// - Parameter deadline: as the client set it; `nil`: none
    func register(
        _ call: ServerConnection.Call, _ state: CallState, _ record: CallRecord, deadline: SuspendingClock.Instant?
    ) {
        let most = service.limits.callTime
        let left = deadline.map { TimeAmount(SuspendingClock.now.duration(to: $0)) }
        var open = OpenCall(record: record, state: state)
        open.alarm = eventLoop.assumeIsolated().scheduleTask(in: min(left ?? most, most)) {
            let isClients = left.map { $0 < most } ?? false
            self.fail(
                call.stream,
                with: isClients
                    ? RPCStatus(SegmentationError.deadlineExceeded)
                    : RPCStatus(
                        .deadlineExceeded,
                        "A call may take \(most.nanoseconds / 1_000_000_000) s, this one has: ask in parts."))
        }
        calls[call.stream] = open
        table.opened(call.stream, of: self, named: record.requestID)
    }

    /// Charges received bytes to the user's quota; given back when the call ends.
    ///
    /// - Throws: `resourceExhausted`, over the connection's limit or the user's quota
    func hold(_ bytes: Int, on stream: UInt32) throws(RPCStatus) {
        let held = calls.values.reduce(bytes) { $0 + $1.incomingBytes }
        guard held <= service.limits.pictureBytes else {
            throw RPCStatus(
                .resourceExhausted,
                """
                Pictures and questions of \(held) bytes at a time on one connection, the limit is \
                \(service.limits.pictureBytes): send smaller files, or one after the other.
                """,
                refusal: bytes > service.limits.pictureBytes
                    ? nil : Refusal(.incomingBytes, delay: service.nextRoom, queuePosition: nil))
        }
        try table.incoming.take(bytes, of: "pictures and questions", for: owner, retry: service.nextRoom)
        calls[stream]?.incomingBytes += bytes
    }

    /// Queues a call's job.
    ///
    /// - Throws: `unavailable` while draining, `resourceExhausted` where the queue is full
    func submit(_ job: Job) throws(RPCStatus) {
        guard !service.isDraining || isServedLast else { throw RPCStatus(SegmentationError.stopping) }
        do throws(SegmentationError) { try service.engine.submit(job) } catch { throw RPCStatus(error) }
    }

    // MARK: Answers

    func reply(_ message: [UInt8], on stream: UInt32) {
        if let bytes = wire.reply(message, on: stream) { end(stream, .answered, bytes) }
    }

    func finish(_ stream: UInt32) {
        if let bytes = wire.finish(stream) { end(stream, .answered, bytes) }
    }

    func fail(_ stream: UInt32, with status: RPCStatus) {
        if let bytes = wire.fail(stream, with: status) { end(stream, .failed(status), bytes) }
    }

    private func end(_ stream: UInt32, _ end: CallEnd, _ bytes: [UInt8]) {
        calls[stream]?.record.sent += bytes.count
        ended(stream, end)
        backlog.write(bytes)
        closeIfDone()
    }

    /// Removes a call: cancels its timer and its job, returns its quota, and frees its memory on the drawing thread.
    func ended(_ stream: UInt32, _ end: CallEnd) {
        guard let call = calls.removeValue(forKey: stream) else { return }
        defer { table.ended(stream, of: self, named: call.record.requestID) }
        lastActive = .now()
        call.alarm?.cancel()
        table.incoming.giveBack(call.incomingBytes, of: owner)
        table.answers.giveBack(call.answerBytes, of: owner)
        if let job = call.ticket.flatMap(service.engine.withdraw) { table.drawing.dispose(of: job) }
        switch call.state {
        case .receiving(let upload):
            upload.alarm.cancel()
            table.drawing.dispose(of: upload.file)
        case .queued, .unloading: break
        case .answering(_, let delivery):
            delivery.drawing.stop()
            table.drawing.dispose(of: delivery.drawing)
        }
        log(call.record, end)
    }
}
