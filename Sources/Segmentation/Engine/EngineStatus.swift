import Kernels
import Networks
package import Texts

/// A snapshot of the engine's state, taken without waiting for the job that runs.
package struct EngineStatus: Sendable {
    /// Loaded, or on their way, in the order in which they began to load; then those that wait for that.
    package let models: [ModelState]
    /// Computing threads, the engine's own included.
    package let threads: Int
    package let instructionSet: String
    package let blas: String
    package let limits: MemoryLimits
    /// Bytes of prompts and of texts that may be cached.
    package let wordsLimit: Int
    /// What users have cached, and how many of their jobs have ended, in all.
    package let everybody: UserPart
    /// The same of each user; of those who are not here: nothing.
    let users: [UInt32: UserPart]
    /// Bytes of weights and scratch memory of the models.
    package let modelBytes: Int
    /// Bytes that these and all caches may take.
    package let memoryLimit: Int
    /// How long models are kept for calls that do not say it.
    package let keepAlive: KeepAlive
    package let queued: Int
    package let queueLimit: Int
    package let refused: Int

    /// A user's part of ``everybody``.
    package func part(of owner: UInt32) -> UserPart { users[owner] ?? UserPart(memory: .none, finished: 0) }
}

/// What one user, or all, have of an engine.
package struct UserPart: Sendable {
    package let memory: Memory
    /// Jobs.
    package let finished: Int
}

/// What shows that a thread with work makes progress: one of the two grows.
package struct Heartbeat: Sendable, Equatable {
    package let turns: Int
    /// Within the turn: layers that were passed, pieces that were read.
    package let beats: Int
    /// When the last of either was.
    package let since: SuspendingClock.Instant
}

/// The heartbeats of the engine's threads; `nil` of one that waits for work.
package struct Pulse: Sendable, Equatable {
    package let computing: Heartbeat?
    package let loading: Heartbeat?

    package init(computing: Heartbeat?, loading: Heartbeat?) {
        (self.computing, self.loading) = (computing, loading)
    }

    /// For how long the thread that shows no progress for longest has shown none.
    package func silence(at now: SuspendingClock.Instant) -> Duration {
        [computing, loading].compactMap { $0?.since.duration(to: now) }.max() ?? .zero
    }
}

/// The job that the engine computes.
package struct RunningJob: Sendable {
    package let ticket: Job.Ticket
    package let caller: Caller
    package let model: ModelKey
    /// `nil` until the first begins.
    package let stage: AnswerStage?
    /// When it came.
    package let since: SuspendingClock.Instant
    /// When its last step ended, or its turn began.
    package let moved: SuspendingClock.Instant
}

/// A model that is loaded or on its way.
package struct ModelState: Sendable {
    package let key: ModelKey
    /// What is loaded: the model first, then the networks beside it; empty until all are.
    package let networks: [LoadedModel]
    /// How far it is; `nil`: it is loaded.
    package let loading: LoadingState?
    /// How much longer it is kept where no call uses it; `nil`: for ever.
    package let kept: Duration?
    /// Calls that use it now: they wait, run, or wait for their reader.
    package let calls: Int
    /// Calls that have ended since it was loaded.
    package let requests: Int
    /// Milliseconds that half of the last calls took at most, and 99 of 100.
    package let median: Float
    package let slowest: Float
}

extension ModelState {
    /// A model whose loading has not begun.
    init(waiting key: ModelKey, calls: Int) {
        self.init(
            key: key, networks: [], loading: LoadingState(key, .waiting), kept: .zero, calls: calls, requests: 0,
            median: 0, slowest: 0)
    }
}

/// A network in memory.
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

/// What an engine tells of its models as it happens.
package enum ModelEvent: Sendable, CustomStringConvertible {
    case loaded(String, after: Duration)
    case failed(LoadFailure)
    case left(String)

    package var description: String {
        switch self {
        case .loaded(let name, let time): "loaded the model \(name) in \(Int(time / .milliseconds(1))) ms"
        case .failed(let failure): "\(failure)"
        case .left(let name): "let go of the model \(name)"
        }
    }
}

