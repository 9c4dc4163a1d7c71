import RPC
import Segmentation

/// `Segment`: a question, and the way of its answer.
///
///     engine ──parts──► AnswerDrawing ──step──► messages ──► backlog ──► reader
extension Connection {
    func openSegment(_ call: ServerConnection.Call) throws(RPCStatus) {
        let message = try SegmentRequest(decoding: call.payload)
        let request = try SegmentationRequest(message)
        if case .sized(let width, let height) = request.maps {
            try service.limits.check(labels: request.labels.count, width: width, height: height)
        }
        let milliseconds = message.deadlineMilliseconds
        let limits = [call.timeout, milliseconds == 0 ? nil : .milliseconds(milliseconds)].compactMap(\.self)
        let deadline = limits.min().map { ContinuousClock.now + $0 }
        let drawing = AnswerDrawing(request, encoding: message.encoding)
        let job = job(message, request, drawing, stream: call.stream, deadline: deadline)
        register(
            call, .answering(job.ticket, Delivery(drawing: drawing)), requestID: message.requestID, deadline: deadline)
        if case .handle(let handle) = request.picture, let known = service.reply(to: message, handle, owner: owner) {
            return send(known, queueMilliseconds: 0, on: call.stream)
        }
        try hold(call.payload.count, on: call.stream)
        try holdAnswer(of: request, on: call.stream)
        try submit(job)
    }

    /// Takes room for what is computed, which may have to wait for its reader.
    private func holdAnswer(of request: SegmentationRequest, on stream: UInt32) throws(RPCStatus) {
        let maps = AnswerDrawing.mapRoom + (request.wantsMask ? request.labels.count : 0)
        let bytes = min(maps, request.labels.count) * (service.engine.status?.mapBytes ?? 0)
        guard table.answers.take(bytes, for: owner) else {
            throw RPCStatus(
                .resourceExhausted,
                """
                Answers under way leave no room for the maps of \(request.labels.count) labels more: read those, \
                or ask for fewer at a time.
                """)
        }
        calls[stream]?.answerBytes = bytes
    }

    private func job(
        _ message: SegmentRequest, _ request: SegmentationRequest, _ drawing: AnswerDrawing, stream: UInt32,
        deadline: ContinuousClock.Instant?
    ) -> Job {
        let replies = ReplyStream(self, stream: stream)
        let (service, owner) = (service, owner)
        return Job(caller: caller, deadline: deadline, hasRoom: { drawing.hasRoom }) {
            segmenter, cancellation, queued in
            let handle = request.picture.handle
            do throws(SegmentationError) {
                if let known = service.reply(to: message, handle, owner: owner) {
                    _ = try segmenter.look(
                        at: request.picture, handle: handle, owner: owner, cancellation: cancellation)
                    replies.send(known, queueMilliseconds: queued)
                    return nil
                }
                replies.remember(as: service.key(of: message, handle, owner: owner))
                let computation = try segmenter.begin(
                    request, handle: handle, owner: owner, cancellation: cancellation, queueMilliseconds: queued)
                return {
                    do throws(SegmentationError) {
                        guard let part = try computation.next() else { return false }
                        try service.limits.check(request, part)
                        drawing.add(part)
                        replies.advance()
                        return true
                    } catch {
                        replies.fail(error)
                        return false
                    }
                }
            } catch {
                replies.fail(error)
                return nil
            }
        } refuse: {
            replies.fail($0)
        }
    }

    func remember(_ stream: UInt32, as key: ReplyKey) {
        change(stream) { $0.key = key }
    }

    /// Sends an answer that is known, as its reader takes it.
    func send(_ reply: RememberedReply, queueMilliseconds: Float, on stream: UInt32) {
        guard let call = calls[stream] else { return }
        table.answers.giveBack(call.answerBytes, of: owner)
        calls[stream]?.answerBytes = 0
        guard table.answers.take(reply.bytes, for: owner) else {
            return fail(
                stream,
                with: RPCStatus(.resourceExhausted, "Answers under way leave no room for another: read those first."))
        }
        calls[stream]?.answerBytes = reply.bytes
        change(stream) { $0.known = (reply.messages + [reply.trailer(queueMilliseconds: queueMilliseconds)])[...] }
        advance(stream)
    }

