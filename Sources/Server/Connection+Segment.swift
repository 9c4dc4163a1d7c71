import RPC
import Segmentation

/// `Segment`: a request, and the path of its answer.
///
///     engine ──parts──► AnswerDrawing ──step──► messages ──► backlog ──► reader
extension Connection {
    func openSegment(_ call: ServerConnection.Call, _ record: inout CallRecord) throws(RPCStatus) {
        let message: SegmentRequest = try message(call.payload)
        record.requestID = message.requestID
        record.labels = message.labels.count + (message.vocabulary?.candidates.count ?? 0)
        if service.logsWords() { record.words = LoggedWords(message) }
        let request = try SegmentationRequest(message)
        record.recipe = request.recipe.name
        if case .sized(let width, let height) = request.maps,
            let refusal = service.limits.refusal(labels: request.mostLabels, width: width, height: height)
        {
            throw refusal
        }
        let deadline = call.deadline(milliseconds: message.deadlineMilliseconds)
        let use = try use(of: message.model, keepAlive: message.keepAlive, tells: message.progress, call.stream) {
            SegmentReply.loading($0).encoded()
        }
        record.model = use.key
        let drawing = AnswerDrawing(request, encoding: message.encoding, telling: record.progress)
        // Hashing a file of megabytes would block the event loop: then the engine's thread makes the key.
        let key: ReplyKey? =
            switch request.picture {
            case .handle(let handle): service.key(of: message, handle, by: use.key, owner: owner)
            case .file: nil
            }
        let job = job(message, request, use, drawing, key, record.progress, stream: call.stream, deadline: deadline)
        register(call, .answering(job.ticket, Delivery(drawing: drawing)), record, deadline: deadline)
        if let known = key.flatMap(service.replies.reply) {
            service.engine.noteUse(of: use, by: owner, since: .now)
            return send(known, queueMilliseconds: 0, on: call.stream)
        }
        try hold(call.payload.count, on: call.stream)
        try holdAnswer(of: request, by: use.key, on: call.stream)
        try submit(job)
    }

    /// Reserves quota for the most score maps that this answer can have in memory at once.
    private func holdAnswer(
        of request: SegmentationRequest, by model: ModelKey, on stream: UInt32
    ) throws(RPCStatus) {
        let waitsForAll = request.wantsMask || request.recipe.labelsCompete
        let maps = AnswerDrawing.mapRoom(request.recipe) + (waitsForAll ? request.mostLabels : 0)
        let probed = request.probes.isEmpty ? 0 : AnswerDrawing.probedRoom
        try holdAnswer(
            (min(maps, request.mostLabels) + probed) * service.mapBytes(request.recipe, of: model), on: stream)
    }

    /// Charges bytes of an answer to the user's quota; given back when the call ends.
    ///
    /// - Throws: `resourceExhausted` where the quota has less left
    func holdAnswer(_ bytes: Int, on stream: UInt32) throws(RPCStatus) {
        try table.answers.take(bytes, of: "answers", for: owner, retry: service.nextRoom)
        calls[stream]?.answerBytes += bytes
    }

    private func letAnswerGo(_ bytes: Int, on stream: UInt32) {
        table.answers.giveBack(bytes, of: owner)
        calls[stream]?.answerBytes -= bytes
    }

