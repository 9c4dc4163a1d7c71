import RPC
import Segmentation
import Server

extension Engine {
    /// Loads a model for this process.
    ///
    /// - Parameter model: its folder; `nil`: the embedded demo model
    convenience init(serving model: String?, threads: Int?, queueLimit: Int) throws {
        let directory = model ?? Resources.demoModel
        let merges = Resources.clipMerges
        try self.init(queueLimit: queueLimit, threads: threads) {
            Segmenter(model: try Model(directory: directory, clipMerges: merges), limits: .standard)
        }
    }

    /// Asks and waits for the whole answer.
    ///
    /// - Parameter cold: whether the engine forgets everything first
    func answer(_ request: SegmentationRequest, cold: Bool) throws(RPCStatus) -> [SegmentationEvent] {
        let answer = Handover<Result<[SegmentationEvent], SegmentationError>>()
        do throws(SegmentationError) {
            try submit(
                Job(owner: 0, requestID: "", deadline: nil) { segmenter, cancellation, waited in
                    if cold { segmenter.forget() }
                    var events: [SegmentationEvent] = []
                    do throws(SegmentationError) {
                        try segmenter.segment(
                            request, owner: 0, cancellation: cancellation, queueMilliseconds: waited
                        ) { events.append($0) }
                        answer.give(.success(events))
                    } catch {
                        answer.give(.failure(error))
                    }
                })
            return try answer.take().get()
        } catch {
            throw RPCStatus(error)
        }
    }
}