/// What decides a loaded model's answers, and how it reads pictures.
package struct ModelIdentity: Sendable {
    /// The hashes of the model and of the networks beside it, and their arithmetic.
    package let text: String
    package let latentSizes: LatentSizes
}

extension ModelShelf.Entry {
    /// - Parameter calls: that use it now
    func state(calls: Int, at now: SuspendingClock.Instant) -> ModelState {
        let loading: LoadingState? = if case .loading(let state) = state { state } else { nil }
        let left: Duration? =
            switch kept {
            case .forever: nil
            case .until(let time): max(.zero, now.duration(to: time))
            case nil: .zero
            }
        return ModelState(
            key: key, networks: networks, loading: loading, kept: left, calls: calls,
            requests: latencies.count, median: latencies.percentile(0.5), slowest: latencies.percentile(0.99))
    }

    /// `nil` until it is loaded.
    var identity: ModelIdentity? {
        guard isLoaded, let latentSizes else { return nil }
        let text = networks.map { "\($0.role.rawValue) \($0.hash) \($0.precision)" }.joined(separator: ", ")
        return ModelIdentity(text: text, latentSizes: latentSizes)
    }
}

extension Engine {
    /// What a thread has to do.
    struct Work {
        /// Turns so far.
        private(set) var turns = 0
        /// When the one began that is under way; `nil`: the thread waits.
        private(set) var since: SuspendingClock.Instant?

        mutating func begin() {
            turns += 1
            since = .now
        }

        mutating func pause() { since = nil }

        /// - Parameter pulse: beats within the turn
        func heartbeat(_ pulse: Cancellation?) -> Heartbeat? {
            since.map { since in
                Heartbeat(turns: turns, beats: pulse?.heartbeats ?? 0, since: max(since, pulse?.beaten ?? since))
            }
        }
    }

    /// How far the threads are; does not wait for them.
    package var pulse: Pulse {
        locked {
            Pulse(
                computing: computing.heartbeat(running?.job.cancellation), loading: loading.heartbeat(pieces))
        }
    }

    /// Does not wait for it; `nil`: none runs.
    package var runningJob: RunningJob? {
        locked {
            guard let running, let heartbeat = computing.heartbeat(running.job.cancellation) else { return nil }
            let job = running.job
            return RunningJob(
                ticket: job.ticket, caller: job.caller, model: job.use.key,
                stage: AnswerStage(rawValue: job.cancellation.stage), since: running.since, moved: heartbeat.since)
        }
    }

    /// What a job takes of the thread, by the last ones; zero before the first.
    package var meanService: Duration { locked { queue.meanService } }

    /// Does not wait for the job that runs.
    package var status: EngineStatus {
        locked {
            let now = SuspendingClock.now
            let everybody = UserPart(memory: cached.memory, finished: finished.values.reduce(0, +))
            let users = Set(cached.users.keys).union(finished.keys).map { owner in
                (owner, UserPart(memory: cached.users[owner] ?? .none, finished: finished[owner] ?? 0))
            }
            return EngineStatus(
                models: shelf.entries.map { $0.state(calls: calls(of: $0.key), at: now) } + waitingModels,
                threads: Threads.count, instructionSet: InstructionSet.chosen.rawValue, blas: BLAS.name,
                limits: cached.limits, wordsLimit: cached.words, everybody: everybody,
                users: Dictionary(uniqueKeysWithValues: users), modelBytes: shelf.bytes,
                memoryLimit: shelf.limit, keepAlive: shelf.keepAlive, queued: queue.count, queueLimit: queue.limit,
                refused: refused)
        }
    }

    /// Models that jobs wait for while another one is loaded.
    private var waitingModels: [ModelState] {
        var keys: [ModelKey] = []
        for key in waiting.map(\.job.use.key) where shelf[key] == nil && !keys.contains(key) { keys.append(key) }
        return keys.map { ModelState(waiting: $0, calls: calls(of: $0)) }
    }
}
