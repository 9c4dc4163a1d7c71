import CMessages

/// What the daemon does at this moment, and for whom: a part of ``StatusReply``.
package struct Activity: Equatable, Sendable {
    /// `nil`: none runs, or, except to an administrator, another user's.
    package var running: RunningCall?
    /// To an administrator all who are connected, else the caller alone.
    package var users: [UserStatus]
    /// The last calls that failed, the newest first; except to an administrator, the caller's own.
    package var failures: [CallFailure]
    /// Of requests and pictures that are received, queued or in use.
    package var incomingBytes: UInt64
    /// Of score maps and answers that wait to be drawn or read.
    package var answerBytes: UInt64
    /// For how long the engine has been in one step; 0: it is not stuck.
    package var stuckMilliseconds: UInt64
    /// Whether the caller is an administrator.
    package var isAdministrator: Bool

    package init(
        running: RunningCall?, users: [UserStatus], failures: [CallFailure], incomingBytes: UInt64,
        answerBytes: UInt64, stuckMilliseconds: UInt64, isAdministrator: Bool
    ) {
        self.running = running
        self.users = users
        self.failures = failures
        self.incomingBytes = incomingBytes
        self.answerBytes = answerBytes
        self.stuckMilliseconds = stuckMilliseconds
        self.isAdministrator = isAdministrator
    }

    init(_ packed: Dseg__V1__StatusReply) throws(RPCStatus) {
        running = if let running = unsafe packed.running { try unsafe RunningCall(running.pointee) } else { nil }
        unsafe users = try list(packed.users, packed.n_users)
        unsafe failures = try list(packed.failures, packed.n_failures)
        unsafe incomingBytes = packed.incoming_bytes
        unsafe answerBytes = packed.answer_bytes
        unsafe stuckMilliseconds = packed.stuck_milliseconds
        unsafe isAdministrator = packed.administrator != 0
    }

    func fill(_ packed: inout Dseg__V1__StatusReply, in arena: borrowing MessageArena) {
        if let running { unsafe packed.running = arena.message(running) }
        unsafe packed.n_users = users.count
        unsafe packed.users = arena.list(users)
        unsafe packed.n_failures = failures.count
        unsafe packed.failures = arena.list(failures)
        unsafe packed.incoming_bytes = incomingBytes
        unsafe packed.answer_bytes = answerBytes
        unsafe packed.stuck_milliseconds = stuckMilliseconds
        unsafe packed.administrator = isAdministrator ? 1 : 0
    }
}

/// The call that the engine computes.
package struct RunningCall: WireMessage, @unsafe PackedMessage {
    package var method: String
    /// The uid.
    package var user: UInt32
    package var requestID: String
    package var model: String
    /// `decode`, `autoencoder`, `words`, `text`, `unet` or `maps`.
    package var stage: String
    /// Since it came.
    package var ageMilliseconds: UInt64
    /// Since its last step ended.
    package var stepMilliseconds: UInt64

    package init(
        method: String, user: UInt32, requestID: String, model: String, stage: String, ageMilliseconds: UInt64,
        stepMilliseconds: UInt64
    ) {
        self.method = method
        self.user = user
        self.requestID = requestID
        self.model = model
        self.stage = stage
        self.ageMilliseconds = ageMilliseconds
        self.stepMilliseconds = stepMilliseconds
    }

    static var budget: MemoryBudget { .control }
    static var initialize: (UnsafeMutablePointer<Dseg__V1__RunningCall>?) -> Void {
        unsafe dseg__v1__running_call__init
    }

    init(_ packed: Dseg__V1__RunningCall) throws(RPCStatus) {
        unsafe method = try text(packed.method, "RunningCall.method", .name)
        unsafe user = packed.user
        unsafe requestID = try text(packed.request_id, "RunningCall.request_id", .name)
        unsafe model = try text(packed.model, "RunningCall.model", .name)
        unsafe stage = try text(packed.stage, "RunningCall.stage", .name)
        unsafe ageMilliseconds = packed.age_milliseconds
        unsafe stepMilliseconds = packed.step_milliseconds
    }

    func fill(_ packed: inout Dseg__V1__RunningCall, in arena: borrowing MessageArena) {
        unsafe packed.method = arena.text(method)
        unsafe packed.user = user
        unsafe packed.request_id = arena.text(requestID)
        unsafe packed.model = arena.text(model)
        unsafe packed.stage = arena.text(stage)
        unsafe packed.age_milliseconds = ageMilliseconds
        unsafe packed.step_milliseconds = stepMilliseconds
    }
}

