/// A blocking client of the daemon: one connection, one call at a time.
///
/// Closing the connection, by letting go of the client or by the program's end, cancels its call;
/// another thread cancels through a client of its own.
package final class Client {
    private let socket: UnixSocket
    private var decoder = FrameDecoder()
    private var nextStream: UInt32 = 1

    /// Sent with every call; `nil`: the daemon may take its time.
    package var timeout: Duration?
    /// How long the daemon may say nothing, or not read; `nil`: for ever.
    private let patience: Duration?
    /// When it has been silent for too long; every message of its gives it new time, as pieces of one do not.
    private var deadline: Deadline?

    /// Data frames of an upload hold this much, one message of at most 1 MiB.
    private static let pieceLength = (1 << 20) - 16

    package convenience init(path: String, patience: Duration? = nil) throws(RPCStatus) {
        let socket = try UnixSocket(connecting: path, until: patience.map(Deadline.init))
        self.init(socket: socket, patience: patience)
    }

    /// Connects to the first path that answers.
    ///
    /// - Parameter paths: at least one, as ``SocketPath`` finds them
    /// - Throws: what the only path's failure was, or `unavailable`, with what to type
    package convenience init(answeringAt paths: [String], patience: Duration? = nil) throws(RPCStatus) {
        for path in paths.dropLast() {
            do throws(RPCStatus) {
                try self.init(path: path, patience: patience)
                return
            } catch where error.code == .unavailable {
                continue
            }
        }
        do throws(RPCStatus) {
            try self.init(path: paths.last ?? "", patience: patience)
        } catch where paths.count > 1 && error.code == .unavailable {
            throw RPCStatus(
                .unavailable,
                "No daemon answers at \(paths.joined(separator: " or ")); \(SocketAdvice.start(atFirstOf: paths))")
        }
    }

    /// A client of whoever is at the other end.
    package init(socket: consuming UnixSocket, patience: Duration? = nil) {
        self.socket = socket
        self.patience = patience
    }

    // MARK: Calls

    /// Brings a picture's file in pieces.
    package func look(_ file: [UInt8]) throws(RPCStatus) -> LookReply {
        let call = try open(.look, payload: [])
        for start in stride(from: 0, to: file.count, by: Self.pieceLength) {
            let piece = file[start..<min(start + Self.pieceLength, file.count)]
            try socket.write(call.message(LookRequest(data: Array(piece)).encoded()), until: deadline)
            renewDeadline()
        }
        try socket.write(call.halfClose, until: deadline)
        return try reply(to: call, as: LookReply.self)
    }

    /// Asks for labels; `onReply` gets the replies in their order, the last is the trailer.
    ///
    /// - Throws: an ``RPCStatus``, or what `onReply` throws; then let go of the client
    package func segment(
        _ request: SegmentRequest, onReply: (SegmentReply) throws -> Void
    ) throws {
        let call = try open(.segment, payload: request.encoded())
        var isComplete = false
        while true {
            for event in try events(of: call) {
                switch event {
                case .message(let message):
                    let reply = try RPCStatus.ofAnswer { () throws(RPCStatus) in try SegmentReply(decoding: message) }
                    if case .trailer = reply { isComplete = true }
                    try onReply(reply)
                case .finished:
                    guard isComplete else {
                        throw RPCStatus(
                            .dataLoss, "The answer ended without its trailer; ask again.")
                    }
                    return
                }
            }
        }
    }

    package func status() throws(RPCStatus) -> StatusReply {
        try reply(to: open(.status, payload: StatusRequest().encoded()), as: StatusReply.self)
    }

    /// - Returns: how many calls were cancelled
    package func cancel(_ requestID: String) throws(RPCStatus) -> Int {
        let request = CancelRequest(requestID: requestID)
        return Int(try reply(to: open(.cancel, payload: request.encoded()), as: CancelReply.self).cancelled)
    }

    /// Whether the daemon takes work.
    package func health() throws(RPCStatus) -> Bool {
        let request = HealthCheckRequest(service: Method.segmenterService)
        return try reply(to: open(.health, payload: request.encoded()), as: HealthCheckResponse.self).status == .serving
    }

    // MARK: The connection

    private func open(
        _ method: Method, payload: [UInt8]
    ) throws(RPCStatus) -> ClientCall {
        let call = try ClientCall(
            method, stream: nextStream, payload: payload, timeout: timeout)
        nextStream += 2
        renewDeadline()
        try socket.write(call.opening, until: deadline)
        return call
    }

    private func renewDeadline() { deadline = patience.map(Deadline.init) }

    /// The one reply of a unary or client-streaming call.
    private func reply<Reply: WireMessage>(to call: ClientCall, as _: Reply.Type) throws(RPCStatus) -> Reply {
        while true {
            for case .finished(let payload) in try events(of: call) {
                return try RPCStatus.ofAnswer { () throws(RPCStatus) in try Reply(decoding: payload) }
            }
        }
    }

    /// What the next frame means, waiting for it.
    private func events(of call: ClientCall) throws(RPCStatus) -> [ClientCall.Event] {
        while true {
            if let event = try RPCStatus.ofAnswer({ () throws(RPCStatus) in try decoder.next() }) {
                let events = try call.received(event)
                if !events.isEmpty { renewDeadline() }
                return events
            }
            let bytes = try socket.read(until: deadline)
            guard !bytes.isEmpty else {
                throw RPCStatus(
                    .unavailable,
                    """
                    The daemon at \(socket.path) closed the connection before it answered; ask \
                    again, or look at its log.
                    """)
            }
            decoder.append(bytes)
        }
    }
}
