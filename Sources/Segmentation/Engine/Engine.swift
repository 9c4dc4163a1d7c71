import Glibc
import Kernels
import Networks
import Synchronization
package import Texts

/// What an engine may take, and how long it keeps what it has.
package struct EngineLimits: Sendable {
    /// How many jobs may wait.
    package let queue: Int
    /// Bytes that weights, scratch memory and caches may take.
    package let memory: Int
    /// How long models are kept for jobs that do not say it.
    package let keepAlive: KeepAlive

    package init(queue: Int, memory: Int, keepAlive: KeepAlive) {
        self.queue = queue
        self.memory = memory
        self.keepAlive = keepAlive
    }
}

/// The one thread that computes, and the one that loads models. Swift's cooperative pool would be blocked by either: a
/// pass takes seconds.
///
///     submit ──► JobQueue ──────────────► computing thread: segmenters, caches
///                   │ a cold model's job        ▲
///                   └──► loading thread ────────┘ a pipeline
///
/// Jobs wait in a bounded queue, round-robin by users and connections, and run one at a time; a full queue refuses at
/// once. A job whose model is not loaded waits until it is, while others go on. A job whose client reads too slowly is
/// parked until there is room for its next step (backpressure), and a long one yields its turn between steps. A
/// withdrawn job is released with everything it holds; a model that nobody waits for any longer is not loaded further.
///
/// `@unchecked Sendable`: every stored property is a constant, or is read and written only while `mutex` is locked.
/// Segmenters and the workspace are created on the computing thread, never leave it, and are seen by jobs only there. A
/// pipeline is made on the loading thread, which gives it away with its only reference, under the mutex.
@safe package final class Engine: @unchecked Sendable {
    enum Phase {
        case starting
        case serving
        case draining
        case stopped
    }

    /// A model that was read and waits for the computing thread.
    struct Arrival {
        let key: ModelKey
        /// When its loading began.
        let began: SuspendingClock.Instant
        let pipeline: Pipeline
    }

    /// Those who wait until models have left.
    struct Farewell {
        var models: Set<ModelKey>
        let done: @Sendable () -> Void
    }

    /// Address space in bytes for thread stacks and a model's configuration files.
    private static let startingBytes = 128 << 20
    /// The stacks of two threads, as the C library makes them, and as much again for their heaps.
    private static let stackBytes = 32 << 20

    private let mutex: UnsafeMutablePointer<pthread_mutex_t>
    private let changed: UnsafeMutablePointer<pthread_cond_t>
    let catalogue: any ModelCatalogue
    /// Called on the engine's threads.
    let observe: @Sendable (ModelEvent) -> Void
    private(set) var phase = Phase.starting
    var startingError: (any Error)?
    var queue: JobQueue
    var shelf: ModelShelf
    var arrivals: [Arrival] = []
    var farewells: [Farewell] = []
    /// The job that has its turn.
    var running: JobQueue.Entry?
    /// When the first job came whose model finds no room.
    var crowded: SuspendingClock.Instant?
    /// Bytes of models beside which the caches have their limits.
    var fitted = 0
    /// What is cached in all and for each user, how much may be, and how much of that prompts and texts.
    var cached = (memory: Memory.none, users: [UInt32: Memory](), limits: MemoryLimits.standard, words: 0)
    /// Jobs by user.
    var finished: [UInt32: Int] = [:]
    private(set) var refused = 0
    /// The turns of the computing thread.
    var computing = Work()
    /// The models of the loading thread, which has none while it waits for room.
    var loading = Work()
    /// Beats with each piece that the loading thread read.
    let pieces = Cancellation(deadline: nil)

    /// Starts the threads; no model is loaded.
    ///
    /// - Parameters:
    ///   - threads: how many compute; `nil`: one for each processor that this process may use
    ///   - observe: called on the engine's threads, which it must not block
    /// - Throws: `AddressSpaceError`, `InstructionSetError`
    package init(
        _ limits: EngineLimits, threads: Int?, catalogue: any ModelCatalogue,
        observe: @escaping @Sendable (ModelEvent) -> Void
    ) throws {
        try AddressSpace.require(Self.startingBytes, for: "starting")
        unsafe mutex = .allocate(capacity: 1)
        unsafe changed = .allocate(capacity: 1)
        unsafe pthread_mutex_init(mutex, nil)
        var attributes = pthread_condattr_t()
        unsafe pthread_condattr_init(&attributes)
        unsafe pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC)
        unsafe pthread_cond_init(changed, &attributes)
        unsafe pthread_condattr_destroy(&attributes)
        queue = JobQueue(limit: limits.queue)
        shelf = ModelShelf(limit: limits.memory, keepAlive: limits.keepAlive)
        self.catalogue = catalogue
        self.observe = observe
        try Threads.start(threads)
        try BLAS.reserve()
        Heap.returnLargeBlocks()
        try AddressSpace.require(Self.stackBytes, for: "the engine's threads")
        start { engine in engine.compute() }
        let error = locked { () -> (any Error)? in
            while phase == .starting { wait() }
            return startingError
        }
        if let error { throw error }
        start { engine in engine.load() }
    }

    deinit {
        unsafe pthread_cond_destroy(changed)
        unsafe pthread_mutex_destroy(mutex)
        unsafe changed.deallocate()
        unsafe mutex.deallocate()
    }

    /// Runs `body` on a new thread, which keeps the engine alive until it ends.
    private func start(_ body: @escaping (Engine) -> Void) {
        let start = unsafe Unmanaged.passRetained(ThreadStart { body(self) })
        var thread = pthread_t()
        let code = unsafe pthread_create(
            &thread, nil,
            { context in
                guard let context = unsafe context else { return nil }
                unsafe Unmanaged<ThreadStart>.fromOpaque(context).takeRetainedValue().body()
                return nil
            }, unsafe start.toOpaque())
        precondition(code == 0, "pthread_create: errno \(code)")
        pthread_detach(thread)
    }

    // MARK: Jobs

    /// Enqueues a job. In a full queue the caller with most jobs loses its newest to a caller with fewer (longest queue
    /// drop).
    ///
    /// - Throws: `queueFull`, `stopping`
    package func submit(_ job: Job) throws(SegmentationError) {
        let outcome = locked { () -> Result<(job: Job, place: QueuePlace)?, SegmentationError> in
            guard phase == .serving else { return .failure(.stopping) }
            let isFull = queue.count >= queue.limit
            let displaced = Result { () throws(SegmentationError) in try queue.append(job, at: .now) }
            if isFull { refused += 1 }
            guard case .success = displaced else { return displaced.map { _ in nil } }
            wake()
            // Before the loading thread, which waits for the lock, says more.
            if let state = loadingState(of: job.use.key) { job.use.progress?(state) }
            return displaced.map { $0.map { ($0, queue.place(for: $0.caller)) } }
        }
        guard let (job, place) = try outcome.get() else { return }
        job.refuse(.displaced(limit: locked { queue.limit }, place))
    }

    /// Stops a job, wherever it is: one that waits leaves the queue, one that runs ends at its next layer.
    ///
    /// - Returns: the job, if it was waiting: release it outside of the engine's lock
    package func withdraw(_ ticket: Job.Ticket) -> Job? {
        ticket.cancellation.cancel()
        return locked {
            let job = queue.withdraw(ticket)
            // For one that has ended nobody is woken: that would take a thread from its work, call by call.
            if job != nil { wake() }
            return job
        }
    }

    /// Moves a parked job back to the queue: there is room for its next step. Does nothing to any other job.
    package func resume(_ ticket: Job.Ticket) {
        locked {
            queue.resume(ticket)
            wake()
        }
    }

    /// Refuses new jobs and returns when those that were accepted are done.
    package func drain() {
        locked {
            if phase == .serving { enter(.draining) }
            while phase != .stopped { wait() }
        }
    }

    /// Changes the limits. Jobs that wait go on waiting in a queue that became too short; where models take more
    /// than they may now, those go that are not in use.
    package func adopt(_ limits: EngineLimits) {
        locked {
            queue.limit = limits.queue
            shelf.adopt(limit: limits.memory, keepAlive: limits.keepAlive, inUse: isInUse)
            // The caches get what is left of the new limit.
            fitted = -1
            wake()
        }
    }

    // MARK: Models

    /// The model that a request means by a name, a hash or, for the default, "".
    ///
    /// - Throws: `unknownModel`
    package func model(named name: String) throws(SegmentationError) -> ModelKey {
        let (known, isLoaded) = locked {
            let known = shelf.key(ofHash: name)
            return (known, known.map(shelf.isLoaded) ?? false)
        }
        // Where it was removed or added anew since, only what is in memory is the model of that hash.
        if let known, isLoaded || (try? catalogue.key(for: known.name.text)) == known { return known }
        return try catalogue.key(for: name)
    }

    /// What decides the answers of a model; `nil` where it is not loaded.
    package func identity(of model: ModelKey) -> ModelIdentity? {
        locked { shelf[model]?.identity }
    }

    /// Notes that a call was answered without a job, by what is remembered of a model's answers.
    ///
    /// - Parameters:
    ///   - owner: the uid of the user
    ///   - since: when the call came
    package func noteUse(of model: ModelUse, by owner: UInt32, since: SuspendingClock.Instant) {
        locked {
            shelf.use(model.key, by: owner, keepAlive: model.keepAlive, since: since, at: .now)
            shelf.noteEnd(of: model.key, since: since, at: .now)
            wake()
        }
    }

    /// Lets models go: at once those that no job uses, the others when their jobs have ended.
    ///
    /// - Parameters:
    ///   - name: of models, or the hash of one; "": all
    ///   - done: called once, on any thread, with the names of the models that are gone and of those in use
    /// - Throws: `unknownModel` for a name of none, loaded or not
    package func unload(
        _ name: String, done: @escaping @Sendable (_ gone: [String], _ used: [String]) -> Void
    ) throws(SegmentationError) {
        let (leaving, used) = locked {
            let (leaving, used) = shelf.unload(name, at: .now, inUse: isInUse)
            let names = (gone: leaving.map(\.name.text), used: used.map(\.name.text))
            if !leaving.isEmpty { farewells.append(Farewell(models: Set(leaving)) { done(names.gone, names.used) }) }
            wake()
            return (leaving, names.used)
        }
        guard leaving.isEmpty else { return }
        if used.isEmpty, !name.isEmpty { _ = try catalogue.key(for: name) }
        done([], used)
    }

    /// Returns freed memory that the allocator keeps to the system (`malloc_trim`); blocks its thread for milliseconds.
    package static func releaseFreedMemory() {
        Heap.trim()
    }

    // MARK: Under the lock

    func locked<Result>(_ body: () -> Result) -> Result {
        unsafe pthread_mutex_lock(mutex)
        defer { unsafe pthread_mutex_unlock(mutex) }
        return body()
    }

    func wake() { unsafe pthread_cond_broadcast(changed) }

    func wait() { unsafe pthread_cond_wait(changed, mutex) }

    /// Waits until something changes, at most until a time.
    func wait(until time: SuspendingClock.Instant?) {
        guard let time else { return wait() }
        let left = max(.zero, SuspendingClock.now.duration(to: time)).components
        var end = timespec()
        unsafe clock_gettime(CLOCK_MONOTONIC, &end)
        let nanoseconds = end.tv_nsec + Int(left.attoseconds / 1_000_000_000)
        end.tv_sec += Int(left.seconds) + nanoseconds / 1_000_000_000
        end.tv_nsec = nanoseconds % 1_000_000_000
        unsafe pthread_cond_timedwait(changed, mutex, &end)
    }

    func enter(_ next: Phase) {
        phase = next
        wake()
    }

    /// All jobs: they wait, run, or are parked.
    private var jobs: [JobQueue.Entry] { [running].compactMap(\.self) + queue.entries }

    /// Jobs that use a model.
    func calls(of model: ModelKey) -> Int {
        jobs.count { $0.job.use.isNeeded && $0.job.use.key == model }
    }

    /// The jobs that wait for models that are not in memory, the first first.
    var waiting: [JobQueue.Entry] {
        queue.entries.filter { !$0.hasBegun && $0.job.use.isNeeded && !shelf.isLoaded($0.job.use.key) }
            .sorted { $0.since < $1.since }
    }

    /// Whether a model must stay: jobs use it that have begun, or that came before the one for which there is no room.
    /// Not one that nobody waits for any longer: it may have its turn still, though its call has ended.
    func isInUse(_ model: ModelKey) -> Bool {
        jobs.contains { entry in
            let isFirst = crowded.map { entry.since < $0 } ?? true
            return entry.job.use.key == model && !entry.job.cancellation.isCancelled
                && (entry.hasBegun || entry.id == running?.id || isFirst)
        }
    }

    /// How far a model is that is not loaded.
    private func loadingState(of model: ModelKey) -> LoadingState? {
        guard let entry = shelf[model] else { return LoadingState(model, .waiting) }
        return if case .loading(let state) = entry.state { state } else { nil }
    }
}

/// What a thread runs, behind one pointer.
private final class ThreadStart {
    let body: () -> Void

    init(_ body: @escaping () -> Void) { self.body = body }
}
