import RPC
import Segmentation
import Texts

/// The unary calls, answered on the event loop without waiting for the engine.
extension ConnectionTable {
    /// - Parameters:
    ///   - owner: the uid of the client
    ///   - standing: the client's
    /// - Returns: the encoded reply
    /// - Throws: `invalidArgument` for an illegal request, `notFound` for an unknown service
    func answer(_ method: Method, _ payload: [UInt8], owner: UInt32, _ standing: Standing) throws(RPCStatus) -> [UInt8]
    {
        switch method {
        case .health: try health(HealthCheckRequest(decoding: payload)).encoded()
        case .status: try status(StatusRequest(decoding: payload), owner: owner, standing).encoded()
        case .cancel: try cancel(CancelRequest(decoding: payload), owner: owner, standing).encoded()
        case .metrics: try metrics(MetricsRequest(decoding: payload)).encoded()
        case .look, .segment, .describe, .warm, .unload:
            throw RPCStatus(.internal, "\(method.name) is not answered at once.")
        }
    }

    private func health(_ request: HealthCheckRequest) throws(RPCStatus) -> HealthCheckResponse {
        guard ["", Method.segmenterService].contains(where: { ExactString($0) == ExactString(request.service) }) else {
            throw RPCStatus(
                .notFound,
                "Nothing is known of the service \"\(request.service)\": ask for \(Method.segmenterService).")
        }
        return HealthCheckResponse(status: service.isDraining || stuck != nil ? .notServing : .serving)
    }

    private func status(
        _: StatusRequest, owner: UInt32, _ standing: Standing
    ) throws(RPCStatus) -> StatusReply {
        let status = service.engine.status
        let seesAll = standing == .administrator
        return StatusReply(
            status, seesAll ? status.everybody : status.part(of: owner),
            defaultModel: (try? service.model(named: ""))?.name.text ?? "", drawing: drawing.waiting,
            replyBytes: seesAll ? service.replies.bytes : service.replies.bytes(of: owner), limits: service.limits,
            uptime: service.uptime, activity: activity(toldTo: owner, standing))
    }

    private func cancel(
        _ request: CancelRequest, owner: UInt32, _ standing: Standing
    ) throws(RPCStatus) -> CancelReply {
        guard !request.requestID.isEmpty else {
            throw RPCStatus(
                .invalidArgument, "The request identifier is empty: give the one that the call was made with.")
        }
        return CancelReply(cancelled: UInt32(cancel(request.requestID, owner: owner, standing)))
    }
}
