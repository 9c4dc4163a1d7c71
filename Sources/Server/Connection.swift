import Glibc
import Logging
import NIOCore
import RPC
import Segmentation

/// One connection: what its bytes ask for, and the calls under way. Lives on the event loop.
///
/// All rules of the protocol are `ServerConnection`'s; this gives them a socket, clocks and an engine.
final class Connection: ChannelInboundHandler {
    typealias InboundIn = ByteBuffer
    typealias OutboundOut = ByteBuffer

    let channel: any Channel
    let caller: Caller
    let service: Service
    let table: ConnectionTable
    var wire = ServerConnection()
    var calls: [UInt32: OpenCall] = [:]
    let backlog: WriteBacklog
    /// No call will follow: the client has shut its side, or the daemon stops.
    private var isLast = false
    /// The channel is closed. That may be found out by any write, in the midst of what led to it.
    private(set) var isGone = false
    /// The client has shut its side.
    private var isShut = false
    /// Whether frames may have come that nobody has looked at. Until then it is not done, whatever has been answered.
    /// Their turn may be to come.
    private var isBehind = false
    private var hasTurn = false
    /// When it last had something to do.
    private var lastActive = NIODeadline.now()
    /// The frame that has begun to come, and which one that is.
    private var frame: (number: Int, alarm: PaceAlarm)?
    /// What the incomplete frame has taken of the user's share.
    private var frameBytes = 0

    var eventLoop: any EventLoop { channel.eventLoop }
    /// The user at the other end.
    var owner: UInt32 { caller.owner }

    init(_ channel: any Channel, caller: Caller, service: Service, table: ConnectionTable) {
        self.channel = channel
        self.caller = caller
        self.service = service
        self.table = table
        backlog = WriteBacklog(channel, limits: service.limits)
    }

    /// Since when the daemon has had nothing to do for it, or waited for its client: for the rest of what has begun to
    /// come, or, from a while later on, for the reader of what it sent. `nil` where the daemon owes it something.
    var idleSince: NIODeadline? {
        if let stalled = backlog.stalledSince { return stalled + service.limits.reading }
        let owesNothing = calls.values.allSatisfy { call in
            if case .receiving = call.state { true } else { false }
        }
        return owesNothing && !isBehind ? frame?.alarm.pace.start ?? lastActive : nil
    }

    /// Closes when the calls under way are answered and the answers are read.
    func leave() -> EventLoopFuture<Void> {
        isLast = true
        closeIfDone()
        return channel.closeFuture
    }

    /// Ends the calls that are left.
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

    /// Whether the next frame takes long to look at.
    var isNextLarge: Bool { wire.nextFrameBytes.map { $0 > service.limits.largeFrame } ?? false }

    /// Lets frames be looked at, unless there are none, or their answers would have nowhere to go.
    private func takeTurn() {
        guard isBehind, !hasTurn, channel.isWritable else { return }
        hasTurn = true
        table.turns.take(self)
    }

    /// Looks at one large frame that has come, or at some that are small; at the others in another turn.
    func lookAtFrames(large: Bool) {
        hasTurn = false
        guard !isGone else { return }
        backlog.gathering {
            for _ in 0..<(large ? 1 : service.limits.framesAtOnce)
            where !isGone && channel.isWritable && isNextLarge == large {
                guard let actions = wire.next() else {
                    isBehind = false
                    break
                }
                // The bytes of a whole frame are its call's, which takes them over.
                giveBackFrame()
                for action in actions { act(action) }
            }
        }
        // Writing may have found that nobody is there.
        if isGone { return }
        watchFrame()
        takeTurn()
        listen()
        endInput()
        closeIfDone()
    }

    private func act(_ action: ServerConnection.Action) {
        guard !isGone else { return }
        switch action {
        case .open(let call): open(call)
        case .message(let stream, let message): received(message, on: stream)
        case .halfClose(let stream): look(stream)
        case .cancel(let stream): ended(stream, "refused")
        case .write(let bytes): backlog.write(bytes)
        case .close(let status): disconnect(status.message)
        }
    }

