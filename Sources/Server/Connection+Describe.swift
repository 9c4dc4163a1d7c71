import RPC
import Segmentation

/// `Describe`: a request, and a job that sends a message for each part of its answer.
extension Connection {
    func openDescribe(_ call: ServerConnection.Call) throws(RPCStatus) {
        let message = try DescribeRequest(decoding: call.payload)
        let request = try DescriptionRequest(message)
        let deadline = call.deadline(milliseconds: message.deadlineMilliseconds)
        let replies = ReplyStream(self, stream: call.stream)
        let owner = owner
        let use = try use(of: message.model, keepAlive: message.keepAlive, tells: message.progress, call.stream) {
            DescribeReply.loading($0).encoded()
        }
        let job = Job(caller: caller, needing: use, deadline: deadline, hasRoom: { true }) {
            segmenter, cancellation, _ in
            do throws(SegmentationError) {
                let describing = try segmenter.describe(
                    request, handle: request.picture.handle, owner: owner, cancellation: cancellation)
                return {
                    do throws(SegmentationError) {
                        guard let part = try describing.next() else {
                            replies.finish()
                            return false
                        }
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
        register(call, .queued(job.ticket), requestID: message.requestID, deadline: deadline)
        try hold(call.payload.count, on: call.stream)
        try submit(job)
    }

    /// Sends the next message of a description; the bytes count against the user's quota until the call ends.
    func send(_ message: [UInt8], on stream: UInt32) {
        guard calls[stream] != nil else { return }
        do throws(RPCStatus) {
            try holdAnswer(message.count, on: stream)
            if let bytes = try wire.send(message, on: stream) { backlog.write(bytes) }
        } catch {
            fail(stream, with: error)
        }
    }
}
