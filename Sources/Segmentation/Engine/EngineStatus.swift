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
    package let memory: Memory
    /// Bytes of weights and scratch memory of the models.
    package let modelBytes: Int
    /// Bytes that these and all caches may take.
    package let memoryLimit: Int
    /// How long models are kept for calls that do not say it.
    package let keepAlive: KeepAlive
    package let queued: Int
    package let queueLimit: Int
    package let finished: Int
    package let refused: Int
}

/// What shows that a thread with work makes progress: one of the two grows.
package struct Heartbeat: Sendable, Equatable {
    package let turns: Int
    /// Within the turn: layers that were passed, pieces that were read.
    package let beats: Int
}

/// The heartbeats of the engine's threads; `nil` of one that waits for work.
package struct Pulse: Sendable, Equatable {
    package let computing: Heartbeat?
    package let loading: Heartbeat?

    package init(computing: Heartbeat?, loading: Heartbeat?) {
        (self.computing, self.loading) = (computing, loading)
    }
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
    func state(calls: Int, at now: ContinuousClock.Instant) -> ModelState {
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