    /// Reads on, unless there is enough to look at; a reader that asks and does not read is not listened to.
    private func listen() {
        channel.setOption(.autoRead, value: channel.isWritable && !isBehind).whenFailure { _ in }
    }

    func channelWritabilityChanged(context: ChannelHandlerContext) {
        // Of a frame that is incomplete the clock runs again, too.
        if channel.isWritable { isBehind = true }
        takeTurn()
        listen()
    }

    func userInboundEventTriggered(context: ChannelHandlerContext, event: Any) {
        guard case .inputClosed? = event as? ChannelEvent else { return context.fireUserInboundEventTriggered(event) }
        (isShut, isLast) = (true, true)
        // A client that has gone altogether is inactive by then.
        eventLoop.assumeIsolated().execute {
            self.endInput()
            self.closeIfDone()
        }
    }

    /// Once the client has shut its side, and all that it sent before has been looked at, no picture goes on.
    private func endInput() {
        guard isShut, !isBehind, !isGone else { return }
        for (stream, call) in calls {
            guard case .receiving = call.state else { continue }
            fail(stream, with: RPCStatus(.invalidArgument, "The connection was shut before the picture's end."))
        }
    }

    func channelInactive(context: ChannelHandlerContext) {
        isGone = true
        backlog.close()
        for stream in calls.keys { ended(stream, "cancelled: the client left") }
        frame?.alarm.cancel()
        frame = nil
        table.incoming.giveBack(frameBytes, of: owner)
        frameBytes = 0
        table.closed(self)
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) {
        // That the client has left is told where its calls end.
        let isGone = (error as? IOError).map { [ECONNRESET, EPIPE].contains($0.errnoCode) } ?? false
        if !isGone { service.log.info("uid \(owner): \(error)") }
        close()
    }

    /// Closes the connection of a client that does what none may.
    func disconnect(_ reason: String) {
        service.log.warning("uid \(owner): \(reason)")
        close()
    }

    func closeIfDone() {
        if isLast, !isBehind, !isGone, calls.isEmpty, backlog.bytes == 0 { close() }
    }

    /// Bytes have been written, or have left.
    private func changed(unread: Int) {
        table.unread += unread
        guard unread < 0, !isGone else { return }
        lastActive = .now()
        for (stream, call) in calls {
            if case .answering(_, let delivery) = call.state, delivery.hasMore { advance(stream) }
        }
        closeIfDone()
    }

    // MARK: Frames that come slowly

    /// Gives back what a frame has taken and is not kept of it now.
    private func giveBackFrame() {
        guard wire.keptBytes < frameBytes else { return }
        table.incoming.giveBack(frameBytes - wire.keptBytes, of: owner)
        frameBytes = wire.keptBytes
    }

    /// Bounds the time and the bytes of the frame that is incomplete, if one is.
    private func watchFrame() {
        if wire.keptBytes > frameBytes {
            do throws(RPCStatus) {
                try table.incoming.take(wire.keptBytes - frameBytes, of: "requests", for: owner)
                frameBytes = wire.keptBytes
            } catch {
                for action in wire.refuseNext(with: error) { act(action) }
                if isGone { return }
            }
        }
        giveBackFrame()
        // What nobody has looked at is no fault of who sent it.
        guard !isBehind, channel.isWritable, let bytes = wire.partialBytes else {
            frame?.alarm.cancel()
            frame = nil
            return
        }
        if frame?.number != wire.frameCount {
            frame?.alarm.cancel()
            frame = (wire.frameCount, PaceAlarm(service.limits, on: eventLoop) { [weak self] pace in
                self?.disconnect("a frame of which \(pace.bytes) bytes came in time: send faster")
            })
        }
        if let alarm = frame?.alarm { alarm.add(bytes - alarm.pace.bytes) }
    }

    // MARK: Calls