    private func job(
        _ message: SegmentRequest, _ request: SegmentationRequest, _ use: ModelUse, _ drawing: AnswerDrawing,
        _ key: ReplyKey?, _ progress: CallProgress, stream: UInt32, deadline: SuspendingClock.Instant?
    ) -> Job {
        let replies = ReplyStream(self, stream: stream)
        let (service, owner) = (service, owner)
        return Job(caller: caller, needing: use, deadline: deadline, hasRoom: { drawing.hasRoom }) {
            segmenter, cancellation, queued in
            progress.begin(queueMilliseconds: queued)
            let handle = request.picture.handle
            let key = key ?? service.key(of: message, handle, by: use.key, owner: owner)
            do throws(SegmentationError) {
                if let known = key.flatMap(service.replies.reply) {
                    _ = try progress.timing(.decode) { () throws(SegmentationError) in
                        try segmenter.look(
                            at: request.picture, handle: handle, for: request.recipe, owner: owner,
                            cancellation: cancellation)
                    }
                    replies.send(known, queueMilliseconds: queued)
                    return nil
                }
                if let key { replies.remember(as: key) }
                let computation = try progress.timing(.decode) { () throws(SegmentationError) in
                    try segmenter.begin(
                        request, handle: handle, owner: owner, cancellation: cancellation, queueMilliseconds: queued)
                }
                progress.note(computation.spent)
                return {
                    do throws(SegmentationError) {
                        guard let part = try Self.next(of: computation, progress) else { return false }
                        if let refusal = service.limits.refusal(of: request, part) {
                            replies.fail(refusal)
                            return false
                        }
                        drawing.add(part)
                        replies.advance()
                        // With the report the job ends: whoever has read the answer finds its model out of use.
                        return if case .report = part { false } else { true }
                    } catch {
                        replies.fail(RPCStatus(error))
                        return false
                    }
                }
            } catch {
                replies.fail(RPCStatus(error))
                return nil
            }
        } refuse: {
            replies.fail(RPCStatus($0))
        }
    }

    /// Computes the next part. What was spent is noted before that part is drawn: the drawing thread notes the finished
    /// report, and the call is counted by it.
    private static func next(
        of computation: Computation, _ progress: CallProgress
    ) throws(SegmentationError) -> AnswerPart? {
        defer { progress.note(computation.spent) }
        return try computation.next()
    }

    /// Sets the cache key of the answer, once the picture's hash is known.
    func remember(_ stream: UInt32, as key: ReplyKey) {
        change(stream) { $0.key = key }
    }

    /// Sends a cached answer, at the pace of its reader.
    func send(_ reply: RememberedReply, queueMilliseconds: Float, on stream: UInt32) {
        guard let call = calls[stream] else { return }
        letAnswerGo(call.answerBytes, on: stream)
        calls[stream]?.record.isRemembered = true
        if let picture = reply.picture { call.record.progress.note(picture) }
        do throws(RPCStatus) {
            try holdAnswer(reply.bytes, on: stream)
            change(stream) { $0.known = (reply.messages + [reply.trailer(queueMilliseconds: queueMilliseconds)])[...] }
            advance(stream)
        } catch {
            fail(stream, with: error)
        }
    }

