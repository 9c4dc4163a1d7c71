import RPC
import Segmentation

/// `Describe`: a request, and a job that sends a message for each part of its answer.
extension Connection {
    func openDescribe(_ call: ServerConnection.Call, _ record: inout CallRecord) throws(RPCStatus) {
        let message: DescribeRequest = try message(call.payload)
        record.requestID = message.requestID
        if let candidates = message.vocabulary?.candidates, !candidates.isEmpty { record.labels = candidates.count }
        if service.logsWords() { record.words = LoggedWords(message) }
        let request = try DescriptionRequest(message)
        let deadline = call.deadline(milliseconds: message.deadlineMilliseconds)
        let replies = ReplyStream(self, stream: call.stream)
        let owner = owner
        let use = try use(of: message.model, keepAlive: message.keepAlive, tells: message.progress, call.stream) {
            DescribeReply.loading($0).encoded()
        }
        record.model = use.key
        let progress = record.progress
        let job = Job(caller: caller, needing: use, deadline: deadline, hasRoom: { true }) {
            segmenter, cancellation, queued in
            progress.begin(queueMilliseconds: queued)
            do throws(SegmentationError) {
                let describing = try progress.timing(.decode) { () throws(SegmentationError) in
                    try segmenter.describe(
                        request, handle: request.picture.handle, owner: owner, cancellation: cancellation)
                }
                return {
                    do throws(SegmentationError) {
                        let next = try progress.timing(.words) { () throws(SegmentationError) in
                            try describing.next()
                        }
                        guard let part = next else {
                            replies.finish()
                            return false
                        }
                        if case .description(let description) = part { progress.note(description.picture) }
                        replies.send(DescribeReply(part).encoded())
                        return true
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
        register(call, .queued(job.ticket), record, deadline: deadline)
        try hold(call.payload.count, on: call.stream)
        try submit(job)
    }

    /// Sends the next message of a description; the bytes count against the user's quota until the call ends.
    func send(_ message: [UInt8], on stream: UInt32) {
        guard calls[stream] != nil else { return }
        do throws(RPCStatus) {
            try holdAnswer(message.count, on: stream)
            guard let bytes = try wire.send(message, on: stream) else { return }
            calls[stream]?.record.sent += bytes.count
            backlog.write(bytes)
        } catch {
            fail(stream, with: error)
        }
    }
}