/// What a user has of the daemon.
package struct UserStatus: WireMessage, @unsafe PackedMessage {
    /// The uid.
    package var user: UInt32
    /// `administrator`, `user` or `proxy`.
    package var standing: String
    package var connections: UInt32
    /// Open calls.
    package var calls: UInt32
    package var incomingBytes: UInt64
    package var answerBytes: UInt64
    /// Calls, since the daemon started.
    package var answered: UInt64
    package var failed: UInt64

    package init(
        user: UInt32, standing: String, connections: UInt32, calls: UInt32, incomingBytes: UInt64,
        answerBytes: UInt64, answered: UInt64, failed: UInt64
    ) {
        self.user = user
        self.standing = standing
        self.connections = connections
        self.calls = calls
        self.incomingBytes = incomingBytes
        self.answerBytes = answerBytes
        self.answered = answered
        self.failed = failed
    }

    static var budget: MemoryBudget { .control }
    static var initialize: (UnsafeMutablePointer<Dseg__V1__UserStatus>?) -> Void {
        unsafe dseg__v1__user_status__init
    }

    init(_ packed: Dseg__V1__UserStatus) throws(RPCStatus) {
        unsafe user = packed.user
        unsafe standing = try text(packed.standing, "UserStatus.standing", .name)
        unsafe connections = packed.connections
        unsafe calls = packed.calls
        unsafe incomingBytes = packed.incoming_bytes
        unsafe answerBytes = packed.answer_bytes
        unsafe answered = packed.answered
        unsafe failed = packed.failed
    }

    func fill(_ packed: inout Dseg__V1__UserStatus, in arena: borrowing MessageArena) {
        unsafe packed.user = user
        unsafe packed.standing = arena.text(standing)
        unsafe packed.connections = connections
        unsafe packed.calls = calls
        unsafe packed.incoming_bytes = incomingBytes
        unsafe packed.answer_bytes = answerBytes
        unsafe packed.answered = answered
        unsafe packed.failed = failed
    }
}

/// A call that failed.
package struct CallFailure: WireMessage, @unsafe PackedMessage {
    /// Since it failed.
    package var ageMilliseconds: UInt64
    /// The uid.
    package var user: UInt32
    package var method: String
    package var requestID: String
    package var code: RPCStatus.Code
    /// ``Refusal/Reason``; empty where there was none.
    package var reason: String

    package init(
        ageMilliseconds: UInt64, user: UInt32, method: String, requestID: String, code: RPCStatus.Code, reason: String
    ) {
        self.ageMilliseconds = ageMilliseconds
        self.user = user
        self.method = method
        self.requestID = requestID
        self.code = code
        self.reason = reason
    }

    static var budget: MemoryBudget { .control }
    static var initialize: (UnsafeMutablePointer<Dseg__V1__CallFailure>?) -> Void {
        unsafe dseg__v1__call_failure__init
    }

    init(_ packed: Dseg__V1__CallFailure) throws(RPCStatus) {
        unsafe ageMilliseconds = packed.age_milliseconds
        unsafe user = packed.user
        unsafe method = try text(packed.method, "CallFailure.method", .name)
        unsafe requestID = try text(packed.request_id, "CallFailure.request_id", .name)
        code = unsafe RPCStatus.Code(rawValue: packed.code) ?? .unknown
        unsafe reason = try text(packed.reason, "CallFailure.reason", .name)
    }

    func fill(_ packed: inout Dseg__V1__CallFailure, in arena: borrowing MessageArena) {
        unsafe packed.age_milliseconds = ageMilliseconds
        unsafe packed.user = user
        unsafe packed.method = arena.text(method)
        unsafe packed.request_id = arena.text(requestID)
        unsafe packed.code = code.rawValue
        unsafe packed.reason = arena.text(reason)
    }
}

/// The request of `Metrics`; it has no fields.
package struct MetricsRequest: WireMessage, @unsafe PackedMessage {
    package init() {}

    static var budget: MemoryBudget { .control }
    static var initialize: (UnsafeMutablePointer<Dseg__V1__MetricsRequest>?) -> Void {
        unsafe dseg__v1__metrics_request__init
    }

    init(_: Dseg__V1__MetricsRequest) {}

    func fill(_: inout Dseg__V1__MetricsRequest, in _: borrowing MessageArena) {}
}

/// The reply of `Metrics`: text for Prometheus.
package struct MetricsReply: WireMessage, @unsafe PackedMessage {
    package var text: String

    package init(text: String) { self.text = text }

    static var budget: MemoryBudget { .control }
    static var initialize: (UnsafeMutablePointer<Dseg__V1__MetricsReply>?) -> Void {
        unsafe dseg__v1__metrics_reply__init
    }

    init(_ packed: Dseg__V1__MetricsReply) throws(RPCStatus) {
        unsafe text = try RPC.text(packed.text, "MetricsReply.text", .sentence)
    }

    func fill(_ packed: inout Dseg__V1__MetricsReply, in arena: borrowing MessageArena) {
        unsafe packed.text = arena.text(text)
    }
}