    /// Queues the next step of an answer for the drawing thread, or sends more of a cached one; where the write backlog
    /// is full, notes that there is more, to go on when bytes leave.
    func advance(_ stream: UInt32) {
        guard case .answering(_, let delivery)? = calls[stream]?.state else { return }
        if delivery.known != nil { return sendKnown(stream) }
        let isTurn = backlog.hasRoom(unread: table.unread) && !delivery.isInTurn
        change(stream) { delivery in
            delivery.hasMore = true
            if isTurn { delivery.isInTurn = true }
        }
        // Outside of `change`: an idle drawing thread begins the step at once, which changes the delivery again.
        if isTurn { table.drawing.enqueue(for: caller) { self.step(stream) } }
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
                // Before `send`, which may re-enter here: a write that completes at once calls `advance`.
                change(stream) { ($0.known, $0.hasMore) = (rest.dropFirst(next.count), false) }
                try send(Array(next), on: stream)
            }
        } catch {
            fail(stream, with: error)
        }
    }

    /// The work of a step whose turn has come; `nil` where the call has ended.
    private func step(_ stream: UInt32) -> DrawingThread.Step? {
        guard case .answering(_, let delivery)? = calls[stream]?.state else { return nil }
        change(stream) { $0.hasMore = false }
        let drawing = delivery.drawing
        let replies = ReplyStream(self, stream: stream)
        return {
            let result: Result<AnswerDrawing.Step, RPCStatus>
            do throws(RPCStatus) { result = .success(try drawing.step()) } catch { result = .failure(error) }
            return { replies.drew(result) }
        }
    }

    /// Sends the messages of a finished step, and queues the next one.
    func drew(_ result: Result<AnswerDrawing.Step, RPCStatus>, on stream: UInt32) {
        change(stream) { $0.isInTurn = false }
        if let ticket = calls[stream]?.ticket { service.engine.resume(ticket) }
        do throws(RPCStatus) {
            let step = try result.get()
            try send(step.messages, on: stream)
            keep(step, on: stream)
            guard case .answering(_, let delivery)? = calls[stream]?.state else { return }
            if step.report != nil {
                if let key = delivery.key, let reply = delivery.reply { service.replies.remember(reply, for: key) }
                finish(stream)
            } else if step.hasMore || delivery.hasMore {
                advance(stream)
            }
        } catch {
            fail(stream, with: error)
        }
    }

    /// Collects the messages sent, for the reply cache, unless the answer is too large for it or for the user's quota.
    private func keep(_ step: AnswerDrawing.Step, on stream: UInt32) {
        var taken: RememberedReply?
        change(stream) { swap(&taken, &$0.reply) }
        guard var reply = taken.take() else { return }
        let before = reply.bytes
        reply.add(step)
        let more = reply.bytes - before
        if reply.bytes <= service.replies.largest, table.answers.take(more, for: owner) {
            calls[stream]?.answerBytes += more
            change(stream) { $0.reply = reply }
        } else {
            letAnswerGo(before, on: stream)
        }
    }

    private func send(_ messages: [[UInt8]], on stream: UInt32) throws(RPCStatus) {
        var bytes: [UInt8] = []
        bytes.reserveCapacity(messages.reduce(0) { $0 + $1.count + Frame.headerLength })
        for message in messages { bytes += try wire.send(message, on: stream) ?? [] }
        guard !bytes.isEmpty else { return }
        calls[stream]?.record.sent += bytes.count
        backlog.write(bytes)
    }

    /// Mutates the delivery of an open `Segment` call; does nothing for others.
    private func change(_ stream: UInt32, _ body: (inout Delivery) -> Void) {
        guard case .answering(let ticket, var delivery)? = calls[stream]?.state else { return }
        // Takes the delivery out of the dictionary first: with a second reference, mutating its arrays would copy them.
        calls[stream]?.state = .queued(ticket)
        body(&delivery)
        calls[stream]?.state = .answering(ticket, delivery)
    }
}

extension ServerConnection.Call {
    /// When its answer becomes useless, by the call's own timeout or the request's; `nil`: never.
    ///
    /// - Parameter milliseconds: as the request says; 0: no limit
    func deadline(milliseconds: UInt32) -> SuspendingClock.Instant? {
        let limits = [timeout, milliseconds == 0 ? nil : .milliseconds(milliseconds)].compactMap(\.self)
        return limits.min().map { SuspendingClock.now + $0 }
    }
}

extension ServerLimits {
    /// The check of the map size for requests at the picture's own size, which is known only now.
    fileprivate func refusal(of request: SegmentationRequest, _ part: AnswerPart) -> RPCStatus? {
        guard case .understood(let understanding) = part, case .picture = request.maps else { return nil }
        let picture = understanding.picture
        return refusal(labels: understanding.labels.count, width: picture.width, height: picture.height)
    }

    /// The refusal of score maps that have more than ``callPixels`` numbers in all; `nil` where they have not.
    fileprivate func refusal(labels: Int, width: Int, height: Int) -> RPCStatus? {
        guard labels * width * height > callPixels else { return nil }
        return RPCStatus(
            .resourceExhausted,
            """
            \(labels) score maps of \(width) x \(height) numbers, the limit of a call is \(callPixels) in all: \
            ask for fewer, or for smaller ones.
            """)
    }
}
