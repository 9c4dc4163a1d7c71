import CMessages

/// Cancels this user's `Segment` calls with a request identifier.
package struct CancelRequest: WireMessage, @unsafe PackedMessage {
    package var requestID: String

    package init(requestID: String) { self.requestID = requestID }

    static var budget: MemoryBudget { .control }
    static var initialize: (UnsafeMutablePointer<Dseg__V1__CancelRequest>?) -> Void {
        unsafe dseg__v1__cancel_request__init
    }

    init(_ packed: Dseg__V1__CancelRequest) throws(RPCStatus) {
        unsafe requestID = try text(packed.request_id, "CancelRequest.request_id", .name)
    }

    func fill(_ packed: inout Dseg__V1__CancelRequest, in arena: borrowing MessageArena) {
        unsafe packed.request_id = arena.text(requestID)
    }
}

/// How many calls were cancelled, queued or running.
package struct CancelReply: WireMessage, @unsafe PackedMessage {
    package var cancelled: UInt32

    package init(cancelled: UInt32) { self.cancelled = cancelled }

    static var budget: MemoryBudget { .control }
    static var initialize: (UnsafeMutablePointer<Dseg__V1__CancelReply>?) -> Void {
        unsafe dseg__v1__cancel_reply__init
    }

    init(_ packed: Dseg__V1__CancelReply) throws(RPCStatus) {
        unsafe cancelled = packed.cancelled
    }

    func fill(_ packed: inout Dseg__V1__CancelReply, in arena: borrowing MessageArena) {
        unsafe packed.cancelled = cancelled
    }
}
