import RPC
import Segmentation

/// `Warm` and `Unload`, and what calls of all kinds say of models.
extension Connection {
    func openWarm(_ call: ServerConnection.Call, _ record: inout CallRecord) throws(RPCStatus) {
        let message = try WarmRequest(decoding: call.payload)
        record.requestID = message.requestID
        let deadline = call.deadline(milliseconds: message.deadlineMilliseconds)
        let (service, replies) = (service, ReplyStream(self, stream: call.stream))
        let (model, kept) = try service.model(named: message.model, keepAlive: message.keepAlive)
        record.model = model
        let progress = record.progress
        let use = ModelUse.kept(model, keepAlive: kept) { replies.send(WarmReply.loading(Loading($0)).encoded()) }
        let job = Job(caller: caller, needing: use, deadline: deadline) { _, _, queued in
            progress.begin(queueMilliseconds: queued)
            let state = service.engine.status.models.first { $0.key == model }
            if let model = state.map(ModelStatus.all)?.first { replies.send(WarmReply.model(model).encoded()) }
            replies.finish()
        } refuse: {
            replies.fail(RPCStatus($0))
        }
        register(call, .queued(job.ticket), record, deadline: deadline)
        try submit(job)
    }

    func openUnload(_ call: ServerConnection.Call, _ record: CallRecord) throws(RPCStatus) {
        let message = try UnloadRequest(decoding: call.payload)
        let replies = ReplyStream(self, stream: call.stream)
        register(call, .unloading, record, deadline: call.timeout.map { SuspendingClock.now + $0 })
        do throws(SegmentationError) {
            try service.engine.unload(message.model) { gone, used in
                replies.reply(UnloadReply(unloaded: gone, inUse: used).encoded())
            }
        } catch {
            throw RPCStatus(error)
        }
    }

    /// The model that a call names.
    ///
    /// - Parameters:
    ///   - tells: whether the client wants to know how far the model is on its way
    ///   - message: says so to the client
    /// - Throws: `notFound`, `invalidArgument`
    func use(
        of model: String, keepAlive: String, tells: Bool, _ stream: UInt32,
        message: @escaping @Sendable (Loading) -> [UInt8]
    ) throws(RPCStatus) -> ModelUse {
        let replies = ReplyStream(self, stream: stream)
        let tell: @Sendable (LoadingState) -> Void = { replies.send(message(Loading($0))) }
        let (key, kept) = try service.model(named: model, keepAlive: keepAlive)
        return .needed(key, keepAlive: kept, progress: tells ? tell : nil)
    }
}
