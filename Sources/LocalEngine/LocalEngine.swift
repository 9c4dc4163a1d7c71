import Glibc
package import Kernels
import Networks
package import RPC
import Results
package import Segmentation
import Server
import Synchronization

extension Engine {
    /// Loads a model for this process.
    ///
    /// - Parameters:
    ///   - served: the model, and the networks beside it
    ///   - precision: `nil`: the fastest of this processor
    ///   - cache: the folder of the digest cache, see ``Model``
    ///   - isWanted: polled while the weights are read, on any thread; `false` ends the loading
    package convenience init(
        serving served: ServedModel, precision: Precision?, threads: Int?, queueLimit: Int, cache: String?,
        while isWanted: @escaping @Sendable () -> Bool
    ) throws {
        let merges = Resources.clipMerges
        try self.init(queueLimit: queueLimit, threads: threads) {
            let contents = try ModelContents(
                served.source, clipMerges: merges, precision: precision ?? .fastest)
            for note in contents.notes { Streams.say("\(Program.name): \(Streams.printable(note))") }
            let model = try Model(contents, name: served.name, cache: cache, while: isWanted)
            let captioner = try served.captioner.map {
                try Captioner(directory: $0, precision: model.precision, cache: cache, while: isWanted)
            }
            let filter = try served.filter.map {
                try LabelFilter(
                    directory: $0, clipMerges: merges, precision: model.precision, cache: cache, while: isWanted)
            }
            try served.check(
                model: [model.hash] + model.hashAliases, captioner: captioner?.blip.hash, filter: filter?.clip.hash)
            let scratch = Segmenter.scratchBytes(model, captioner, filter)
            let limits = MemoryLimits.standard.fitting(
                scratchBytes: scratch + (filter == nil ? 0 : LabelFilter.memoryLimit))
            return try Segmenter(
                model: model, captioner: captioner, filter: filter, pictures: PictureStore(limit: limits.pictures),
                limits: limits.segmenter)
        }
    }

    /// Runs `body` on the engine's thread and waits for its result.
    ///
    /// - Throws: errors as a daemon would send them
    package func perform<Result: Sendable>(
        _ body: @escaping @Sendable (Segmenter) throws(SegmentationError) -> Result
    ) throws(RPCStatus) -> Result {
        let outcome = try Outcome<Result>()
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
            return try outcome.wait()
        } catch {
            outcome.close()
            throw RPCStatus(error)
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

/// A one-shot result that a job sets and another thread waits for.
private final class Outcome<Value: Sendable>: Sendable {
    private let result = Mutex<Result<Value, SegmentationError>>(.failure(.stopping))
    /// The reading end of a pipe: `read` blocks until the writing end is closed.
    private let reading: CInt
    private let writing: Mutex<CInt>

    init() throws(RPCStatus) {
        var ends: [CInt] = [-1, -1]
        guard unsafe pipe(&ends) == 0 else {
            throw RPCStatus(.resourceExhausted, "pipe: \(unsafe String(cString: strerror(errno)))")
        }
        for end in ends { _ = fcntl(end, F_SETFD, FD_CLOEXEC) }
        reading = ends[0]
        writing = Mutex(ends[1])
    }

    deinit { Glibc.close(reading) }

    func set(_ newResult: Result<Value, SegmentationError>) {
        result.withLock { $0 = newResult }
        close()
    }

    /// Wakes the waiting thread.
    func close() {
        writing.withLock { writing in
            if writing >= 0 { Glibc.close(writing) }
            writing = -1
        }
    }

    /// Blocks until ``set(_:)`` or ``close()``.
    func wait() throws(SegmentationError) -> Value {
        var byte: UInt8 = 0
        while unsafe read(reading, &byte, 1) < 0, errno == EINTR {}
        return try result.withLock(\.self).get()
    }
}
