import Networks

/// The state of a request between two parts of its answer: the prompts and passes it needs, which of them were cached,
/// and how long each stage took.
struct AnswerInProgress {
    let request: SegmentationRequest
    let owner: UInt32
    let cancellation: Cancellation
    var report = Report()
    /// The prompts and passes needed so far, and which of them were cached.
    private var prompts = Needs<ReadPrompt>()
    private var passes = Needs<PassKey>()
    /// The last features where they do not fit the cache, so that labels that share passes still run them once, or
    /// those of the first tiles, while the others' are computed.
    var last: (key: FeatureKey, features: [AttentionFeatures])?
    /// Whether the autoencoder had to read the picture.
    var hasEncoded = false

    init(request: SegmentationRequest, owner: UInt32, cancellation: Cancellation, queueMilliseconds: Float) {
        self.request = request
        self.owner = owner
        self.cancellation = cancellation
        report.queue = queueMilliseconds
    }

    /// Adds the time that `body` takes to a stage.
    mutating func timing<Result, Failure: Error>(
        _ stage: AnswerStage, _ body: () throws(Failure) -> Result
    ) throws(Failure) -> Result {
        let start = SuspendingClock.now
        cancellation.stage = stage.rawValue
        defer { report[keyPath: stage.time] += start.duration(to: .now).milliseconds }
        return try body()
    }

    /// Notes that the answer needs a pass.
    ///
    /// - Parameter isKnown: whether it, or a score map made from it, is cached
    mutating func needs(pass: PassKey, isKnown: Bool) {
        passes.add(pass, isKnown: isKnown)
    }

    mutating func needs(prompt: ReadPrompt, isKnown: Bool) {
        prompts.add(prompt, isKnown: isKnown)
    }

    /// Notes that a prompt was not cached, and ran through the text encoder: no cache hit.
    mutating func reads(prompt: ReadPrompt) {
        prompts.makeNew(prompt)
    }

    /// Notes that a pass was not cached, and was run: no cache hit.
    mutating func runs(pass: PassKey) {
        passes.makeNew(pass)
    }

    /// The report, once all maps are made.
    var finished: Report {
        var report = report
        report.phrasesCached = prompts.known.count
        report.featuresCached = passes.known.count
        report.passes = passes.all.count - passes.known.count
        report.latentCached = !hasEncoded
        return report
    }
}

/// The keys of one kind that an answer needs, each counted once however many labels need it.
private struct Needs<Key: Hashable> {
    private(set) var all: Set<Key> = []
    /// The keys that are cached.
    private(set) var known: Set<Key> = []

    mutating func add(_ key: Key, isKnown: Bool) {
        if all.insert(key).inserted, isKnown { known.insert(key) }
    }

    mutating func makeNew(_ key: Key) {
        all.insert(key)
        known.remove(key)
    }
}
