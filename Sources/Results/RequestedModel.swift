package import RPC
package import Texts

/// The model that a request names, and for how long it is to be kept.
package struct RequestedModel: Sendable {
    /// Name or hash; empty: the default.
    package let name: String
    /// `nil`: as the daemon has it.
    let keepAlive: KeepAlive?

    package init(name: String, keepAlive: KeepAlive?) {
        self.name = name
        self.keepAlive = keepAlive
    }

    /// The default, for as long as the daemon keeps it.
    package static let unnamed = RequestedModel(name: "", keepAlive: nil)

    /// The wire's words for ``keepAlive``.
    private var kept: String { keepAlive?.description ?? "" }

    /// A question to this model; it asks for progress where somebody sees it.
    package func asked(_ request: SegmentRequest) -> SegmentRequest {
        var request = request
        request.model = name
        request.keepAlive = kept
        request.progress = ProgressLine.isAnimated
        return request
    }

    func describing(_ picture: [UInt8], _ vocabulary: Vocabulary) -> DescribeRequest {
        DescribeRequest(
            picture: .image(picture), vocabulary: vocabulary, model: name, requestID: "", deadlineMilliseconds: 0,
            keepAlive: kept, progress: ProgressLine.isAnimated)
    }

    package var warming: WarmRequest {
        WarmRequest(model: name, keepAlive: kept, requestID: "", deadlineMilliseconds: 0)
    }
}
