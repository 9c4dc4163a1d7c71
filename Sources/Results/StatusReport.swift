package import RPC

/// What a daemon says of itself, as `dseg status`, `dseg ps` and `dseg top` print it.
package struct StatusReport {
    private let status: StatusReply
    private let activity: ActivityReport

    /// - Parameter user: how a uid's user is called
    package init(_ status: StatusReply, user: @escaping (UInt32) -> String) {
        self.status = status
        activity = ActivityReport(status.activity, user: user)
    }

    /// Whether models are loaded or being loaded.
    package var hasModels: Bool { !status.models.isEmpty }

    /// Whether it is of a daemon that started later.
    func isYounger(than other: StatusReport) -> Bool { status.uptimeMilliseconds < other.status.uptimeMilliseconds }

    private typealias Line = (heading: String, text: String)

    // MARK: status

    /// A line for each model, and each part of the daemon, and what it does for whom.
    package var summary: String {
        var rows = [daemon]
        rows += status.models.map { model in
            let state =
                model.loading.map { "\($0.short), \(Amount.bytes($0.bytes, of: $0.totalBytes))" }
                ?? "\(Amount.bytes(model.bytes)), \(model.precision), \(model.hash.prefix(12))"
            return (model.isSegmenter ? "model" : model.role, "\(model.name), \(state)")
        }
        if !hasModels {
            rows.append(("model", "none is loaded; \(status.defaultModel) answers where a request names none"))
        }
        return Self.text(Self.lines(rows + [queue] + caches + doings) + people)
    }

    private var daemon: Line {
        ("dsegd", "\(status.version), up \(status.uptimeMilliseconds / 1000) s, \(status.threads) threads")
    }

    private var queue: Line {
        (
            "queue",
            "\(status.queued) of \(status.queueLimit), \(status.answered) answered, \(status.refused) refused"
        )
    }

    private var caches: [Line] {
        [
            ("pictures", "\(status.pictures), \(Amount.bytes(status.picturesBytes, of: status.picturesLimit))"),
            ("words", "\(status.words), \(Amount.bytes(status.wordsBytes, of: status.wordsLimit))"),
        ]
    }

    private var memory: Line { ("memory", Amount.bytes(status.memoryBytes, of: status.memoryLimit)) }

    private var doings: [Line] { [activity.running, activity.held, activity.stuck].compactMap(\.self) }

    /// Tables, each below an empty line.
    private var people: [String] {
        [activity.users, activity.failures].filter { !$0.isEmpty }.flatMap { [""] + TextTable.lines($0) }
    }

    // MARK: top

    /// All of it, in lines that are safe for a terminal.
    package var overview: [String] {
        let told = Self.lines([daemon, queue] + caches + [memory] + doings)
        let models = hasModels ? [""] + models : []
        return (told + models + people + (activity.note.map { ["", $0] } ?? [])).map(Streams.printable)
    }

    // MARK: ps

    /// A table of what is loaded, and below it the memory that is taken; where nothing is, its heading alone.
    package var table: String {
        Self.text(hasModels ? models + [""] + Self.lines(caches + [memory]) : models)
    }

    private var models: [String] {
        let heading = ["NAME", "HASH", "SIZE", "PRECISION", "UNTIL", "CALLS", "REQUESTS", "P50", "P99"]
        return TextTable.lines([heading] + status.models.map(Self.row))
    }

    private static func row(_ model: ModelStatus) -> [String] {
        let hash = model.hash.isEmpty ? "-" : String(model.hash.prefix(12))
        let precision = model.precision.isEmpty ? "-" : model.precision
        guard model.isSegmenter else {
            return ["  \(model.name)", hash, Amount.bytes(model.bytes), precision, "", "", "", "", ""]
        }
        return [
            model.name, hash, Amount.bytes(model.loading?.totalBytes ?? model.bytes), precision,
            model.loading?.short ?? model.until, "\(model.calls)", "\(model.requests)",
            Amount.time(milliseconds: model.p50Milliseconds), Amount.time(milliseconds: model.p99Milliseconds),
        ]
    }

    // MARK: Text

    private static func lines(_ rows: [Line]) -> [String] {
        rows.map { heading, text in
            heading + String(repeating: " ", count: max(1, 10 - heading.unicodeScalars.count)) + text
        }
    }

    private static func text(_ lines: [String]) -> String {
        lines.map { Streams.printable($0) + "\n" }.joined()
    }

    // MARK: JSON

    /// One JSON object, a line: bytes, milliseconds and counts as numbers.
    package var json: String { JSONLine.text(of: Record(status)) + "\n" }
}

/// What `--json` prints.
private struct Record: Encodable {
    struct Cache: Encodable {
        let entries: UInt32
        let bytes: UInt64
        let limit: UInt64
    }

    struct Memory: Encodable {
        let bytes: UInt64
        let limit: UInt64
    }

    struct Queue: Encodable {
        let queued: UInt32
        let limit: UInt32
        let answered: UInt64
        let refused: UInt64
    }

    let version: String
    let uptimeMilliseconds: UInt64
    let threads: UInt32
    let keepAlive: String
    let defaultModel: String
    let models: [ModelRecord]
    let queue: Queue
    let pictures: Cache
    let words: Cache
    let memory: Memory
    let activity: ActivityRecord

    init(_ status: StatusReply) {
        version = status.version
        uptimeMilliseconds = status.uptimeMilliseconds
        threads = status.threads
        keepAlive = status.keepAlive
        defaultModel = status.defaultModel
        models = status.models.map(ModelRecord.init)
        queue = Queue(
            queued: status.queued, limit: status.queueLimit, answered: status.answered, refused: status.refused)
        pictures = Cache(entries: status.pictures, bytes: status.picturesBytes, limit: status.picturesLimit)
        words = Cache(entries: status.words, bytes: status.wordsBytes, limit: status.wordsLimit)
        memory = Memory(bytes: status.memoryBytes, limit: status.memoryLimit)
        activity = ActivityRecord(status.activity)
    }
}

private struct ModelRecord: Encodable {
    struct LoadingRecord: Encodable {
        let stage: String
        let percent: Int
        let bytes: UInt64
        let totalBytes: UInt64
    }

    let name: String
    let hash: String
    let role: String
    /// Of a network: which model it stands beside.
    let model: String?
    let bytes: UInt64
    let precision: String
    let keptForEver: Bool
    /// From now; `nil`: for ever.
    let untilMilliseconds: UInt64?
    let calls: UInt32
    let requests: UInt64
    /// `nil`: there were no calls yet.
    let p50Milliseconds: Float?
    let p99Milliseconds: Float?
    /// `nil`: it is loaded.
    let loading: LoadingRecord?

    init(_ status: ModelStatus) {
        func time(_ milliseconds: Float) -> Float? {
            milliseconds.isFinite && milliseconds > 0 ? milliseconds : nil
        }
        name = status.name
        hash = status.hash
        role = status.role
        model = status.model.isEmpty ? nil : status.model
        bytes = status.bytes
        precision = status.precision
        keptForEver = status.keptForEver
        untilMilliseconds = status.keptForEver ? nil : status.untilMilliseconds
        calls = status.calls
        requests = status.requests
        p50Milliseconds = time(status.p50Milliseconds)
        p99Milliseconds = time(status.p99Milliseconds)
        loading = status.loading.map {
            LoadingRecord(stage: "\($0.stage)", percent: $0.percent, bytes: $0.bytes, totalBytes: $0.totalBytes)
        }
    }
}
