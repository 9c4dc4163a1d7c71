import NIOCore
import RPC
import Segmentation

/// `Look`: a picture comes in pieces.
extension Connection {
    func openLook(_ call: ServerConnection.Call) throws(RPCStatus) {
        var upload = Upload(pace: Pace(service.limits), deadline: call.timeout.map { ContinuousClock.now + $0 })
        upload.alarm = uploadAlarm(call.stream, at: upload.pace.deadline)
        register(call, .receiving(upload), requestID: "", deadline: upload.deadline)
    }

    /// The next piece of a picture.
    func received(_ message: [UInt8], on stream: UInt32) {
        do throws(RPCStatus) {
            guard case .receiving(var upload)? = calls[stream]?.state else { return }
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
            upload.file.append(piece)
            upload.pace.add(piece.count, service.limits)
            calls[stream]?.state = .receiving(upload)
        } catch {
            fail(stream, with: error)
        }
    }

    /// Fails an upload that comes too slowly.
    private func uploadAlarm(_ stream: UInt32, at deadline: NIODeadline) -> Scheduled<Void> {
        eventLoop.assumeIsolated().scheduleTask(deadline: deadline) {
            guard case .receiving(var upload)? = self.calls[stream]?.state else { return }
            guard .now() >= upload.pace.deadline else {
                upload.alarm = self.uploadAlarm(stream, at: upload.pace.deadline)
                self.calls[stream]?.state = .receiving(upload)
                return
            }
            let limits = self.service.limits
            self.fail(
                stream,
                with: RPCStatus(
                    .deadlineExceeded,
                    """
                    \(upload.pace.bytes) bytes of a picture in \(self.calls[stream]?.milliseconds ?? 0) ms, too few in \
                    the last \(limits.grace.nanoseconds / 1_000_000): send at least \(limits.bytesPerSecond) a second.
                    """))
        }
    }

    /// The picture is complete.
    func look(_ stream: UInt32) {
        guard case .receiving(let upload)? = calls[stream]?.state else { return }
        upload.alarm?.cancel()
        let replies = ReplyStream(self, stream: stream)
        let (file, owner) = (upload.file, owner)
        let job = Job(caller: caller, deadline: upload.deadline) { segmenter, cancellation, _ in
            do throws(SegmentationError) {
                let looked = try segmenter.look(at: file.joined(), owner: owner, cancellation: cancellation)
                replies.reply(LookReply(looked).encoded())
            } catch {
                replies.fail(RPCStatus(error))
            }
        } refuse: {
            replies.fail(RPCStatus($0))
        }
        calls[stream]?.state = .queued(job.ticket)
        do throws(RPCStatus) {
            try submit(job)
        } catch {
            fail(stream, with: error)
        }
    }
}
