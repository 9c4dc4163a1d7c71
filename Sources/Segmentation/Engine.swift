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
    /// Of a score map on the latent grid.
    package let mapBytes: Int
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
/// One whose reader takes too little waits beside the queue until there is room for its next step, and one that runs
/// for long gives others their turn. A job that is withdrawn leaves with all it holds.
///
/// `@unchecked Sendable`: every stored property is a constant, or is read and written only while `mutex` is locked;
/// the segmenter is created on the engine's thread, never leaves it, and is seen by jobs only there.
@safe package final class Engine: @unchecked Sendable {
    private struct Waiting {
        let job: Job
        let since: ContinuousClock.Instant
        var hasBegun = false

        var id: ObjectIdentifier { ObjectIdentifier(job.cancellation) }
    }

    private enum Phase {
        case loading
        case serving
        case draining
        case stopped
    }

    /// For threads, and for reading a model's configuration.
    private static let startingBytes = 128 << 20

    private let mutex: UnsafeMutablePointer<pthread_mutex_t>
    private let changed: UnsafeMutablePointer<pthread_cond_t>
    private let queueLimit: Int
    private let load: @Sendable () throws -> Segmenter
    private var phase = Phase.loading
    private var queue = FairQueue<Waiting>()
    /// Jobs that have begun and wait for room.
    private var parked: [ObjectIdentifier: Waiting] = [:]
    /// Jobs that were withdrawn after they had begun.
    private var withdrawn: Set<ObjectIdentifier> = []
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
        try AddressSpace.require(Self.startingBytes, for: "starting")
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
        Heap.returnLargeBlocks()
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
                displaced = queue.makeRoom(for: job.caller) { !$0.hasBegun }
                if displaced == nil { return .failure(.queueFull(limit: queueLimit)) }
            }
            queue.append(Waiting(job: job, since: .now), from: job.caller)
            unsafe pthread_cond_broadcast(changed)
            return .success(displaced)
        }
        try outcome.get()?.job.refuse(.displaced(limit: queueLimit))
    }

    /// Stops a job, wherever it is: one that waits leaves the queue, one that runs ends at its next layer.
    ///
    /// - Returns: the job that waited, for whoever lets go of what it holds
    package func withdraw(_ ticket: Job.Ticket) -> Job? {
        ticket.cancellation.cancel()
        let id = ObjectIdentifier(ticket.cancellation)
        return locked {
            let waiting = parked.removeValue(forKey: id) ?? queue.removeAll { $0.id == id }.first
            if waiting?.hasBegun == true {
                withdrawn.insert(id)
                unsafe pthread_cond_broadcast(changed)
            }
            return waiting?.job
        }
    }

    /// Lets a job that waits for room go on, if it does: there is some.
    package func resume(_ ticket: Job.Ticket) {
        locked {
            guard let waiting = parked.removeValue(forKey: ObjectIdentifier(ticket.cancellation)) else { return }
            queue.putBack(waiting, from: waiting.job.caller)
            unsafe pthread_cond_broadcast(changed)
        }
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

    /// Gives the system what the allocator keeps of freed memory; on any thread, which it holds for milliseconds.
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
                    model: segmenter.model.name, modelHash: segmenter.model.hash,
                    modelBytes: segmenter.model.weightBytes, precision: segmenter.model.precision.rawValue,
                    threads: Threads.count, instructionSet: InstructionSet.chosen.rawValue,
                    mapBytes: segmenter.mapBytes, limits: segmenter.limits, memory: segmenter.memory, queued: 0,
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
        // What is left of jobs that have begun.
        var begun: [ObjectIdentifier: Job.Continuation] = [:]
        var turn = next(hasRested: true)
        while true {
            switch turn {
            case .end: return
            case .rest:
                segmenter.rest()
                turn = next(hasRested: true)
            case .forget(let withdrawn):
                for id in withdrawn { begun[id] = nil }
                turn = next(hasRested: false)
            case .run(let waiting):
                let continuation = begun.removeValue(forKey: waiting.id)
                begun[waiting.id] = run(waiting, continuation, segmenter)
                turn = next(hasRested: false)
            }
        }
    }

    /// Gives a job its turn.
    ///
    /// - Parameter continuation: what is left of it; `nil`: it begins
    /// - Returns: what is left after the turn
    private func run(
        _ waiting: Waiting, _ continuation: Job.Continuation?, _ segmenter: Segmenter
    ) -> Job.Continuation? {
        let start = ContinuousClock.now
        let job = waiting.job
        var rest = continuation
            ?? job.begin(segmenter, job.cancellation, waiting.since.duration(to: start).milliseconds)
        while let step = rest, job.hasRoom(), start.duration(to: .now) < Self.longestTurn || locked({ queue.isEmpty }) {
            if !step() { rest = nil }
        }
        let memory = segmenter.memory
        locked {
            known?.memory = memory
            if rest == nil { known?.finished += 1 } else { leave(waiting) }
        }
        return rest
    }

    /// Lets a job that has begun wait, unless it was withdrawn meanwhile.
    private func leave(_ waiting: Waiting) {
        var waiting = waiting
        waiting.hasBegun = true
        if waiting.job.cancellation.isCancelled {
            withdrawn.insert(waiting.id)
        } else if waiting.job.hasRoom() {
            queue.putBack(waiting, from: waiting.job.caller)
        } else {
            // Whoever makes room from here on finds the job here, and resumes it.
            parked[waiting.id] = waiting
        }
    }

    private enum Turn {
        case run(Waiting)
        /// Nothing came for a while: scratch memory may go back.
        case rest
        /// Nothing is left to do of these jobs.
        case forget(Set<ObjectIdentifier>)
        /// Nothing waits, and nothing will.
        case end
    }

    /// Seconds without a job after which scratch memory goes back: a question that follows another finds it in place,
    /// and the system need not clear it again (0.1 s and more for a pass).
    private static let restAfter = 5

    /// After which a job that could go on gives others their turn: longer than a picture and twenty words take.
    private static let longestTurn = Duration.seconds(10)

    /// Waits for what to do next.
    private func next(hasRested: Bool) -> Turn {
        var end = timespec()
        unsafe clock_gettime(CLOCK_MONOTONIC, &end)
        end.tv_sec += Self.restAfter
        return locked {
            while queue.isEmpty && withdrawn.isEmpty && (phase == .serving || !parked.isEmpty) {
                if hasRested {
                    unsafe pthread_cond_wait(changed, mutex)
                } else if unsafe pthread_cond_timedwait(changed, mutex, &end) == ETIMEDOUT {
                    return .rest
                }
            }
            if !withdrawn.isEmpty {
                defer { withdrawn = [] }
                return .forget(withdrawn)
            }
            return queue.popFirst().map(Turn.run) ?? .end
        }
    }
}
