import Kernels
import RPC
import Segmentation
import Server
import Synchronization

extension Engine {
    /// Loads a model for this process.
    ///
    /// - Parameters:
    ///   - model: its folder; `nil`: the embedded demo model
    ///   - precision: `nil`: the fastest of this processor
    ///   - cache: as ``Model`` takes it
    ///   - isWanted: asked again and again while the weights are read, on any thread
    convenience init(
        serving model: String?, precision: Precision?, threads: Int?, queueLimit: Int, cache: String?,
        while isWanted: @escaping @Sendable () -> Bool
    ) throws {
        let directory = model ?? Resources.demoModel
        let merges = Resources.clipMerges
        try self.init(queueLimit: queueLimit, threads: threads) {
            let model = try Model(
                directory: directory, clipMerges: merges, precision: precision ?? .fastest, cache: cache,
                while: isWanted)
            return try Segmenter(model: model, limits: .standard)
        }
    }

    /// Does one last thing on the engine's thread, and returns its result when the engine has stopped.
    ///
    /// - Throws: errors as a daemon would send them
    func finish<Result: Sendable>(
        with body: @escaping @Sendable (Segmenter) throws(SegmentationError) -> Result
    ) throws(RPCStatus) -> Result {
        let outcome = Outcome<Result>()
        do throws(SegmentationError) {
            try submit(
                Job(caller: Caller(owner: 0, connection: 0), deadline: nil) { segmenter, _, _ in
                    do throws(SegmentationError) {
                        outcome.set(.success(try body(segmenter)))
                    } catch {
                        outcome.set(.failure(error))
                    }
                } refuse: {
                    outcome.set(.failure($0))
                })
            drain()
            return try outcome.get()
        } catch {
            throw RPCStatus(error)
        }
    }
}

/// What a job leaves for the thread that waits for it.
private final class Outcome<Value: Sendable>: Sendable {
    private let result = Mutex<Result<Value, SegmentationError>>(.failure(.stopping))

    func set(_ newResult: Result<Value, SegmentationError>) {
        result.withLock { $0 = newResult }
    }

    func get() throws(SegmentationError) -> Value {
        try result.withLock(\.self).get()
    }
}
