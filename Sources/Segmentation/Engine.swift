import Glibc
import Kernels
import Networks

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
/// Jobs wait in a bounded queue, by users and connections in turn, and run one at a time; a full queue refuses at once.
/// A job that is cancelled leaves the queue with all it holds.
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

    private let mutex: UnsafeMutablePointer<pthread_mutex_t>
    private let changed: UnsafeMutablePointer<pthread_cond_t>
    private let queueLimit: Int
    private let load: @Sendable () throws -> Segmenter
    private var phase = Phase.loading
    private var queue = FairQueue<Waiting>()
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

    /// Lets a job wait for its turn; in a full queue whoever has most there gives way to whoever has less.
    ///
    /// - Throws: `queueFull`, `stopping`
    package func submit(_ job: Job) throws(SegmentationError) {
        let outcome = locked { () -> Result<Waiting?, SegmentationError> in
            guard phase == .serving else { return .failure(.stopping) }
            var displaced: Waiting?
            if queue.count >= queueLimit {
                known?.refused += 1
                displaced = queue.makeRoom(for: job.caller)
                if displaced == nil { return .failure(.queueFull(limit: queueLimit)) }
            }
            queue.append(Waiting(job: job, since: .now), from: job.caller)
            unsafe pthread_cond_broadcast(changed)
            return .success(displaced)
        }
        try outcome.get()?.job.refuse(.displaced(limit: queueLimit))
    }

    /// Stops a job, wherever it is: one that waits leaves the queue, unless it has left it already, one that runs ends
    /// at its next layer.
    ///
    /// - Returns: the job that waited, for whoever lets go of what it holds
    package func withdraw(_ ticket: Job.Ticket) -> Job? {
        ticket.cancellation.cancel()
        return locked { queue.removeAll { $0.job.cancellation === ticket.cancellation } }.first?.job
    }

    /// Cancels the owner's jobs of that name, waiting or running; returns how many. The empty name is none,
    /// and a job that was cancelled before does not count.
    package func cancel(_ requestID: String, owner: UInt32) -> Int {
        guard !requestID.isEmpty else { return 0 }
        return cancel { $0.caller.owner == owner && $0.requestID.utf8.elementsEqual(requestID.utf8) }
    }

    /// Cancels everything that waits or runs.
    package func cancelAll() {
        _ = cancel { _ in true }
    }

    private func cancel(where isMeant: (Job) -> Bool) -> Int {
        var running: Job?
        let waiting = locked {
            running = self.running
            return queue.removeAll { isMeant($0.job) }
        }
        var count = 0
        for waiting in waiting {
            if waiting.job.cancellation.cancel() { count += 1 }
            waiting.job.refuse(.cancelled)
        }
        if let running, isMeant(running), running.cancellation.cancel() { count += 1 }
        return count
    }

    /// Never waits for a job.
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
            guard let first = queue.popFirst() else { return .end }
            running = first.job
            return .run(first)
        }
    }
}
