package import RPC
package import Segmentation
import Server
import Texts

extension Engine {
    /// An engine of one model for this process alone, which is loaded before this returns.
    ///
    /// - Throws: ``UnusableModel``; why the engine itself cannot start
    package convenience init(serving model: ServedModel, threads: Int?, _ options: LoadingOptions) throws {
        try self.init(.ofOneModel, threads: threads, catalogue: OneModel(model, options)) { _ in }
        do throws(SegmentationError) {
            try loadStandardModel(keepAlive: .forever, progress: nil)
        } catch .notLoaded(let failure) {
            throw UnusableModel(reason: failure.reason)
        }
    }

    /// Runs `body` on the engine's thread and waits for its result.
    ///
    /// - Throws: errors as a daemon would send them
    package func perform<Result: Sendable>(
        _ body: @escaping @Sendable (Segmenter) throws(SegmentationError) -> Result
    ) throws(RPCStatus) -> Result {
        do throws(SegmentationError) {
            return try result(of: body)
        } catch {
            throw RPCStatus(error)
        }
    }

    /// Answers a question, all of it before this returns.
    ///
    /// - Returns: what a daemon would send, or why it could not
    package func replies(
        to question: SegmentationRequest, encoding: Encoding
    ) throws(RPCStatus) -> [Result<SegmentReply, RPCStatus>] {
        try perform { segmenter throws(SegmentationError) in
            var replies: [Result<SegmentReply, RPCStatus>] = []
            // Encoded one by one, for score maps of the picture's size take too much memory as they are.
            try segmenter.answer(question) { event in
                replies.append(Result { () throws(RPCStatus) in try SegmentReply(event, encoding: encoding) })
            }
            return replies
        }
    }

    /// Runs `body` on the engine's thread, then drains the engine, and returns the result.
    ///
    /// - Throws: errors as a daemon would send them
    package func finish<Result: Sendable>(
        with body: @escaping @Sendable (Segmenter) throws(SegmentationError) -> Result
    ) throws(RPCStatus) -> Result {
        let result = try perform(body)
        drain()
        return result
    }
}

extension EngineLimits {
    /// For a program that answers its own requests: the system alone limits its memory.
    fileprivate static let ofOneModel = EngineLimits(queue: 1, memory: 1 << 50, keepAlive: .forever)
}
