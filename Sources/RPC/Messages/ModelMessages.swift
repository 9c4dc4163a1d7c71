import CMessages

/// A model that is loaded, or being loaded, or a network beside one.
package struct ModelStatus: WireMessage, @unsafe PackedMessage {
    package var name: String
    package var hash: String
    /// Bytes of weights in memory.
    package var bytes: UInt64
    package var precision: String
    /// `segmenter`, or of a network beside it `captioner` or `filter`.
    package var role: String
    /// From now until it is let go of, if no call uses it.
    package var untilMilliseconds: UInt64
    package var keptForEver: Bool
    /// How far its loading is; `nil`: it is loaded.
    package var loading: Loading?
    /// That use it now: they wait, run or are parked.
    package var calls: UInt32
    /// That it answered since it was loaded.
    package var requests: UInt64
    /// Of its last 512 calls, from their arrival to their end; 0 where there were none.
    package var p50Milliseconds: Float
    package var p99Milliseconds: Float
    /// Of a captioner or filter: the name of the model that it stands beside.
    package var model: String

    package init(
        name: String, hash: String, bytes: UInt64, precision: String, role: String, untilMilliseconds: UInt64,
        keptForEver: Bool, loading: Loading?, calls: UInt32, requests: UInt64, p50Milliseconds: Float,
        p99Milliseconds: Float, model: String
    ) {
        self.name = name
        self.hash = hash
        self.bytes = bytes
        self.precision = precision
        self.role = role
        self.untilMilliseconds = untilMilliseconds
        self.keptForEver = keptForEver
        self.loading = loading
        self.calls = calls
        self.requests = requests
        self.p50Milliseconds = p50Milliseconds
        self.p99Milliseconds = p99Milliseconds
        self.model = model
    }

    static var budget: MemoryBudget { .control }
    static var initialize: (UnsafeMutablePointer<Dseg__V1__ModelStatus>?) -> Void {
        unsafe dseg__v1__model_status__init
    }

    init(_ packed: Dseg__V1__ModelStatus) throws(RPCStatus) {
        unsafe name = try text(packed.name, "ModelStatus.name", .name)
        unsafe hash = try text(packed.hash, "ModelStatus.hash", .name)
        unsafe bytes = packed.bytes
        unsafe precision = try text(packed.precision, "ModelStatus.precision", .name)
        unsafe role = try text(packed.role, "ModelStatus.role", .name)
        unsafe untilMilliseconds = packed.until_milliseconds
        unsafe keptForEver = packed.kept_for_ever != 0
        loading = if let loading = unsafe packed.loading { try unsafe Loading(loading.pointee) } else { nil }
        unsafe calls = packed.calls
        unsafe requests = packed.requests
        unsafe p50Milliseconds = packed.p50_milliseconds
        unsafe p99Milliseconds = packed.p99_milliseconds
        unsafe model = try text(packed.model, "ModelStatus.model", .name)
    }

    func fill(_ packed: inout Dseg__V1__ModelStatus, in arena: borrowing MessageArena) {
        unsafe packed.name = arena.text(name)
        unsafe packed.hash = arena.text(hash)
        unsafe packed.bytes = bytes
        unsafe packed.precision = arena.text(precision)
        unsafe packed.role = arena.text(role)
        unsafe packed.until_milliseconds = untilMilliseconds
        unsafe packed.kept_for_ever = keptForEver ? 1 : 0
        if let loading { unsafe packed.loading = arena.message(loading) }
        unsafe packed.calls = calls
        unsafe packed.requests = requests
        unsafe packed.p50_milliseconds = p50Milliseconds
        unsafe packed.p99_milliseconds = p99Milliseconds
        unsafe packed.model = arena.text(model)
    }
}

/// How far a model's loading is.
package struct Loading: WireMessage, @unsafe PackedMessage {
    package enum Stage: UInt32, CaseIterable, Sendable {
        /// For another model's loading, or for memory that models in use hold.
        case waiting = 0
        /// Reads the headers of its files.
        case opening = 1
        /// Reads its weights.
        case reading = 2
    }

    /// The model's name.
    package var model: String
    package var stage: Stage
    /// Of weights that are read.
    package var bytes: UInt64
    /// Of weights to read; 0: not known yet.
    package var totalBytes: UInt64

    package init(model: String, stage: Stage, bytes: UInt64, totalBytes: UInt64) {
        self.model = model
        self.stage = stage
        self.bytes = bytes
        self.totalBytes = totalBytes
    }

    /// From 0 to 100, and 100 only when all is read.
    package var percent: Int {
        guard totalBytes > 0 else { return 0 }
        guard bytes < totalBytes else { return 100 }
        // In full width, since a hundred times the bytes need not fit.
        return Int(totalBytes.dividingFullWidth(bytes.multipliedFullWidth(by: 100)).quotient)
    }

    static var budget: MemoryBudget { .control }
    static var initialize: (UnsafeMutablePointer<Dseg__V1__Loading>?) -> Void {
        unsafe dseg__v1__loading__init
    }

    init(_ packed: Dseg__V1__Loading) throws(RPCStatus) {
        unsafe model = try text(packed.model, "Loading.model", .name)
        unsafe stage = try choice(packed.stage.rawValue, "Loading.stage")
        unsafe bytes = packed.bytes
        unsafe totalBytes = packed.total_bytes
    }

    func fill(_ packed: inout Dseg__V1__Loading, in arena: borrowing MessageArena) {
        unsafe packed.model = arena.text(model)
        unsafe packed.stage.rawValue = stage.rawValue
        unsafe packed.bytes = bytes
        unsafe packed.total_bytes = totalBytes
    }
}

