import Synchronization
package import Texts

/// Jobs of this process that the thread which submits them waits for.
extension Engine {
    /// Loads the model of requests that name none, and waits until it is loaded.
    ///
    /// - Parameters:
    ///   - keepAlive, progress: as of a job
    /// - Throws: `notLoaded`, `unknownModel`
    package func loadStandardModel(
        keepAlive: KeepAlive?, progress: (@Sendable (LoadingState) -> Void)?
    ) throws(SegmentationError) {
        try result(by: .kept(model(named: ""), keepAlive: keepAlive, progress: progress)) {
            _ throws(SegmentationError) in
        }
    }

    /// Has a model loaded, and does not wait for it.
    ///
    /// - Parameter done: called once, on any thread, when it is loaded or cannot be
    package func load(_ name: String, done: @escaping @Sendable () -> Void) {
        do throws(SegmentationError) {
            let use = ModelUse.kept(try model(named: name), keepAlive: nil, progress: nil)
            try submit(
                Job(caller: Caller(owner: Caller.ownUser, connection: 0), needing: use, deadline: nil) { _, _, _ in
                    done()
                } refuse: { _ in
                    done()
                })
        } catch {
            done()
        }
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
            Job(caller: Caller(owner: Caller.ownUser, connection: 0), needing: model, deadline: nil) {
                segmenter, _, _ in
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
