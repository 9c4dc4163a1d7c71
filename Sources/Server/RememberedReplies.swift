import RPC
import Segmentation
import Synchronization
import Texts

/// The cache key of an answer: all that determines its messages, bit for bit, except the trailer. Per user, so that no
/// user learns from a cache hit what another has asked.
struct ReplyKey: Hashable, Sendable {
    let owner: UInt32
    private let identity: ExactString
    /// The encoded request, with the picture replaced by its handle, and without what decides no answer: request
    /// identifier, deadline, how long the model is kept, and whether its progress is told.
    private let request: [UInt8]

    var bytes: Int { request.count + identity.text.utf8.count }

    /// - Parameters:
    ///   - handle: the picture's SHA-256
    ///   - identity: of the networks that answer, see `ModelIdentity`
    init(_ message: SegmentRequest, handle: String, identity: String, owner: UInt32) {
        self.owner = owner
        self.identity = ExactString(identity)
        var question = message
        question.picture = .handle(handle)
        question.requestID = ""
        question.deadlineMilliseconds = 0
        question.keepAlive = ""
        question.progress = false
        request = question.encoded()
    }
}

/// A cached answer: its encoded messages, except the trailer.
struct RememberedReply: Sendable {
    /// Bytes that a message, or a cache entry, takes beside its content.
    fileprivate static let overhead = 64

    private(set) var messages: [[UInt8]] = []
    private(set) var bytes = 0
    /// For the trailer: what the answer needed, all of which is cached the next time.
    private var prompts = 0
    private var passes = 0
    private var hash = ""
    /// For the log.
    private(set) var picture: LookedAt?

    /// Appends the messages of a step.
    mutating func add(_ step: AnswerDrawing.Step) {
        let sent = step.report == nil ? step.messages : step.messages.dropLast()
        messages += sent
        bytes += sent.reduce(0) { $0 + $1.count + Self.overhead }
        if let header = step.header { (prompts, picture) = header }
        if let report = step.report {
            passes = report.passes + report.featuresCached
            hash = report.answerHash
        }
    }

    /// The trailer of an answer from the cache: nothing was computed.
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

/// The reply cache: answers that were sent completely. The same request of the same user again costs neither scoring
/// nor encoding.
final class RememberedReplies: Sendable {
    private let cache: Mutex<PrivateCache<ReplyKey, RememberedReply>>
    /// Bytes that one answer may take at most, a quarter of the cache.
    let largest: Int

    init(limit: Int) {
        cache = Mutex(PrivateCache(limit: limit))
        largest = limit / 4
    }

    var bytes: Int { cache.withLock(\.bytes) }

    func bytes(of owner: UInt32) -> Int { cache.withLock { $0.bytes(of: owner) } }

    func reply(for key: ReplyKey) -> RememberedReply? {
        cache.withLock { $0.value(for: key, of: key.owner) }
    }

    func remember(_ reply: RememberedReply, for key: ReplyKey) {
        let bytes = reply.bytes + key.bytes + RememberedReply.overhead
        cache.withLock { $0.insert(reply, bytes: bytes, for: key, of: key.owner) }
    }
}
