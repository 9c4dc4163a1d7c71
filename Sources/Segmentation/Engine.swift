import Glibc
import Kernels
import Networks

/// A snapshot of the engine's state, taken without waiting for the job that runs.
package struct EngineStatus: Sendable {
    /// What is loaded: the model first, then the networks beside it.
    package let models: [LoadedModel]
    /// Computing threads, the engine's own included.
    package let threads: Int
    package var segmenter: LoadedModel { models[0] }
    package let instructionSet: String
    package let blas: String
    package let latentSizes: LatentSizes
    package let limits: MemoryLimits
    /// Bytes of prompts and of texts that may be cached.
    package let wordsLimit: Int
    package var memory: Memory
    package var queued: Int
    package let queueLimit: Int
    package var finished: Int
    package var refused: Int
}

/// A model, or a network beside it, in memory.
package struct LoadedModel: Sendable {
    package enum Role: String, Sendable {
        case segmenter, captioner, filter
    }

    package let role: Role
    package let name: String
    /// SHA-256 over all files that it was read from.
    package let hash: String
    /// Of weights.
    package let bytes: Int
    /// Arithmetic of products with weights.
    package let precision: String
}

/// The one thread that computes. Swift's cooperative pool would be blocked by it: a pass takes seconds.
///
/// Jobs wait in a bounded queue, round-robin by users and connections, and run one at a time; a full queue refuses at
/// once. A job whose client reads too slowly is parked until there is room for its next step (backpressure), and a long
/// one yields its turn between steps. A withdrawn job is released with everything it holds.
///
/// `@unchecked Sendable`: every stored property is a constant, or is read and written only while `mutex` is locked;
/// the segmenter is created on the engine's thread, never leaves it, and is seen by jobs only there.
@safe package final class Engine: @unchecked Sendable {
    private enum Phase {
        case loading
        case serving
        case draining
        case stopped
    }

    /// Address space in bytes for thread stacks and a model's configuration files.
    private static let startingBytes = 128 << 20
    /// The stack of a thread, as the C library makes it, and as much again for its heap.
    private static let stackBytes = 16 << 20

    private let mutex: UnsafeMutablePointer<pthread_mutex_t>
    private let changed: UnsafeMutablePointer<pthread_cond_t>
    private let load: @Sendable () throws -> Segmenter
    private var phase = Phase.loading
    private var queue: JobQueue
    private var loadingError: (any Error)?
    private var known: EngineStatus?

    /// Starts the thread, which loads the model first, and waits until it has.
    ///
    /// - Parameters:
    ///   - queueLimit: how many jobs may wait
    ///   - threads: how many compute; `nil`: one for each processor that this process may use
    ///   - load: makes the segmenter, on the engine's thread
    /// - Throws: what `load` throws; `AddressSpaceError` and `InstructionSetError` before it is called
    package init(queueLimit: Int, threads: Int?, load: @escaping @Sendable () throws -> Segmenter) throws {
        try AddressSpace.require(Self.startingBytes, for: "starting")
        unsafe mutex = .allocate(capacity: 1)
        unsafe changed = .allocate(capacity: 1)
        unsafe pthread_mutex_init(mutex, nil)
        var attributes = pthread_condattr_t()
        unsafe pthread_condattr_init(&attributes)
        unsafe pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC)
        unsafe pthread_cond_init(changed, &attributes)
        unsafe pthread_condattr_destroy(&attributes)
        queue = JobQueue(limit: queueLimit)
        self.load = load
        try Threads.start(threads)
        try BLAS.reserve()
        Heap.returnLargeBlocks()
        try AddressSpace.require(Self.stackBytes, for: "the engine's thread")
        let engine = unsafe Unmanaged.passRetained(self)
        var thread = pthread_t()
        let code = unsafe pthread_create(
            &thread, nil,
            { context in
                guard let context = unsafe context else { return nil }
                unsafe Unmanaged<Engine>.fromOpaque(context).takeRetainedValue().main()
                return nil
            }, unsafe engine.toOpaque())
        precondition(code == 0, "pthread_create: errno \(code)")
        pthread_detach(thread)
        let error = locked { () -> (any Error)? in
            while phase == .loading { unsafe pthread_cond_wait(changed, mutex) }
            return loadingError
        }
        if let error { throw error }
    }

    deinit {
        unsafe pthread_cond_destroy(changed)
        unsafe pthread_mutex_destroy(mutex)
        unsafe changed.deallocate()
        unsafe mutex.deallocate()
    }

    /// Enqueues a job. In a full queue the caller with most jobs loses its newest to a caller with fewer (longest queue
    /// drop).
    ///
    /// - Throws: `queueFull`, `stopping`
    package func submit(_ job: Job) throws(SegmentationError) {
        let outcome = locked { () -> Result<Job?, SegmentationError> in
            guard phase == .serving else { return .failure(.stopping) }
            let isFull = queue.count >= queue.limit
            let displaced = Result { () throws(SegmentationError) in try queue.append(job, at: .now) }
            if isFull { known?.refused += 1 }
            unsafe pthread_cond_broadcast(changed)
            return displaced
        }
        try outcome.get()?.refuse(.displaced(limit: queue.limit))
    }

    /// Stops a job, wherever it is: one that waits leaves the queue, one that runs ends at its next layer.
    ///
    /// - Returns: the job, if it was waiting: release it outside of the engine's lock
    package func withdraw(_ ticket: Job.Ticket) -> Job? {
        ticket.cancellation.cancel()
        return locked {
            defer { unsafe pthread_cond_broadcast(changed) }
            return queue.withdraw(ticket)
        }
    }

    /// Moves a parked job back to the queue: there is room for its next step. Does nothing to any other job.
    package func resume(_ ticket: Job.Ticket) {
        locked {
            queue.resume(ticket)
            unsafe pthread_cond_broadcast(changed)
        }
    }

    /// Does not wait for the job that runs; `nil` until the model is loaded.
    package var status: EngineStatus? {
        locked {
            var status = known
            status?.queued = queue.count
            return status
        }
    }

    /// Refuses new jobs and returns when those that were accepted are done.
    package func drain() {
        locked {
            if phase == .serving { phase = .draining }
            unsafe pthread_cond_broadcast(changed)
            while phase != .stopped { unsafe pthread_cond_wait(changed, mutex) }
        }
    }

    /// Returns freed memory that the allocator keeps to the system (`malloc_trim`); blocks its thread for milliseconds.
    package static func releaseFreedMemory() {
        Heap.trim()
    }

    private func locked<Result>(_ body: () -> Result) -> Result {
        unsafe pthread_mutex_lock(mutex)
        defer { unsafe pthread_mutex_unlock(mutex) }
        return body()
    }

    private func main() {
        do {
            let segmenter = try load()
            locked {
                known = EngineStatus(
                    models: segmenter.loaded, threads: Threads.count, instructionSet: InstructionSet.chosen.rawValue,
                    blas: BLAS.name, latentSizes: segmenter.model.latentSizes,
                    limits: MemoryLimits(pictures: segmenter.pictures.limit, segmenter: segmenter.limits),
                    wordsLimit: segmenter.limits.words + (segmenter.filter == nil ? 0 : LabelFilter.memoryLimit),
                    memory: segmenter.memory, queued: 0, queueLimit: queue.limit, finished: 0, refused: 0)
                enter(.serving)
            }
            serve(segmenter)
        } catch {
            locked { loadingError = error }
        }
        locked { enter(.stopped) }
    }

    private func enter(_ next: Phase) {
        phase = next
        unsafe pthread_cond_broadcast(changed)
    }

    private func serve(_ segmenter: Segmenter) {
        // The continuations of jobs that have begun.
        var begun: [ObjectIdentifier: Job.Continuation] = [:]
        while let turn = nextTurn(or: segmenter.rest) {
            switch turn {
            case .forget(let withdrawn):
                for ticket in withdrawn { begun[ticket.id] = nil }
            case .run(let entry):
                begun[entry.id] = run(entry, begun.removeValue(forKey: entry.id), segmenter)
            }
        }
    }

    /// Gives a job its turn.
    ///
    /// - Parameter continuation: of a job that has had a turn; `nil`: this is its first
    /// - Returns: the continuation after the turn; `nil`: the job is done
    private func run(
        _ entry: JobQueue.Entry, _ continuation: Job.Continuation?, _ segmenter: Segmenter
    ) -> Job.Continuation? {
        let start = ContinuousClock.now
        let job = entry.job
        var rest =
            continuation
            ?? job.begin(segmenter, job.cancellation, entry.since.duration(to: start).milliseconds)
        while let step = rest, job.hasRoom(),
            start.duration(to: .now) < Self.longestTurn || !locked({ queue.hasTurn })
        {
            if !step() { rest = nil }
        }
        let memory = segmenter.memory
        locked {
            known?.memory = memory
            if rest == nil { known?.finished += 1 } else { queue.putBack(entry) }
        }
        return rest
    }

    /// Seconds without a job after which scratch memory goes back to the system. It is kept until then, since the next
    /// request would fault its pages in again, zeroed by the kernel (0.1 s and more for a pass).
    private static let restAfter = 5

    /// The time after which a job yields to others that wait: longer than a new picture with twenty words takes.
    private static let longestTurn = Duration.seconds(10)

    /// Waits for the next turn and dequeues it under the same lock: a later `withdraw` finds its job begun.
    ///
    /// - Parameter rest: called after ``restAfter`` seconds without a turn
    /// - Returns: `nil` when the engine drains and all jobs are done
    private func nextTurn(or rest: () -> Void) -> JobQueue.Turn? {
        var end = timespec()
        unsafe clock_gettime(CLOCK_MONOTONIC, &end)
        end.tv_sec += Self.restAfter
        var hasRested = false
        while true {
            let (turn, isTimeToRest) = locked { () -> (JobQueue.Turn?, Bool) in
                while !queue.hasTurn && (phase == .serving || !queue.isDone) {
                    if hasRested {
                        unsafe pthread_cond_wait(changed, mutex)
                    } else if unsafe pthread_cond_timedwait(changed, mutex, &end) == ETIMEDOUT {
                        return (nil, true)
                    }
                }
                return (queue.next(), false)
            }
            guard isTimeToRest else { return turn }
            rest()
            hasRested = true
        }
    }
}
