import Limits
import CMessages

/// The message that opens a call: ttrpc's `Request`.
package struct CallRequest: WireMessage, @unsafe PackedMessage {
    package var service: String
    package var method: String
    package var payload: [UInt8]
    /// Nanoseconds from now; 0: no limit, negative: the deadline has passed.
    package var timeout: Int64
    package var metadata: [Metadata]

    package init(
        service: String, method: String, payload: [UInt8], timeout: Int64, metadata: [Metadata] = []
    ) {
        self.service = service
        self.method = method
        self.payload = payload
        self.timeout = timeout
        self.metadata = metadata
    }

    static var budget: MemoryBudget { .bulk }
    static var initialize: (UnsafeMutablePointer<Ttrpc__Request>?) -> Void {
        unsafe ttrpc__request__init
    }

    init(_ packed: Ttrpc__Request) throws(RPCStatus) {
        let longest = max(unsafe packed.service.len, unsafe packed.method.len)
        guard longest <= Limit.nameBytes else {
            throw RPCStatus(
                .unimplemented,
                """
                There is no service or method whose name has \(longest) bytes; none has more than \
                \(Limit.nameBytes).
                """)
        }
        unsafe service = try text(packed.service, "Request.service", .name)
        unsafe method = try text(packed.method, "Request.method", .name)
        unsafe payload = bytes(packed.payload)
        unsafe timeout = packed.timeout_nano
        unsafe metadata = try list(packed.metadata, packed.n_metadata)
    }

    func fill(_ packed: inout Ttrpc__Request, in arena: borrowing MessageArena) {
        unsafe packed.service = arena.text(service)
        unsafe packed.method = arena.text(method)
        unsafe packed.payload = arena.bytes(payload)
        unsafe packed.timeout_nano = timeout
        unsafe packed.n_metadata = metadata.count
        unsafe packed.metadata = arena.list(metadata)
    }
}

/// A key and value sent along with a call; dseg ignores them.
package struct Metadata: WireMessage, @unsafe PackedMessage {
    package var key: String
    package var value: String

    package init(key: String, value: String) {
        self.key = key
        self.value = value
    }

    static var budget: MemoryBudget { .control }
    static var initialize: (UnsafeMutablePointer<Ttrpc__KeyValue>?) -> Void {
        unsafe ttrpc__key_value__init
    }

    init(_ packed: Ttrpc__KeyValue) throws(RPCStatus) {
        unsafe key = try text(packed.key, "KeyValue.key", .sentence)
        unsafe value = try text(packed.value, "KeyValue.value", .sentence)
    }

    func fill(_ packed: inout Ttrpc__KeyValue, in arena: borrowing MessageArena) {
        unsafe packed.key = arena.text(key)
        unsafe packed.value = arena.text(value)
    }
}

/// The message that ends a call: ttrpc's `Response`.
package enum CallResponse: WireMessage, @unsafe PackedMessage {
    /// The reply of a unary or client-streaming call; on the wire its status is absent, or its code 0.
    case success([UInt8])
    case failure(RPCStatus)

    static var budget: MemoryBudget { .bulk }
    static var initialize: (UnsafeMutablePointer<Ttrpc__Response>?) -> Void {
        unsafe ttrpc__response__init
    }

    init(_ packed: Ttrpc__Response) throws(RPCStatus) {
        if let status = unsafe packed.status,
            unsafe status.pointee.code != RPCStatus.Code.ok.rawValue
        {
            self = .failure(try unsafe RPCStatus(status.pointee))
        } else {
            self = unsafe .success(bytes(packed.payload))
        }
    }

    func fill(_ packed: inout Ttrpc__Response, in arena: borrowing MessageArena) {
        switch self {
        case .success(let payload): unsafe packed.payload = arena.bytes(payload)
        case .failure(let status): unsafe packed.status = arena.message(status)
        }
    }
}

extension RPCStatus: WireMessage, @unsafe PackedMessage {
    static var budget: MemoryBudget { .control }
    static var initialize: (UnsafeMutablePointer<Ttrpc__Status>?) -> Void {
        unsafe ttrpc__status__init
    }

    /// A code that google.rpc does not define becomes `unknown`, as google.rpc demands.
    init(_ packed: Ttrpc__Status) throws(RPCStatus) {
        unsafe self.init(
            Code(rawValue: packed.code) ?? .unknown, try text(packed.message, "Status.message", .sentence),
            refusal: Refusal(try list(packed.details, packed.n_details)))
    }

    func fill(_ packed: inout Ttrpc__Status, in arena: borrowing MessageArena) {
        unsafe packed.code = code.rawValue
        unsafe packed.message = arena.text(message)
        let details = refusal?.details ?? []
        unsafe packed.n_details = details.count
        unsafe packed.details = arena.list(details)
    }
}
