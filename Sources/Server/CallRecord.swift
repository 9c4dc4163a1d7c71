import Logging
import NIOCore
import RPC
import Segmentation
import Synchronization
import Texts

/// What the log says of a call: words of the daemon's own, and numbers; of the picture its size alone, and words of the
/// request only where they are asked for.
struct CallRecord {
    /// `nil` where the request does not say.
    let method: RPC.Method?
    /// Of this daemon's calls, in the order of their arrival.
    private let number: UInt64
    private let started = NIODeadline.now()
    /// The client's request identifier, for `Cancel`; empty: none.
    var requestID = ""
    /// The model that answers, as its owner calls it.
    var model: ModelKey?
    var recipe: String?
    /// How many labels, or candidates for them, the request has.
    var labels: Int?
    /// Bytes of messages.
    var received: Int
    var sent = 0
    /// Whether the answer came from the reply cache.
    var isRemembered = false
    /// The request's words; `nil` where they were not to be logged when it came.
    var words: LoggedWords?
    let progress = CallProgress()

    init(_ method: RPC.Method?, number: UInt64, received: Int) {
        self.method = method
        self.number = number
        self.received = received
    }

    /// Since the call arrived.
    var time: TimeAmount { .now() - started }

    /// The fields of its line in the log.
    ///
    /// - Parameters:
    ///   - time: that the call took
    ///   - daemon: names this daemon in the identifiers of calls that have none of their own
    ///   - tellingWords: whether what quotes the request is told
    func metadata(
        _ caller: Caller, _ end: CallEnd, time: TimeAmount, daemon: String, tellingWords: Bool
    ) -> Logger.Metadata {
        var fields: Logger.Metadata = [
            "request_id": .string(requestID.isEmpty ? "\(daemon)-\(number)" : requestID),
            "uid": .stringConvertible(caller.owner), "connection": .stringConvertible(caller.connection),
            "result": .string("\(end.code)"), "total_ms": .string(Self.tenths(time)),
            "received_bytes": .stringConvertible(received), "sent_bytes": .stringConvertible(sent),
        ]
        if let method { fields["method"] = .string(method.name) }
        if let model, model != .none { fields["model"] = .string(model.name.text) }
        if let recipe { fields["recipe"] = .string(recipe) }
        if let labels { fields["labels"] = .stringConvertible(labels) }
        if case .clientLeft = end { fields["client_left"] = "true" }
        if isRemembered { fields["remembered"] = "true" }
        if tellingWords, let words { fields["words"] = .string(words.text) }
        if tellingWords, case .failed(let status) = end { fields["reason"] = .string(status.message) }
        progress.told { seen in
            if let size = seen.picture { fields["picture"] = .string("\(size.width)x\(size.height)") }
            for (stage, time) in seen.stages { fields["\(stage.rawValue)_ms"] = .string(Self.tenths(time)) }
        }
        return fields
    }

    /// Milliseconds with one digit after the point, rounded down, so that stages do not add up to more than the whole.
    private static func tenths(_ time: TimeAmount) -> String {
        let tenths = time.nanoseconds / 100_000
        return "\(tenths / 10).\(tenths % 10)"
    }
}

/// How a call ended.
enum CallEnd {
    case answered
    case failed(RPCStatus)
    /// Its client closed the connection: nobody is told.
    case clientLeft

    var code: RPCStatus.Code {
        switch self {
        case .answered: .ok
        case .failed(let status): status.code
        case .clientLeft: .cancelled
        }
    }

    /// Why it was refused that may be served later.
    var reason: Refusal.Reason? {
        if case .failed(let status) = self { status.refusal?.reason } else { nil }
    }
}

extension Connection {
    /// Whose connection it is, for the log.
    var metadata: Logger.Metadata {
        ["uid": .stringConvertible(owner), "connection": .stringConvertible(caller.connection)]
    }