    /// Sends or draws the next step of an answer in its turn, unless its reader is too far behind.
    func advance(_ stream: UInt32) {
        guard case .answering(_, let delivery)? = calls[stream]?.state else { return }
        if delivery.known != nil { return sendKnown(stream) }
        let isTurn = backlog.hasRoom(unread: table.unread) && !delivery.isInTurn
        change(stream) { delivery in
            delivery.hasMore = true
            if isTurn { delivery.isInTurn = true }
        }
        // The turn may come at once, and changes the delivery itself.
        if isTurn { table.courier.enqueue(for: caller) { self.step(stream) } }
    }

    private func sendKnown(_ stream: UInt32) {
        do throws(RPCStatus) {
            while case .answering(_, let delivery)? = calls[stream]?.state, let rest = delivery.known {
                if rest.isEmpty { return finish(stream) }
                guard backlog.hasRoom(unread: table.unread) else { return change(stream) { $0.hasMore = true } }
                var bytes = 0
                let next = rest.prefix { message in
                    defer { bytes += message.count }
                    return bytes < AnswerDrawing.stepBytes
                }
                // Writing may tell at once that bytes have left, which leads back to here.
                change(stream) { ($0.known, $0.hasMore) = (rest.dropFirst(next.count), false) }
                try send(Array(next), on: stream)
            }
        } catch {
            fail(stream, with: error)
        }
    }

    /// The step whose turn has come.
    private func step(_ stream: UInt32) -> Courier.Step? {
        guard case .answering(_, let delivery)? = calls[stream]?.state else { return nil }
        change(stream) { $0.hasMore = false }
        let drawing = delivery.drawing
        let loopBound = ReplyStream(self, stream: stream)
        return {
            let result: Result<AnswerDrawing.Step, RPCStatus>
            do throws(RPCStatus) { result = .success(try drawing.step()) } catch { result = .failure(error) }
            return { loopBound.drew(result) }
        }
    }

    /// Sends what a step has made.
    func drew(_ result: Result<AnswerDrawing.Step, RPCStatus>, on stream: UInt32) {
        change(stream) { $0.isInTurn = false }
        if let ticket = calls[stream]?.ticket { service.engine.resume(ticket) }
        do throws(RPCStatus) {
            let step = try result.get()
            try send(step.messages, on: stream)
            change(stream) { delivery in
                delivery.reply.add(step)
                if delivery.reply.bytes > service.replies.largest { delivery.reply.drop() }
            }
            guard case .answering(_, let delivery)? = calls[stream]?.state else { return }
            if step.report != nil {
                if let key = delivery.key, delivery.reply.bytes <= service.replies.largest {
                    service.replies.remember(delivery.reply, for: key)
                }
                finish(stream)
            } else if step.hasMore || delivery.hasMore {
                advance(stream)
            }
        } catch {
            fail(stream, with: error)
        }
    }

    private func send(_ messages: [[UInt8]], on stream: UInt32) throws(RPCStatus) {
        var bytes: [UInt8] = []
        bytes.reserveCapacity(messages.reduce(0) { $0 + $1.count + Frame.headerLength })
        for message in messages { bytes += try wire.send(message, on: stream) ?? [] }
        if !bytes.isEmpty { backlog.write(bytes) }
    }

    /// Changes the delivery of an answer, if there is one.
    private func change(_ stream: UInt32, _ body: (inout Delivery) -> Void) {
        guard case .answering(let ticket, var delivery)? = calls[stream]?.state else { return }
        body(&delivery)
        calls[stream]?.state = .answering(ticket, delivery)
    }
}

extension ServerLimits {
    /// Refuses a question for maps of the picture's size, once that is known, if its answer would be too large.
    fileprivate func check(_ request: SegmentationRequest, _ part: AnswerPart) throws(SegmentationError) {
        guard case .understood(let understanding) = part, case .picture = request.maps else { return }
        let picture = understanding.picture
        do throws(RPCStatus) {
            try check(labels: request.labels.count, width: picture.width, height: picture.height)
        } catch {
            throw .undeliverable(error.message)
        }
    }

    /// Refuses a question whose answer would be too large.
    fileprivate func check(labels: Int, width: Int, height: Int) throws(RPCStatus) {
        guard labels * width * height <= callPixels else {
            throw RPCStatus(
                .resourceExhausted,
                """
                \(labels) score maps of \(width) x \(height) numbers, the limit of a call is \(callPixels) in all: \
                ask for fewer, or for smaller ones.
                """)
        }
    }
}