/// The request of `Warm`: loads a model, unless it is, and keeps it.
package struct WarmRequest: WireMessage, @unsafe PackedMessage {
    /// Name or hash; empty: the default.
    package var model: String
    /// As of ``SegmentRequest``, from when the model is loaded.
    package var keepAlive: String
    package var requestID: String
    package var deadlineMilliseconds: UInt32

    package init(model: String, keepAlive: String, requestID: String, deadlineMilliseconds: UInt32) {
        self.model = model
        self.keepAlive = keepAlive
        self.requestID = requestID
        self.deadlineMilliseconds = deadlineMilliseconds
    }

    static var budget: MemoryBudget { .control }
    static var initialize: (UnsafeMutablePointer<Dseg__V1__WarmRequest>?) -> Void {
        unsafe dseg__v1__warm_request__init
    }

    init(_ packed: Dseg__V1__WarmRequest) throws(RPCStatus) {
        unsafe model = try text(packed.model, "WarmRequest.model", .name)
        unsafe keepAlive = try text(packed.keep_alive, "WarmRequest.keep_alive", .name)
        unsafe requestID = try text(packed.request_id, "WarmRequest.request_id", .name)
        unsafe deadlineMilliseconds = packed.deadline_milliseconds
    }

    func fill(_ packed: inout Dseg__V1__WarmRequest, in arena: borrowing MessageArena) {
        unsafe packed.model = arena.text(model)
        unsafe packed.keep_alive = arena.text(keepAlive)
        unsafe packed.request_id = arena.text(requestID)
        unsafe packed.deadline_milliseconds = deadlineMilliseconds
    }
}

/// One message of a `Warm` stream.
package enum WarmReply: WireMessage, @unsafe PackedMessage {
    case loading(Loading)
    /// The last message.
    case model(ModelStatus)

    static var budget: MemoryBudget { .control }
    static var initialize: (UnsafeMutablePointer<Dseg__V1__WarmReply>?) -> Void {
        unsafe dseg__v1__warm_reply__init
    }

    /// - Throws: `invalidArgument`, also for a reply without a case
    init(_ packed: Dseg__V1__WarmReply) throws(RPCStatus) {
        switch unsafe packed.reply_case {
        case DSEG__V1__WARM_REPLY__REPLY_LOADING:
            self = unsafe .loading(try Loading(packed.loading.pointee))
        case DSEG__V1__WARM_REPLY__REPLY_MODEL:
            self = unsafe .model(try ModelStatus(packed.model.pointee))
        default:
            throw RPCStatus(.invalidArgument, "A WarmReply holds no loading or model; is the daemon newer?")
        }
    }

    func fill(_ packed: inout Dseg__V1__WarmReply, in arena: borrowing MessageArena) {
        switch self {
        case .loading(let loading):
            unsafe packed.reply_case = DSEG__V1__WARM_REPLY__REPLY_LOADING
            unsafe packed.loading = arena.message(loading)
        case .model(let model):
            unsafe packed.reply_case = DSEG__V1__WARM_REPLY__REPLY_MODEL
            unsafe packed.model = arena.message(model)
        }
    }
}

/// The request of `Unload`: lets go of a model.
package struct UnloadRequest: WireMessage, @unsafe PackedMessage {
    /// Name or hash; empty: all that are loaded.
    package var model: String

    package init(model: String) { self.model = model }

    static var budget: MemoryBudget { .control }
    static var initialize: (UnsafeMutablePointer<Dseg__V1__UnloadRequest>?) -> Void {
        unsafe dseg__v1__unload_request__init
    }

    init(_ packed: Dseg__V1__UnloadRequest) throws(RPCStatus) {
        unsafe model = try text(packed.model, "UnloadRequest.model", .name)
    }

    func fill(_ packed: inout Dseg__V1__UnloadRequest, in arena: borrowing MessageArena) {
        unsafe packed.model = arena.text(model)
    }
}

/// The names of models that are let go of; one that was not loaded is in neither list.
package struct UnloadReply: WireMessage, @unsafe PackedMessage {
    /// That are gone.
    package var unloaded: [String]
    /// That go as soon as their calls have ended.
    package var inUse: [String]

    package init(unloaded: [String], inUse: [String]) {
        self.unloaded = unloaded
        self.inUse = inUse
    }

    static var budget: MemoryBudget { .control }
    static var initialize: (UnsafeMutablePointer<Dseg__V1__UnloadReply>?) -> Void {
        unsafe dseg__v1__unload_reply__init
    }

    init(_ packed: Dseg__V1__UnloadReply) throws(RPCStatus) {
        unsafe unloaded = try texts(packed.unloaded, packed.n_unloaded, "UnloadReply.unloaded", .name)
        unsafe inUse = try texts(packed.in_use, packed.n_in_use, "UnloadReply.in_use", .name)
    }

    func fill(_ packed: inout Dseg__V1__UnloadReply, in arena: borrowing MessageArena) {
        unsafe packed.n_unloaded = unloaded.count
        unsafe packed.unloaded = arena.texts(unloaded)
        unsafe packed.n_in_use = inUse.count
        unsafe packed.in_use = arena.texts(inUse)
    }
}