    /// Counts a call that has ended, tells the log of it, and notes for Status what became of it.
    func log(_ record: CallRecord, _ end: CallEnd) {
        let time = record.time
        table.counts.count(record, end, time: time)
        let failure =
            end.code == .ok
            ? nil
            : UserRecords.Failure(
                time: .now(), method: record.method?.name ?? "", requestID: record.requestID, code: end.code,
                reason: end.reason)
        if failure != nil || record.method?.isControl == false {
            table.users.note(failure, of: owner) { [table] other in table.count(of: other) == 0 }
        }
        // Health checks come every few seconds and would fill the log.
        service.log.log(
            level: record.method == .health ? .debug : .info,
            "\(record.method?.name ?? "a call") \(end.code) in \(time.nanoseconds / 1_000_000) ms",
            metadata: record.metadata(
                caller, end, time: time, daemon: service.name, tellingWords: service.logsWords()))
    }
}

/// How far a call has come: other threads tell it, and the log of a call tells what they told until then.
final class CallProgress: Sendable {
    struct Seen {
        /// After its EXIF orientation.
        var picture: (width: Int, height: Int)?
        /// How many prompts the answer is made with, once that is known.
        var prompts = 0
        /// The stages of the engine's thread, one after the other; `nil`: the call's job has not begun.
        var report: Report?
        /// The drawing thread's, at the same time as the engine's.
        var drawing = Duration.zero

        /// The stages that took any time, and the queue, if that is over.
        var stages: [(stage: CallStage, time: TimeAmount)] {
            var stages: [(stage: CallStage, time: TimeAmount)] = []
            if let report {
                let computed = AnswerStage.allCases.map { (CallStage($0), report[keyPath: $0.time]) }
                stages = ([(.queue, report.queue)] + computed.filter { $0.1 > 0 }).map {
                    ($0.0, .nanoseconds(Int64(Double($0.1) * 1e6)))
                }
            }
            if drawing > .zero { stages.append((.draw, TimeAmount(drawing))) }
            return stages
        }
    }

    private let seen = Mutex(Seen())

    /// Notes the size of the picture.
    func note(_ picture: LookedAt) {
        seen.withLock { $0.picture = (picture.width, picture.height) }
    }

    /// Notes how many prompts an answer is made with.
    func note(prompts: Int) {
        seen.withLock { $0.prompts = prompts }
    }

    /// Notes what the stages of the engine's thread took so far.
    func note(_ report: Report) {
        seen.withLock { $0.report = report }
    }

    /// Notes that the job began.
    func begin(queueMilliseconds: Float) {
        seen.withLock {
            var report = Report()
            report.queue = queueMilliseconds
            $0.report = report
        }
    }

    /// Adds the time that `body` takes to a stage of the engine's thread.
    func timing<Result, Failure: Error>(
        _ stage: AnswerStage, _ body: () throws(Failure) -> Result
    ) throws(Failure) -> Result {
        let start = SuspendingClock.now
        defer {
            let time = Float(start.duration(to: .now) / .milliseconds(1))
            seen.withLock { $0.report?[keyPath: stage.time] += time }
        }
        return try body()
    }

    /// Adds time of the drawing thread.
    func addDrawing(_ time: Duration) {
        seen.withLock { $0.drawing += time }
    }

    func told(_ body: (Seen) -> Void) {
        body(seen.withLock(\.self))
    }
}

/// The words of a request as they are logged: one after the other, as many as a line has room for.
struct LoggedWords {
    private(set) var text = ""

    /// Bytes, beyond which no more is taken.
    private static let most = 1000

    init(_ message: SegmentRequest) {
        for label in message.labels { add(label.name, label.phrases) }
        if let prompt = message.forwardPrompt { add(prompt) }
        if let vocabulary = message.vocabulary { add(vocabulary) }
    }

    init(_ message: DescribeRequest) {
        if let vocabulary = message.vocabulary { add(vocabulary) }
    }

    private mutating func add(_ vocabulary: RPC.Vocabulary) {
        for candidate in vocabulary.candidates {
            add(candidate.name, candidate.phrases)
            for synonym in candidate.synonyms { add(synonym) }
        }
        for word in vocabulary.background { add(word) }
    }

    private mutating func add(_ name: String, _ phrases: [RPC.Phrase]) {
        add(name)
        for phrase in phrases {
            add(phrase.words)
            add(phrase.prompt)
        }
    }

    private mutating func add(_ words: String) {
        guard !words.isEmpty, text.utf8.count < Self.most else { return }
        text += (text.isEmpty ? "" : ", ") + String(words.unicodeScalars.prefix(Self.most))
    }
}
