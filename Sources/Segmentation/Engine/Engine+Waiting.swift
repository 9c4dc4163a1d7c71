import Synchronization
package import Texts

/// Jobs of this process that the thread which submits them waits for.
extension Engine {
    /// Loads the model of requests that name none, and waits until it is loaded.
    ///
    /// - Parameter keepAlive: as of a job
    /// - Throws: `notLoaded`, `unknownModel`
    package func loadStandardModel(keepAlive: KeepAlive?) throws(SegmentationError) {
        try result(by: .kept(model(named: ""), keepAlive: keepAlive, progress: nil)) { _ throws(SegmentationError) in }
    }

    /// Runs `body` on the computing thread, with the model of requests that name none, and waits for its result.
    package func result<Value: Sendable>(
        of body: @escaping @Sendable (Segmenter) throws(SegmentationError) -> Value
    ) throws(SegmentationError) -> Value {
        try result(by: .needed(model(named: ""), keepAlive: nil, progress: nil), of: body)
    }

    private func result<Value: Sendable>(
        by model: ModelUse, of body: @escaping @Sendable (Segmenter) throws(SegmentationError) -> Value
    ) throws(SegmentationError) -> Value {
        let outcome = Outcome<Value>()
        @Sendable func end(_ result: Result<Value, SegmentationError>) {
            outcome.value.withLock { $0 = result }
            locked { wake() }
        }
        try submit(
            Job(caller: Caller(owner: 0, connection: 0), needing: model, deadline: nil) { segmenter, _, _ in
                end(Result { () throws(SegmentationError) in try body(segmenter) })
            } refuse: {
                end(.failure($0))
            })
        return try locked { () -> Result<Value, SegmentationError> in
            while true {
                if let result = outcome.value.withLock(\.self) { return result }
                wait()
            }
        }.get()
    }
}

/// A result that a job sets once.
private final class Outcome<Value: Sendable>: Sendable {
    let value = Mutex<Result<Value, SegmentationError>?>(nil)
}
