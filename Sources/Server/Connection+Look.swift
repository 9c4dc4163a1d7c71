import NIOCore
import RPC
import Segmentation

/// `Look`: the upload of a picture in messages of one piece each, then a job that decodes it.
extension Connection {
    func openLook(_ call: ServerConnection.Call, _ record: CallRecord) {
        let alarm = PaceAlarm(service.limits, on: eventLoop) { [weak self] in self?.uploadIsLate(call.stream, $0) }
        let upload = Upload(alarm: alarm, deadline: call.timeout.map { SuspendingClock.now + $0 })
        register(call, .receiving(upload), record, deadline: upload.deadline)
    }

    /// Appends the next piece of a picture to its upload.
    func received(_ message: [UInt8], on stream: UInt32) {
        do throws(RPCStatus) {
            guard case .receiving(var upload)? = calls[stream]?.state else { return }
            calls[stream]?.record.received += picture?.length ?? message.count
            let piece = if let picture { picture.bytes } else { try piece(of: message, for: &upload, on: stream) }
            guard piece.count <= service.limits.pieceBytes else {
                throw RPCStatus(
                    .invalidArgument,
                    """
                    \(piece.count) bytes of a picture in one message, the limit is \(service.limits.pieceBytes): \
                    send smaller pieces.
                    """)
            }
            try hold(piece.count, on: stream)
            upload.file.append(piece)
            upload.alarm.add(piece.count)
        } catch {
            fail(stream, with: error)
        }
    }

    /// The bytes of a message that says, perhaps, what the picture is for.
    private func piece(
        of message: [UInt8], for upload: inout Upload, on stream: UInt32
    ) throws(RPCStatus) -> ArraySlice<UInt8> {
        let message: LookRequest = try self.message(message)
        if upload.question == nil, !message.recipe.isEmpty || !message.settings.isEmpty || !message.model.isEmpty {
            let (model, recipe) = (try service.model(named: message.model), try Recipe(of: message))
            upload.question = (model, recipe)
            calls[stream]?.state = .receiving(upload)
            calls[stream]?.record.model = model
            calls[stream]?.record.recipe = recipe.name
        }
        return message.data[...]
    }

    private func uploadIsLate(_ stream: UInt32, _ pace: Pace) {
        guard let call = calls[stream] else { return }
        let limits = service.limits
        fail(
            stream,
            with: RPCStatus(
                .deadlineExceeded,
                """
                \(pace.bytes) bytes of a picture in \(call.record.time.nanoseconds / 1_000_000) ms, too few in the \
                last \(limits.grace.nanoseconds / 1_000_000): send at least \(limits.bytesPerSecond) a second.
                """))
    }

    /// The client half-closed: queues the job that decodes the picture.
    func look(_ stream: UInt32) {
        guard let call = calls[stream], case .receiving(let upload) = call.state else { return }
        upload.alarm.cancel()
        let replies = ReplyStream(self, stream: stream)
        do throws(RPCStatus) {
            // Pictures are kept also where there is no default model.
            let model = upload.question?.model ?? (try? service.model(named: "")) ?? .none
            let job = job(upload, model, upload.question?.recipe ?? .shared, call.record.progress, replies)
            calls[stream]?.state = .queued(job.ticket)
            try submit(job)
        } catch {
            fail(stream, with: error)
        }
    }
}

extension Connection {
    /// A picture that can be kept is ready for every model, and best for one that is loaded; of a larger one nothing is
    /// kept but what a model reads of it, which is loaded for that.
    private func job(
        _ upload: Upload, _ model: ModelKey, _ recipe: Recipe, _ progress: CallProgress, _ replies: ReplyStream
    ) -> Job {
        let (file, owner, queued) = (upload.file, owner, SuspendingClock.now)
        let use: ModelUse =
            file.count <= service.engine.status.limits.keptFileBytes
            ? .ifLoaded(model) : .needed(model, keepAlive: nil, progress: nil)
        return Job(caller: caller, using: use, deadline: upload.deadline) {
            segmenter, workspace, cancellation in
            progress.begin(queueMilliseconds: Float(queued.duration(to: .now) / .milliseconds(1)))
            do throws(SegmentationError) {
                let looked = try progress.timing(.decode) { () throws(SegmentationError) in
                    let bytes = file.joined()
                    guard let segmenter else {
                        return try workspace.pictures.look(at: bytes, owner: owner, cancellation: cancellation)
                    }
                    return try segmenter.look(at: bytes, for: recipe, owner: owner, cancellation: cancellation)
                }
                progress.note(looked)
                replies.reply(LookReply(looked).encoded())
            } catch {
                replies.fail(RPCStatus(error))
            }
        } refuse: {
            replies.fail(RPCStatus($0))
        }
    }
}

extension Recipe {
    /// - Throws: `invalidArgument` for a recipe or a setting that is none
    fileprivate init(of message: LookRequest) throws(RPCStatus) {
        do throws(SegmentationError) {
            try self.init(named: message.recipe, settings: message.settings)
        } catch {
            throw RPCStatus(error)
        }
    }
}
