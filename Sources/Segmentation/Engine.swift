import Glibc
import Kernels
package import Networks

/// Something to compute: who asked, how to stop it, and what to do on the engine's thread.
package struct Job: Sendable {
    package let owner: UInt32
    /// The client's name for it; empty: none.
    package let requestID: String
    let cancellation: Cancellation
    /// Runs on the engine's thread, with the milliseconds that the job waited.
    let run: @Sendable (Segmenter, Cancellation, Float) -> Void

    /// - Parameter deadline: when the answer has become useless; `nil`: never
    package init(
        owner: UInt32, requestID: String, deadline: ContinuousClock.Instant?,
        run: @escaping @Sendable (Segmenter, Cancellation, Float) -> Void
    ) {
        self.owner = owner
        self.requestID = requestID
        self.run = run
        cancellation = Cancellation(deadline: deadline)
    }

    /// Its work ends at the next layer.
    package func cancel() {
        cancellation.cancel()
    }
}

/// What the engine tells of itself, without waiting for the job that runs.
package struct EngineStatus: Sendable {
    package let model: String
    package let modelHash: String
    package let modelBytes: Int
    package let precision: String
    /// That compute, the engine's own among them.
    package let threads: Int
    package let instructionSet: String
    package let limits: MemoryLimits
    package var memory: Memory
    package var queued: Int
    package let queueLimit: Int
    package var finished: Int
    package var refused: Int
}

/// The one thread that computes. Swift's cooperative pool never does: a pass takes seconds.
///
/// Jobs wait in a bounded queue and run one at a time, in the order they came; a full queue refuses at once.
///
/// `@unchecked Sendable`: every stored property is a constant, or is read and written only while `mutex` is locked;
/// the segmenter is created on the engine's thread, never leaves it, and is seen by jobs only there.
@safe package final class Engine: @unchecked Sendable {
    private struct Waiting {
        let job: Job
        let since: ContinuousClock.Instant
    }

    private enum Phase {
        case loading
        case serving
        case draining
        case stopped
    }

    /// How many queues' worth of jobs may wait for their turn only to say that they were cancelled.
    private static let backlog = 8

    private let mutex: UnsafeMutablePointer<pthread_mutex_t>
    private let changed: UnsafeMutablePointer<pthread_cond_t>
    private let queueLimit: Int
    private let load: @Sendable () throws -> Segmenter
    private var phase = Phase.loading
    private var queue: [Waiting] = []
    private var running: Job?
    private var loadingError: (any Error)?
    private var known: EngineStatus?

    /// Starts the thread, which loads the model first, and waits until it has.
    ///
    /// - Parameters:
    ///   - queueLimit: how many jobs may wait
    ///   - threads: that compute; `nil`: as many as this process may use processors
    ///   - load: makes the segmenter, on the engine's thread
    /// - Throws: what `load` throws
    package init(queueLimit: Int, threads: Int?, load: @escaping @Sendable () throws -> Segmenter) throws {
        unsafe mutex = .allocate(capacity: 1)
        unsafe changed = .allocate(capacity: 1)
        unsafe pthread_mutex_init(mutex, nil)
        var attributes = pthread_condattr_t()
        unsafe pthread_condattr_init(&attributes)
        unsafe pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC)
        unsafe pthread_cond_init(changed, &attributes)
        unsafe pthread_condattr_destroy(&attributes)
        self.queueLimit = queueLimit
        self.load = load
        try Threads.start(threads)
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

    /// Lets a job wait for its turn.
    ///
    /// - Throws: `queueFull`, `stopping`
    package func submit(_ job: Job) throws(SegmentationError) {
        let refusal = locked { () -> SegmentationError? in
            guard phase == .serving else { return .stopping }
            let waiting = queue.count { !$0.job.cancellation.isCancelled }
            guard waiting < queueLimit, queue.count < Self.backlog * queueLimit else {
                known?.refused += 1
                return .queueFull(limit: queueLimit)
            }
            queue.append(Waiting(job: job, since: .now))
            unsafe pthread_cond_broadcast(changed)
            return nil
        }
        if let refusal { throw refusal }
    }

    /// Cancels the owner's jobs of that name, waiting or running; returns how many. The empty name is none,
    /// and a job that was cancelled before does not count.
    package func cancel(_ requestID: String, owner: UInt32) -> Int {
        guard !requestID.isEmpty else { return 0 }
        return locked {
            let jobs = (queue.map(\.job) + [running].compactMap(\.self))
                .filter { $0.owner == owner && $0.requestID == requestID }
            return jobs.count { $0.cancellation.cancel() }
        }
    }

    /// Never waits for a job.
    package var status: EngineStatus? {
        locked {
            var status = known
            status?.queued = queue.count { !$0.job.cancellation.isCancelled }
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

    /// Cancels everything that waits or runs.
    package func cancelAll() {
        locked {
            for waiting in queue { waiting.job.cancellation.cancel() }
            running?.cancellation.cancel()
        }
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
                    model: segmenter.model.name, modelHash: segmenter.model.hash,
                    modelBytes: segmenter.model.weightBytes, precision: segmenter.model.precision.rawValue,
                    threads: Threads.count, instructionSet: InstructionSet.chosen.rawValue,
                    limits: segmenter.limits, memory: segmenter.memory, queued: 0,
                    queueLimit: queueLimit, finished: 0, refused: 0)
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
        var turn = next(hasRested: true)
        while true {
            switch turn {
            case .end: return
            case .rest:
                segmenter.rest()
                turn = next(hasRested: true)
            case .run(let waiting):
                waiting.job.run(
                    segmenter, waiting.job.cancellation,
                    waiting.since.duration(to: .now).milliseconds)
                let memory = segmenter.memory
                locked {
                    running = nil
                    known?.memory = memory
                    known?.finished += 1
                }
                turn = next(hasRested: false)
            }
        }
    }

    private enum Turn {
        case run(Waiting)
        /// Nothing came for a while: scratch memory may go back.
        case rest
        /// Nothing waits, and nothing will.
        case end
    }

    /// Seconds without a job after which scratch memory goes back: a question that follows another finds it in place,
    /// and the system need not clear it again (0.1 s and more for a pass).
    private static let restAfter = 5

    /// Waits for what to do next.
    private func next(hasRested: Bool) -> Turn {
        var end = timespec()
        unsafe clock_gettime(CLOCK_MONOTONIC, &end)
        end.tv_sec += Self.restAfter
        return locked {
            while queue.isEmpty && phase == .serving {
                if hasRested {
                    unsafe pthread_cond_wait(changed, mutex)
                } else if unsafe pthread_cond_timedwait(changed, mutex, &end) == ETIMEDOUT {
                    return .rest
                }
            }
            guard !queue.isEmpty else { return .end }
            let first = queue.removeFirst()
            running = first.job
            return .run(first)
        }
    }
}
