import RPC
import Segmentation
import Texts

/// The unary calls, answered on the event loop without waiting for the engine.
extension ConnectionTable {
    /// - Parameter owner: the uid of the client
    /// - Returns: the encoded reply
    /// - Throws: `invalidArgument` for an illegal request, `notFound` for an unknown service
    func answer(_ method: Method, _ payload: [UInt8], owner: UInt32) throws(RPCStatus) -> [UInt8] {
        switch method {
        case .health: try health(HealthCheckRequest(decoding: payload)).encoded()
        case .status: try status(StatusRequest(decoding: payload)).encoded()
        case .cancel: try cancel(CancelRequest(decoding: payload), owner: owner).encoded()
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
        return HealthCheckResponse(status: service.isDraining ? .notServing : .serving)
    }

    private func status(_: StatusRequest) throws(RPCStatus) -> StatusReply {
        StatusReply(
            service.engine.status, defaultModel: (try? service.model(named: ""))?.name.text ?? "",
            drawing: drawing.waiting, replyBytes: service.replies.bytes, limits: service.limits,
            uptime: service.uptime)
    }

    private func cancel(_ request: CancelRequest, owner: UInt32) throws(RPCStatus) -> CancelReply {
        guard !request.requestID.isEmpty else {
            throw RPCStatus(
                .invalidArgument, "The request identifier is empty: give the one that the call was made with.")
        }
        return CancelReply(cancelled: UInt32(cancel(request.requestID, owner: owner)))
    }
}
