/// How many messages each side of a call sends.
package enum CallShape: Sendable {
    /// One request, one reply.
    case unary
    /// One request, any number of replies.
    case serverStreaming
    /// Any number of messages, one reply.
    case clientStreaming

    /// The flags of the request frame.
    var flags: Frame.Flags {
        switch self {
        case .unary: []
        case .serverStreaming: .remoteClosed
        case .clientStreaming: .remoteOpen
        }
    }
}

/// The methods of a dseg daemon.
package enum Method: CaseIterable, Sendable {
    case look
    case segment
    case describe
    case status
    case cancel
    case warm
    case unload
    case metrics
    case health

    package static let segmenterService = "dseg.v1.Segmenter"

    package var service: String {
        self == .health ? "grpc.health.v1.Health" : Self.segmenterService
    }

    package var name: String {
        switch self {
        case .look: "Look"
        case .segment: "Segment"
        case .describe: "Describe"
        case .status: "Status"
        case .cancel: "Cancel"
        case .warm: "Warm"
        case .unload: "Unload"
        case .metrics: "Metrics"
        case .health: "Check"
        }
    }

    /// Whether it is for administrators alone.
    package var isAdministration: Bool {
        switch self {
        case .unload, .metrics: true
        case .look, .segment, .describe, .status, .cancel, .warm, .health: false
        }
    }

    /// Whether it is answered at once, by what the daemon knows of itself.
    package var isControl: Bool {
        switch self {
        case .status, .cancel, .metrics, .health: true
        case .look, .segment, .describe, .warm, .unload: false
        }
    }

    package var shape: CallShape {
        switch self {
        case .look: .clientStreaming
        case .segment, .describe, .warm: .serverStreaming
        case .status, .cancel, .unload, .metrics, .health: .unary
        }
    }

    /// - Throws: `unimplemented` for a name that is none of these
    package init(service: String, name: String) throws(RPCStatus) {
        // Compares bytes: `==` of strings is quadratic in a run of combining marks, which a client may send.
        let known = Self.allCases.first {
            $0.service.utf8.elementsEqual(service.utf8) && $0.name.utf8.elementsEqual(name.utf8)
        }
        guard let known else {
            let names = Self.allCases.map { "\($0.service)/\($0.name)" }.joined(separator: ", ")
            let unknown = "\(service)/\(name)".unicodeScalars.prefix(160)
            throw RPCStatus(
                .unimplemented, "There is no \(String(unknown)); there are \(names).")
        }
        self = known
    }
}
