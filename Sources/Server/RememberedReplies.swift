import RPC
import Segmentation
import Synchronization

/// What determines the messages of an answer, bit for bit, but for its trailer: who asks which model what.
struct ReplyKey: Hashable, Sendable {
    private let owner: UInt32
    private let modelHash: String
    /// The request's own bytes, with the picture's handle in its place and without what names the call.
    private let request: [UInt8]

    var bytes: Int { request.count }

    /// - Parameter handle: the picture's
    init(_ message: SegmentRequest, handle: String, modelHash: String, owner: UInt32) {
        self.owner = owner
        self.modelHash = modelHash
        var question = message
        question.picture = .handle(handle)
        question.requestID = ""
        question.deadlineMilliseconds = 0
        request = question.encoded()
    }
}

/// An answer in the messages that were sent, all but the trailer.
struct RememberedReply: Sendable {
    /// What a message, or the entry of an answer, takes beside its bytes.
    fileprivate static let overhead = 64

    private(set) var messages: [[UInt8]] = []
    private(set) var bytes = 0
    /// What the answer needed.
    private var prompts = 0
    private var passes = 0
    private var hash = ""

    /// Adds what a step of the drawing made.
    mutating func add(_ step: AnswerDrawing.Step) {
        let sent = step.report == nil ? step.messages : step.messages.dropLast()
        messages += sent
        bytes += sent.reduce(0) { $0 + $1.count + Self.overhead }
        if let count = step.prompts { prompts = count }
        if let report = step.report {
            passes = report.passes + report.featuresCached
            hash = report.answerHash
        }
    }

    /// The trailer of an answer to which nothing was added.
    func trailer(queueMilliseconds: Float) -> [UInt8] {
        var report = Report()
        report.queue = queueMilliseconds
        report.featuresCached = passes
        report.phrasesCached = prompts
        report.latentCached = true
        report.answerHash = hash
        return SegmentReply.trailer(Trailer(report)).encoded()
    }
}

/// Answers that were sent to their end, by their questions. The same question of the same user again costs neither
/// scoring nor drawing.
final class RememberedReplies: Sendable {
    private let cache: Mutex<Cache<ReplyKey, RememberedReply>>
    /// The most that one of them may take: there is room for four of these.
    let largest: Int

    init(limit: Int) {
        cache = Mutex(Cache(limit: limit))
        largest = limit / 4
    }

    var bytes: Int { cache.withLock(\.bytes) }

    func reply(for key: ReplyKey) -> RememberedReply? {
        cache.withLock { $0.value(for: key) }
    }

    func remember(_ reply: RememberedReply, for key: ReplyKey) {
        cache.withLock { $0.insert(reply, bytes: reply.bytes + key.bytes + RememberedReply.overhead, for: key) }
    }
}
