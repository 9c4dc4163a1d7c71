import Logging
import RPC
import Segmentation
import Synchronization

/// What all connections share, and the calls that never wait for the engine.
final class Service: Sendable {
    let engine: Engine
    let limits: ConnectionLimits
    let log: Logger
    private let started = ContinuousClock.now
    private let draining = Atomic<Bool>(false)
    private let connections = Atomic<UInt64>(0)

    init(engine: Engine, limits: ConnectionLimits, log: Logger) {
        self.engine = engine
        self.limits = limits
        self.log = log
    }

    /// A number that no other connection has.
    func nextConnection() -> UInt64 { connections.add(1, ordering: .relaxed).newValue }

    /// Whether it takes no more work.
    var isDraining: Bool { draining.load(ordering: .relaxed) }

    /// From here on the service takes no work, and says so.
    func startDraining() {
        draining.store(true, ordering: .relaxed)
    }

    /// Answers a unary call.
    ///
    /// - Parameter owner: the uid that asks
    func answer(_ method: Method, _ payload: [UInt8], owner: UInt32) throws(RPCStatus) -> [UInt8] {
        switch method {
        case .health: try health(HealthCheckRequest(decoding: payload)).encoded()
        case .status: try status(StatusRequest(decoding: payload)).encoded()
        case .cancel: try cancel(CancelRequest(decoding: payload), owner: owner).encoded()
        case .look, .segment:
            throw RPCStatus(.internal, "\(method.name) is \(method.shape), it has no single answer.")
        }
    }

    private func health(_ request: HealthCheckRequest) throws(RPCStatus) -> HealthCheckResponse {
        guard ["", Method.segmenterService].contains(request.service) else {
            throw RPCStatus(
                .notFound,
                "Nothing is known of the service \"\(request.service)\": ask for \(Method.segmenterService).")
        }
        return HealthCheckResponse(status: isDraining ? .notServing : .serving)
    }

    private func status(_: StatusRequest) throws(RPCStatus) -> StatusReply {
        guard let status = engine.status else {
            throw RPCStatus(.unavailable, "No model is loaded.")
        }
        return StatusReply(status, uptime: started.duration(to: .now))
    }

    private func cancel(_ request: CancelRequest, owner: UInt32) throws(RPCStatus) -> CancelReply {
        guard !request.requestID.isEmpty else {
            throw RPCStatus(
                .invalidArgument, "The request identifier is empty: give the one that the call was made with.")
        }
        return CancelReply(cancelled: UInt32(engine.cancel(request.requestID, owner: owner)))
    }
}
