import Networks
import Texts

/// The models in memory: which are loaded or on their way, who wants each for how long, and which goes first. A value
/// without clock, thread or lock: its owner synchronizes access, and says which are in use.
///
///     (cold) ──► loading ──► loaded ──► leaving ──► (cold)
///                   └────── failed ──────────────────►┘
///
/// A model in use is never let go. One that is not goes when nobody wants it kept any longer, when it is unloaded, or,
/// the least recently used first, when another needs its room.
struct ModelShelf {
    enum State {
        case loading(LoadingState)
        case loaded
        /// To be released by the thread that computes.
        case leaving
    }

    struct Entry {
        let key: ModelKey
        fileprivate(set) var state: State
        fileprivate(set) var weightBytes = 0
        fileprivate(set) var scratchBytes = 0
        /// What is loaded: the model, then the networks beside it.
        fileprivate(set) var networks: [LoadedModel] = []
        fileprivate(set) var latentSizes: LatentSizes?
        fileprivate(set) var latencies = Latencies(keeping: 512)
        fileprivate var lastUsed: SuspendingClock.Instant
        /// Until when each user wants it kept: nobody ends what another asked for.
        fileprivate var leases: [UInt32: Lease] = [:]
        /// When somebody last asked for it to be unloaded: calls that had come by then keep it while they run.
        fileprivate var unloaded: SuspendingClock.Instant?

        var isLoaded: Bool { if case .loaded = state { true } else { false } }
        /// Until when it is kept where no call uses it.
        var kept: Lease? { leases.values.max() }
    }

    enum Lease: Comparable {
        case until(SuspendingClock.Instant)
        case forever

        fileprivate init(_ keepAlive: KeepAlive, from now: SuspendingClock.Instant) {
            self =
                switch keepAlive {
                case .duration(let duration): .until(now + duration)
                case .forever: .forever
                }
        }
    }

    /// Bytes that weights, scratch memory and caches may take.
    private(set) var limit: Int
    /// For calls that do not say how long they want their model kept.
    private(set) var keepAlive: KeepAlive
    /// In the order in which they began to load.
    private(set) var entries: [Entry] = []
    /// The models that ever were loaded, by their hashes.
    private var known: [ExactString: ModelKey] = [:]

    init(limit: Int, keepAlive: KeepAlive) {
        self.limit = limit
        self.keepAlive = keepAlive
    }

    subscript(key: ModelKey) -> Entry? { entries.first { $0.key == key } }

    func isLoaded(_ key: ModelKey) -> Bool { self[key]?.isLoaded == true }

    /// The model that has a hash, as far as it ever was loaded.
    func key(ofHash hash: String) -> ModelKey? { known[ExactString(hash)] }

    /// Weights, and the scratch memory that all models share.
    var bytes: Int { Self.bytes(entries) }

    private static func bytes(_ entries: [Entry]) -> Int {
        entries.reduce(0) { $0 + $1.weightBytes } + (entries.map(\.scratchBytes).max() ?? 0)
    }

    // MARK: Coming

    mutating func begin(_ key: ModelKey, at now: SuspendingClock.Instant) {
        entries.append(Entry(key: key, state: .loading(LoadingState(key, .opening)), lastUsed: now))
    }

    mutating func advance(_ key: ModelKey, to state: LoadingState) {
        change(key) { $0.state = .loading(state) }
    }

    /// Takes room for a model that is about to be read.
    ///
    /// - Parameter inUse: whether a model must stay
    /// - Returns: whether it has its room; `false`: when other models have gone, of which some are now leaving
    /// - Throws: where even alone it has not
    mutating func takeRoom(
        for key: ModelKey, weightBytes: Int, scratchBytes: Int, inUse: (ModelKey) -> Bool
    ) throws(MemoryShortage) -> Bool {
        let room = limit - MemoryLimits.least
        var new = Entry(key: key, state: .loaded, lastUsed: .now)
        (new.weightBytes, new.scratchBytes) = (weightBytes, scratchBytes)
        func fits(_ others: [Entry]) -> Bool { Self.bytes(others + [new]) <= room }
        guard fits([]) else {
            throw MemoryShortage(weightBytes: weightBytes, scratchBytes: scratchBytes, limit: limit)
        }
        let others = entries.filter { $0.key != key }
        if fits(others) {
            change(key) { ($0.weightBytes, $0.scratchBytes) = (weightBytes, scratchBytes) }
            return true
        }
        let (going, isEnough) = makingRoom(among: others, inUse: inUse, until: fits)
        // Nobody goes in vain: where those in use leave too little room, the others wait for them, too.
        if isEnough { for other in going { change(other) { $0.state = .leaving } } }
        return false
    }

