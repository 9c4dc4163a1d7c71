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

    private let channel: any Channel
    private let caller: Caller
    /// The user at the other end.
    private var owner: UInt32 { caller.owner }
    private let service: Service
    private let closed: (Connection) -> Void
    private var wire = ServerConnection()
    private var calls: [UInt32: OpenCall] = [:]
    private var outflow: Outflow
    /// No call will follow: the client has shut its side, or the daemon stops.
    private var isLast = false

    var eventLoop: any EventLoop { channel.eventLoop }

    /// - Parameter closed: told once, when the connection has ended
    init(_ channel: any Channel, caller: Caller, service: Service, closed: @escaping (Connection) -> Void) {
        self.channel = channel
        self.caller = caller
        self.service = service
        self.closed = closed
        outflow = Outflow(channel, limits: service.limits)
    }

    /// Takes no more calls; closes when those under way are answered and the answers are read.
    func leave() -> EventLoopFuture<Void> {
        isLast = true
        closeIfDone()
        return channel.closeFuture
    }

    func close() {
        channel.close(mode: .all, promise: nil)
    }

    // MARK: The channel

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        for action in wire.receive(unwrapInboundIn(data).readableBytesView) {
            switch action {
            case .open(let call): open(call)
            case .message(let stream, let message): received(message, on: stream)
            case .halfClose(let stream): look(stream)
            case .cancel(let stream): ended(stream, "broke the protocol")
            case .write(let bytes): outflow.write(bytes, then: wrote)
            case .close(let status):
                service.log.warning("uid \(owner): \(status.message)")
                close()
            }
        }
    }

    /// A reader that asks and does not read is not listened to.
    func channelWritabilityChanged(context: ChannelHandlerContext) {
        channel.setOption(.autoRead, value: channel.isWritable).whenFailure { _ in }
    }

    func userInboundEventTriggered(context: ChannelHandlerContext, event: Any) {
        guard case .inputClosed? = event as? ChannelEvent else { return context.fireUserInboundEventTriggered(event) }
        isLast = true
        for (stream, call) in calls where call.isReceiving {
            fail(stream, with: RPCStatus(.invalidArgument, "The connection was shut before the picture's end."))
        }
        closeIfDone()
    }

    func channelInactive(context: ChannelHandlerContext) {
        for stream in calls.keys { ended(stream, "\(RPCStatus.Code.cancelled)") }
        outflow.close()
        closed(self)
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) {
        service.log.info("uid \(owner): \(error)")
        close()
    }

    private func closeIfDone() {
        if isLast, calls.isEmpty, outflow.bytes == 0 { close() }
    }

    private func wrote() {
        closeIfDone()
    }

    // MARK: Calls

    private func open(_ call: ServerConnection.Call) {
        do throws(RPCStatus) {
            switch call.method {
            case .look: register(call, milliseconds: 0, isReceiving: true)
            case .segment: try segment(call)
            case .health, .status, .cancel:
                register(call, milliseconds: 0, isReceiving: false)
                reply(try service.answer(call.method, call.payload, owner: owner), on: call.stream)
            }
        } catch {
            if calls[call.stream] == nil { register(call, milliseconds: 0, isReceiving: false) }
            fail(call.stream, with: error)
        }
    }

    private func register(_ call: ServerConnection.Call, milliseconds: UInt32, isReceiving: Bool) {
        var open = OpenCall(
            call.method, timeout: call.timeout, milliseconds: milliseconds, isReceiving: isReceiving,
            patience: service.limits.patience)
        if let deadline = open.deadline {
            let time = TimeAmount(min(ContinuousClock.now.duration(to: deadline), .seconds(1 << 30)))
            open.alarm = eventLoop.assumeIsolated().scheduleTask(in: time) {
                self.fail(call.stream, with: RPCStatus(SegmentationError.deadlineExceeded))
            }
        }
        calls[call.stream] = open
    }

    private func segment(_ call: ServerConnection.Call) throws(RPCStatus) {
        let message = try SegmentRequest(decoding: call.payload)
        register(call, milliseconds: message.deadlineMilliseconds, isReceiving: false)
        let request = try SegmentationRequest(message)
        if case .file(let file) = request.picture { try hold(file.count, on: call.stream) }
        let owner = owner
        let replies = ReplyStream(self, stream: call.stream)
        let deadline = calls[call.stream]?.deadline
        let job = Job(caller: caller, requestID: message.requestID, deadline: deadline) {
            [owner] segmenter, cancellation, queued in
            var undelivered: RPCStatus?
            func delivering<Result>(
                _ body: () throws(RPCStatus) -> Result
            ) throws(SegmentationError) -> Result {
                do throws(RPCStatus) {
                    return try body()
                } catch {
                    undelivered = error
                    throw .undeliverable(error.message)
                }
            }
            do throws(SegmentationError) {
                try segmenter.answer(
                    request, owner: owner, cancellation: cancellation, queueMilliseconds: queued,
                    form: "\(message.encoding)"
                ) { event throws(SegmentationError) in
                    try delivering { () throws(RPCStatus) in
                        try SegmentReply(event, encoding: message.encoding).encoded()
                    }
                } send: { messages throws(SegmentationError) in
                    try delivering { () throws(RPCStatus) in try replies.send(messages) }
                }
                replies.finish()
            } catch {
                replies.fail(undelivered ?? RPCStatus(error))
            }
        } refuse: {
            replies.fail(RPCStatus($0))
        }
        try submit(job, for: call.stream)
    }

    /// The next piece of a picture.
    private func received(_ message: [UInt8], on stream: UInt32) {
        do throws(RPCStatus) {
            let piece = try LookRequest(decoding: message).data
            guard piece.count <= service.limits.pieceBytes else {
                throw RPCStatus(
                    .invalidArgument,
                    """
                    \(piece.count) bytes of a picture in one message, the limit is \
                    \(service.limits.pieceBytes): send smaller pieces.
                    """)
            }
            try hold(piece.count, on: stream)
            calls[stream]?.file += piece
        } catch {
            fail(stream, with: error)
        }
    }

    /// The picture is complete.
    private func look(_ stream: UInt32) {
        guard let file = calls[stream]?.file else { return }
        calls[stream]?.isReceiving = false
        calls[stream]?.file = []
        let replies = ReplyStream(self, stream: stream)
        let job = Job(caller: caller, requestID: "", deadline: calls[stream]?.deadline) {
            [owner] segmenter, cancellation, _ in
            do throws(SegmentationError) {
                let looked = try segmenter.look(at: file, owner: owner, cancellation: cancellation)
                replies.reply(LookReply(looked).encoded())
            } catch {
                replies.fail(RPCStatus(error))
            }
        } refuse: {
            replies.fail(RPCStatus($0))
        }
        do throws(RPCStatus) {
            try submit(job, for: stream)
        } catch {
            fail(stream, with: error)
        }
    }

    /// Counts bytes of a picture that a call keeps until it ends.
    private func hold(_ bytes: Int, on stream: UInt32) throws(RPCStatus) {
        let held = calls.values.reduce(bytes) { $0 + $1.heldBytes }
        guard held <= service.limits.pictureBytes else {
            throw RPCStatus(
                .resourceExhausted,
                """
                Pictures of \(held) bytes at a time on one connection, the limit is \
                \(service.limits.pictureBytes): send smaller files, or one after the other.
                """)
        }
        calls[stream]?.heldBytes += bytes
    }

    /// Lets the engine answer a call in its turn.
    private func submit(_ job: Job, for stream: UInt32) throws(RPCStatus) {
        guard !service.isDraining else { throw RPCStatus(SegmentationError.stopping) }
        calls[stream]?.ticket = job.ticket
        do throws(SegmentationError) { try service.engine.submit(job) } catch { throw RPCStatus(error) }
    }

    // MARK: Answers

    /// Sends some of many replies; the future succeeds when the reader is near enough for others.
    func send(_ messages: ArraySlice<[UInt8]>, on stream: UInt32) -> EventLoopFuture<Void> {
        do throws(RPCStatus) {
            var bytes: [UInt8] = []
            for message in messages { bytes += try wire.send(message, on: stream) ?? [] }
            guard let patience = calls[stream]?.patience else {
                throw RPCStatus(.cancelled, "The call has ended.")
            }
            outflow.write(bytes, then: wrote)
            let start = NIODeadline.now()
            let room = outflow.room(patience: patience)
            room.assumeIsolated().whenComplete { _ in self.calls[stream]?.patience = patience - (.now() - start) }
            return room
        } catch {
            return eventLoop.makeFailedFuture(error)
        }
    }

    func finish(_ stream: UInt32) {
        if let bytes = wire.finish(stream) { end(stream, .ok, bytes) }
    }

    func reply(_ message: [UInt8], on stream: UInt32) {
        if let bytes = wire.reply(message, on: stream) { end(stream, .ok, bytes) }
    }

    func fail(_ stream: UInt32, with status: RPCStatus) {
        if let bytes = wire.fail(stream, with: status) { end(stream, status.code, bytes) }
    }

    private func end(_ stream: UInt32, _ code: RPCStatus.Code, _ bytes: [UInt8]) {
        ended(stream, "\(code)")
        outflow.write(bytes, then: wrote)
    }

    /// Forgets a call; whatever still works on it stops.
    ///
    /// - Parameter result: for the log
    private func ended(_ stream: UInt32, _ result: String) {
        guard let call = calls.removeValue(forKey: stream) else { return }
        call.alarm?.cancel()
        if let ticket = call.ticket { _ = service.engine.withdraw(ticket) }
        // Health is asked every few seconds, for ever.
        service.log.log(
            level: call.method == .health ? .debug : .info,
            "uid \(owner): \(call.method.name), \(result), \(call.milliseconds) ms")
    }
}
