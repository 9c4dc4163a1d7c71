import CMessages
import Texts

/// Why a call was refused that may be served later, and when to ask again: `google.rpc.ErrorInfo` and
/// `google.rpc.RetryInfo` in the details of a status.
package struct Refusal: Equatable, Sendable {
    package enum Reason: String, CaseIterable, Sendable {
        case queueFull = "QUEUE_FULL"
        /// From a full queue, by a user who has fewer calls in it.
        case displaced = "DISPLACED"
        /// Of this connection, as many are open as may be.
        case openCalls = "OPEN_CALLS"
        /// No place for another connection.
        case connections = "CONNECTIONS"
        /// Requests and pictures that are received, queued or in use.
        case incomingBytes = "INCOMING_BYTES"
        /// Score maps and answers that wait to be drawn or read.
        case answerBytes = "ANSWER_BYTES"
        /// Models in use leave no room for another.
        case memory = "MEMORY"
        /// The daemon drains.
        case stopping = "STOPPING"
    }

    package let reason: Reason
    /// How long to wait before asking again.
    package let delay: Duration
    /// How many queued calls would have had their turn before; `nil` where none was waited for.
    package let queuePosition: Int?

    package init(_ reason: Reason, delay: Duration, queuePosition: Int?) {
        self.reason = reason
        self.delay = delay
        self.queuePosition = queuePosition
    }
}

// MARK: On the wire

extension Refusal {
    private static let domain: ExactString = "dseg.v1"
    private static let position: ExactString = "queue_position"

    /// - Returns: `nil` where they are not both there, cannot be read, are of another domain or an unknown reason, or
    ///   say no legal time: the status' sentence counts even then
    init?(_ details: [StatusDetail]) {
        guard let error: ErrorInfo = details.first(), let retry: RetryInfo = details.first(),
            ExactString(error.domain) == Self.domain, let reason = Reason(rawValue: error.reason),
            let delay = retry.delay
        else { return nil }
        let position = error.metadata.first { ExactString($0.key) == Self.position }.flatMap { Int($0.value) }
        self.init(reason, delay: delay, queuePosition: position.flatMap { $0 < 0 ? nil : $0 })
    }

    var details: [StatusDetail] {
        let metadata = queuePosition.map { [Metadata(key: Self.position.text, value: "\($0)")] } ?? []
        return [
            StatusDetail(ErrorInfo(reason: reason.rawValue, domain: Self.domain.text, metadata: metadata)),
            StatusDetail(RetryInfo(delay: delay)),
        ]
    }
}

/// A message that says its type: `google.protobuf.Any`.
struct StatusDetail: WireMessage, @unsafe PackedMessage {
    private let type: String
    private let value: [UInt8]

    init(_ message: some StatusDetailMessage) {
        type = Self.url(of: Swift.type(of: message))
        value = message.encoded()
    }

    private static func url(of message: any StatusDetailMessage.Type) -> String {
        "type.googleapis.com/google.rpc.\(message.name)"
    }

    /// The message, where it is of this type and can be read.
    func message<Message: StatusDetailMessage>() -> Message? {
        ExactString(type) == ExactString(Self.url(of: Message.self)) ? try? Message(decoding: value) : nil
    }

    static var budget: MemoryBudget { .control }
    static var initialize: (UnsafeMutablePointer<Ttrpc__Any>?) -> Void { unsafe ttrpc__any__init }

    init(_ packed: Ttrpc__Any) throws(RPCStatus) {
        unsafe type = try text(packed.type_url, "Any.type_url", .name)
        unsafe value = bytes(packed.value)
    }

    func fill(_ packed: inout Ttrpc__Any, in arena: borrowing MessageArena) {
        unsafe packed.type_url = arena.text(type)
        unsafe packed.value = arena.bytes(value)
    }
}

extension [StatusDetail] {
    fileprivate func first<Message: StatusDetailMessage>() -> Message? {
        lazy.compactMap { $0.message() }.first
    }
}

/// A message of google/rpc/error_details.proto.
protocol StatusDetailMessage: WireMessage {
    static var name: String { get }
}

struct ErrorInfo: StatusDetailMessage, @unsafe PackedMessage {
    static let name = "ErrorInfo"

    let reason: String
    let domain: String
    let metadata: [Metadata]

    init(reason: String, domain: String, metadata: [Metadata]) {
        (self.reason, self.domain, self.metadata) = (reason, domain, metadata)
    }

    static var budget: MemoryBudget { .control }
    static var initialize: (UnsafeMutablePointer<Ttrpc__ErrorInfo>?) -> Void { unsafe ttrpc__error_info__init }

    init(_ packed: Ttrpc__ErrorInfo) throws(RPCStatus) {
        unsafe reason = try text(packed.reason, "ErrorInfo.reason", .name)
        unsafe domain = try text(packed.domain, "ErrorInfo.domain", .name)
        unsafe metadata = try list(packed.metadata, packed.n_metadata)
    }

    func fill(_ packed: inout Ttrpc__ErrorInfo, in arena: borrowing MessageArena) {
        unsafe packed.reason = arena.text(reason)
        unsafe packed.domain = arena.text(domain)
        unsafe packed.n_metadata = metadata.count
        unsafe packed.metadata = arena.list(metadata)
    }
}

struct RetryInfo: StatusDetailMessage, @unsafe PackedMessage {
    static let name = "RetryInfo"

    /// `nil` where the message says none, or one that `google.protobuf.Duration` may not: negative, or longer than ten
    /// thousand years.
    let delay: Duration?
    private static let longestSeconds: Int64 = 315_576_000_000

    init(delay: Duration) { self.delay = delay }

    static var budget: MemoryBudget { .control }
    static var initialize: (UnsafeMutablePointer<Ttrpc__RetryInfo>?) -> Void { unsafe ttrpc__retry_info__init }

    init(_ packed: Ttrpc__RetryInfo) throws(RPCStatus) {
        guard let span = unsafe packed.retry_delay.map({ unsafe WireDuration($0.pointee) }),
            (0...Self.longestSeconds).contains(span.seconds), (0..<1_000_000_000).contains(span.nanoseconds)
        else {
            delay = nil
            return
        }
        delay = .seconds(span.seconds) + .nanoseconds(Int64(span.nanoseconds))
    }

    func fill(_ packed: inout Ttrpc__RetryInfo, in arena: borrowing MessageArena) {
        guard let delay else { return }
        unsafe packed.retry_delay = arena.message(WireDuration(delay))
    }
}

/// `google.protobuf.Duration`.
private struct WireDuration: WireMessage, @unsafe PackedMessage {
    let seconds: Int64
    let nanoseconds: Int32

    init(_ duration: Duration) {
        let parts = duration.components
        seconds = parts.seconds
        nanoseconds = Int32(parts.attoseconds / 1_000_000_000)
    }

    static var budget: MemoryBudget { .control }
    static var initialize: (UnsafeMutablePointer<Ttrpc__Duration>?) -> Void { unsafe ttrpc__duration__init }

    init(_ packed: Ttrpc__Duration) {
        unsafe seconds = packed.seconds
        unsafe nanoseconds = packed.nanos
    }

    func fill(_ packed: inout Ttrpc__Duration, in _: borrowing MessageArena) {
        unsafe packed.seconds = seconds
        unsafe packed.nanos = nanoseconds
    }
}