    /// The models to let go, of those not in use the least recently used first.
    ///
    /// - Parameter fits: whether those that stay leave enough room
    /// - Returns: these models, and whether there is enough room when they are gone
    private func makingRoom(
        among others: [Entry], inUse: (ModelKey) -> Bool, until fits: ([Entry]) -> Bool
    ) -> (going: [ModelKey], isEnough: Bool) {
        var staying = others.filter { if case .leaving = $0.state { false } else { true } }
        let idle = staying.filter { $0.isLoaded && !inUse($0.key) }.sorted { $0.lastUsed < $1.lastUsed }
        var going: [ModelKey] = []
        for entry in idle where !fits(staying) {
            going.append(entry.key)
            staying.removeAll { $0.key == entry.key }
        }
        return (going, fits(staying))
    }

    /// Changes what may be taken, for which models go that are not in use, and how long models are kept for calls that
    /// come from here on.
    mutating func adopt(limit: Int, keepAlive: KeepAlive, inUse: (ModelKey) -> Bool) {
        (self.limit, self.keepAlive) = (limit, keepAlive)
        let room = limit - MemoryLimits.least
        let (going, _) = makingRoom(among: entries, inUse: inUse) { Self.bytes($0) <= room }
        for model in going { change(model) { $0.state = .leaving } }
    }

    /// A model is in memory.
    ///
    /// - Parameters:
    ///   - hashes: its own, and what else it is known by
    ///   - networks: the model, then those beside it
    mutating func arrive(
        _ key: ModelKey, hashes: [String], networks: [LoadedModel], latentSizes: LatentSizes,
        at now: SuspendingClock.Instant
    ) {
        for hash in hashes { known[ExactString(hash)] = key }
        change(key) { entry in
            entry.state = .loaded
            entry.networks = networks
            entry.latentSizes = latentSizes
            entry.lastUsed = now
        }
    }

    // MARK: Use

    /// A call uses a model now.
    ///
    /// - Parameters:
    ///   - owner: the uid of the user
    ///   - keepAlive: as the call asked; `nil`: at least as long as the engine keeps models
    ///   - since: when the call came
    mutating func use(
        _ key: ModelKey, by owner: UInt32, keepAlive asked: KeepAlive?, since: SuspendingClock.Instant,
        at now: SuspendingClock.Instant
    ) {
        let lease = Lease(asked ?? keepAlive, from: now)
        change(key) { entry in
            entry.lastUsed = now
            entry.leases = entry.leases.filter { $0.value > .until(now) }
            if let unloaded = entry.unloaded, since < unloaded { return }
            let before = asked == nil ? entry.leases[owner] : nil
            entry.leases[owner] = max(lease, before ?? lease)
        }
    }

    /// A call of a model has ended.
    mutating func noteEnd(of key: ModelKey, since: SuspendingClock.Instant, at now: SuspendingClock.Instant) {
        change(key) { $0.latencies.add(since.duration(to: now).milliseconds) }
    }

    // MARK: Going

    /// Lets models go: at once those that are not in use, the others when their calls have ended.
    ///
    /// - Parameter name: of models, or the hash of one; "": all
    /// - Returns: the models that are leaving, and those in use
    mutating func unload(
        _ name: String, at now: SuspendingClock.Instant, inUse: (ModelKey) -> Bool
    ) -> (leaving: [ModelKey], used: [ModelKey]) {
        var (leaving, used): ([ModelKey], [ModelKey]) = ([], [])
        let exact = ExactString(name)
        for entry in entries where name.isEmpty || entry.key.name == exact || entry.key == known[exact] {
            let isIdle: Bool
            switch entry.state {
            case .leaving: isIdle = true
            case .loading: isIdle = false
            case .loaded: isIdle = !inUse(entry.key)
            }
            change(entry.key) { entry in
                entry.leases = [:]
                entry.unloaded = now
                if isIdle { entry.state = .leaving }
            }
            if isIdle { leaving.append(entry.key) } else { used.append(entry.key) }
        }
        return (leaving, used)
    }

    /// The models to be released now: those that are leaving, and those that are not in use and that nobody wants kept.
    func departing(at now: SuspendingClock.Instant, inUse: (ModelKey) -> Bool) -> [ModelKey] {
        entries.filter { entry in
            switch entry.state {
            case .loading: false
            case .leaving: true
            case .loaded: (entry.kept ?? .until(now)) <= .until(now) && !inUse(entry.key)
            }
        }.map(\.key)
    }

    /// When the next model goes that is not in use; `nil`: none does.
    func nextDeparture(inUse: (ModelKey) -> Bool) -> SuspendingClock.Instant? {
        entries.filter { $0.isLoaded && !inUse($0.key) }.compactMap { entry in
            if case .until(let time)? = entry.kept { time } else { nil }
        }.min()
    }

    /// A model has left memory, or did not get there.
    mutating func remove(_ key: ModelKey) {
        entries.removeAll { $0.key == key }
    }

    private mutating func change(_ key: ModelKey, _ change: (inout Entry) -> Void) {
        guard let place = entries.firstIndex(where: { $0.key == key }) else { return }
        change(&entries[place])
    }
}
