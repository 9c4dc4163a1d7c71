/// The client's side of one call: encodes its frames and interprets the server's. No I/O.
package struct ClientCall: Sendable {
    package enum Event: Equatable, Sendable {
        /// One of many replies.
        case message([UInt8])
        /// The call succeeded; the payload is the reply of a unary or client-streaming call, else empty.
        case finished([UInt8])
    }

    package let stream: UInt32
    package let method: Method
    /// The request frame.
    package let opening: [UInt8]

    /// - Parameters:
    ///   - stream: odd, and greater than every one before on the connection
    ///   - payload: the request; empty where messages follow
    ///   - timeout: sent with the call; `nil`: none
    /// - Throws: `resourceExhausted` for a request over a frame's limit
    package init(
        _ method: Method, stream: UInt32, payload: [UInt8], timeout: Duration?
    ) throws(RPCStatus) {
        self.stream = stream
        self.method = method
        let request = CallRequest(
            service: method.service, method: method.name, payload: payload,
            timeout: timeout.map(Self.nanoseconds) ?? 0)
        opening = try Frame(
            .request, stream: stream, flags: method.shape.flags, payload: request.encoded()
        ).encoded()
    }

    /// The frame of a message of a client-streaming call.
    ///
    /// - Throws: `resourceExhausted` for one over a frame's limit
    package func message(_ message: [UInt8]) throws(RPCStatus) -> [UInt8] {
        try Frame(.data, stream: stream, flags: [], payload: message).encoded()
    }

    /// The half-close frame. It carries no message, as some servers require.
    package var halfClose: [UInt8] { Frame.end(of: stream).encoded() }

    /// The events of a frame from the server; empty for one of another stream.
    ///
    /// - Throws: the status with which the call failed, or `internal` for a frame that is illegal here
    package func received(_ event: FrameDecoder.Event) throws(RPCStatus) -> [Event] {
        switch event {
        case .oversized(_, stream: stream, let length): throw Frame.tooLong(length)
        case .frame(let frame) where frame.stream == stream:
            switch frame.kind {
            case .response:
                let response = try RPCStatus.ofAnswer { () throws(RPCStatus) in
                    try CallResponse(decoding: frame.payload)
                }
                switch response {
                case .success(let payload): return [.finished(payload)]
                case .failure(let status): throw status
                }
            case .data where method.shape == .serverStreaming:
                let message: [Event] =
                    frame.flags.contains(.noData) ? [] : [.message(frame.payload)]
                return message + (frame.flags.contains(.remoteClosed) ? [.finished([])] : [])
            case .data, .request:
                throw RPCStatus(
                    .internal, "The server sent a \(frame.kind) frame for \(method.name).")
            }
        case .oversized, .unknown, .frame: return []
        }
    }

    /// Never 0, which on the wire means no limit; saturates at Int64's range (292 years).
    private static func nanoseconds(_ duration: Duration) -> Int64 {
        let (seconds, attoseconds) = duration.components
        let (whole, overflow) = seconds.multipliedReportingOverflow(by: 1_000_000_000)
        guard !overflow, abs(whole) < Int64.max / 2 else { return seconds < 0 ? -1 : Int64.max }
        let total = whole + attoseconds / 1_000_000_000
        return total == 0 ? -1 : total
    }
}