    private func open(_ call: ServerConnection.Call) {
        do throws(RPCStatus) {
            switch call.method {
            case .look: try openLook(call)
            case .segment: try openSegment(call)
            case .health, .status, .cancel:
                let started = NIODeadline.now()
                let reply = try table.answer(call.method, call.payload, owner: owner)
                if let bytes = wire.reply(reply, on: call.stream) { backlog.write(bytes) }
                log(call.method, "\(RPCStatus.Code.ok)", milliseconds: (.now() - started).nanoseconds / 1_000_000)
            }
        } catch {
            if calls[call.stream] == nil { log(call.method, "\(error.code)", milliseconds: 0) }
            fail(call.stream, with: error)
        }
    }

    /// Enters a call whose end others will bring about.
    ///
    /// - Parameters:
    ///   - requestID: empty: none
    ///   - deadline: when its answer has become useless, as its client says
    func register(
        _ call: ServerConnection.Call, _ state: CallState, requestID: String, deadline: ContinuousClock.Instant?
    ) {
        let most = service.limits.callTime
        let left = deadline.map { TimeAmount(ContinuousClock.now.duration(to: $0)) }
        var open = OpenCall(method: call.method, requestID: requestID, state: state)
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
        table.opened(call.stream, of: self, named: requestID)
    }

    /// Takes bytes of what comes from the user's share, for a call that is open.
    func hold(_ bytes: Int, on stream: UInt32) throws(RPCStatus) {
        let held = calls.values.reduce(bytes) { $0 + $1.incomingBytes }
        guard held <= service.limits.pictureBytes else {
            throw RPCStatus(
                .resourceExhausted,
                """
                Pictures and questions of \(held) bytes at a time on one connection, the limit is \
                \(service.limits.pictureBytes): send smaller files, or one after the other.
                """)
        }
        try table.incoming.take(bytes, of: "pictures and questions", for: owner)
        calls[stream]?.incomingBytes += bytes
    }

    /// Lets the engine do a call's job in its turn.
    func submit(_ job: Job) throws(RPCStatus) {
        guard !service.isDraining else { throw RPCStatus(SegmentationError.stopping) }
        do throws(SegmentationError) { try service.engine.submit(job) } catch { throw RPCStatus(error) }
    }

    // MARK: Answers

    func reply(_ message: [UInt8], on stream: UInt32) {
        if let bytes = wire.reply(message, on: stream) { end(stream, .ok, bytes) }
    }

    func finish(_ stream: UInt32) {
        if let bytes = wire.finish(stream) { end(stream, .ok, bytes) }
    }

    func fail(_ stream: UInt32, with status: RPCStatus) {
        if let bytes = wire.fail(stream, with: status) { end(stream, status.code, bytes) }
    }

    private func end(_ stream: UInt32, _ code: RPCStatus.Code, _ bytes: [UInt8]) {
        ended(stream, "\(code)")
        backlog.write(bytes)
        closeIfDone()
    }

    /// Forgets a call, and gives back what it held; whatever still works on it stops.
    ///
    /// - Parameter result: for the log
    private func ended(_ stream: UInt32, _ result: String) {
        guard let call = calls.removeValue(forKey: stream) else { return }
        defer { table.ended(stream, of: self, named: call.requestID) }
        lastActive = .now()
        call.alarm?.cancel()
        table.incoming.giveBack(call.incomingBytes, of: owner)
        table.answers.giveBack(call.answerBytes, of: owner)
        if let job = call.ticket.flatMap(service.engine.withdraw) { table.drawing.dispose(of: job) }
        switch call.state {
        case .receiving(let upload):
            upload.alarm.cancel()
            table.drawing.dispose(of: upload.file)
        case .queued: break
        case .answering(_, let delivery):
            delivery.drawing.stop()
            table.drawing.dispose(of: delivery.drawing)
        }
        log(call.method, result, milliseconds: call.milliseconds)
    }

    private func log(_ method: Method, _ result: String, milliseconds: Int64) {
        // Health is asked every few seconds, for ever.
        service.log.log(
            level: method == .health ? .debug : .info,
            "uid \(owner): \(method.name), \(result), \(milliseconds) ms")
    }
}
