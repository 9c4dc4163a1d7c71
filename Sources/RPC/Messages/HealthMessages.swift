import CMessages

/// The request of `grpc.health.v1.Health/Check`.
package struct HealthCheckRequest: WireMessage, @unsafe PackedMessage {
    /// The service asked about; empty: the whole server.
    package var service: String

    package init(service: String) { self.service = service }

    static var budget: MemoryBudget { .control }
    static var initialize: (UnsafeMutablePointer<Grpc__Health__V1__HealthCheckRequest>?) -> Void {
        unsafe grpc__health__v1__health_check_request__init
    }

    init(_ packed: Grpc__Health__V1__HealthCheckRequest) throws(RPCStatus) {
        unsafe service = try text(packed.service, "HealthCheckRequest.service", .name)
    }

    func fill(
        _ packed: inout Grpc__Health__V1__HealthCheckRequest, in arena: borrowing MessageArena
    ) {
        unsafe packed.service = arena.text(service)
    }
}

/// The reply of `grpc.health.v1.Health/Check`.
package struct HealthCheckResponse: WireMessage, @unsafe PackedMessage {
    package enum ServingStatus: UInt32, CaseIterable, Sendable {
        case unknown = 0
        case serving = 1
        case notServing = 2
        case serviceUnknown = 3
    }

    package var status: ServingStatus

    package init(status: ServingStatus) { self.status = status }

    static var budget: MemoryBudget { .control }
    static var initialize: (UnsafeMutablePointer<Grpc__Health__V1__HealthCheckResponse>?) -> Void {
        unsafe grpc__health__v1__health_check_response__init
    }

    init(_ packed: Grpc__Health__V1__HealthCheckResponse) throws(RPCStatus) {
        unsafe status = try choice(packed.status.rawValue, "HealthCheckResponse.status")
    }

    func fill(
        _ packed: inout Grpc__Health__V1__HealthCheckResponse, in arena: borrowing MessageArena
    ) {
        unsafe packed.status.rawValue = status.rawValue
    }
}
