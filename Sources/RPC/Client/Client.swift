/// A blocking client of the daemon: one connection, one call at a time.
///
/// Closing the connection, by releasing the client or ending the program, cancels its call; another thread cancels by
/// `Cancel` through a client of its own.
package final class Client {
    private let socket: UnixSocket
    private var decoder = FrameDecoder()
    private var nextStream: UInt32 = 1

    /// The timeout sent with every call, which the daemon enforces; `nil`: none.
    package var timeout: Duration?
    /// The longest time without a message sent to or received from the daemon; `nil`: no limit.
    private let silenceLimit: Duration?
    /// When the daemon has been silent for too long: renewed by each complete message, not by parts of one.
    private var deadline: Deadline?

    /// Bytes of a picture in each message of an upload, so that the message is at most 1 MiB.
    private static let pieceLength = (1 << 20) - 16

    package convenience init(path: String, silenceLimit: Duration? = nil) throws(RPCStatus) {
        let socket = try UnixSocket(connecting: path, until: silenceLimit.map(Deadline.init))
        self.init(socket: socket, silenceLimit: silenceLimit)
    }

    /// Connects to the first path where a daemon answers.
    ///
    /// - Parameter paths: at least one, as ``SocketPath`` finds them
    /// - Throws: the only path's failure, or `unavailable` with advice how to start a daemon
    package convenience init(answeringAt paths: [String], silenceLimit: Duration? = nil) throws(RPCStatus) {
        for path in paths.dropLast() {
            do throws(RPCStatus) {
                try self.init(path: path, silenceLimit: silenceLimit)
                return
            } catch {
                guard error.code == .unavailable else { throw error }
            }
        }
        do throws(RPCStatus) {
            try self.init(path: paths.last ?? "", silenceLimit: silenceLimit)
        } catch {
            guard paths.count > 1, error.code == .unavailable else { throw error }
            throw RPCStatus(
                .unavailable,
                "No daemon answers at \(paths.joined(separator: " or ")); \(SocketAdvice.start(atFirstOf: paths))")
        }
    }

    /// A client on a connected socket.
    package init(socket: consuming UnixSocket, silenceLimit: Duration? = nil) {
        self.socket = socket
        self.silenceLimit = silenceLimit
    }

    // MARK: Calls

    /// Uploads a picture's file.
    ///
    /// - Parameters:
    ///   - recipe: of the first question about it
    ///   - settings: of that recipe
    ///   - model: of that question
    package func look(
        _ file: [UInt8], recipe: String = "", settings: [String] = [], model: String = ""
    ) throws(RPCStatus) -> LookReply {
        let call = try open(.look, payload: [])
        for start in stride(from: 0, to: file.count, by: Self.pieceLength) {
            let piece = file[start..<min(start + Self.pieceLength, file.count)]
            var message = LookRequest(data: Array(piece))
            if start == 0 { (message.recipe, message.settings, message.model) = (recipe, settings, model) }
            try socket.write(call.message(message.encoded()), until: deadline)
            renewDeadline()
        }
        try socket.write(call.halfClose, until: deadline)
        return try reply(to: call, as: LookReply.self)
    }

    /// Segments a picture; `onReply` gets the messages in order, the last of which is the trailer.
    ///
    /// - Throws: an ``RPCStatus``, or what `onReply` throws; the client is then in the middle of a stream and useless
    package func segment(
        _ request: SegmentRequest, onReply: (SegmentReply) throws -> Void
    ) throws {
        var isComplete = false
        try stream(of: .segment, request) { (reply: SegmentReply) in
            if case .trailer = reply { isComplete = true }
            try onReply(reply)
        }
        guard isComplete else { throw RPCStatus(.dataLoss, "The answer ended without its trailer; ask again.") }
    }

    /// Says what is in a picture; `onReply` gets the messages in order.
    ///
    /// - Throws: an ``RPCStatus``, or what `onReply` throws; the client is then in the middle of a stream and useless
    package func describe(_ request: DescribeRequest, onReply: (DescribeReply) throws -> Void) throws {
        try stream(of: .describe, request, onReply)
    }

    /// Loads a model and keeps it; `onReply` gets the messages in order, the last of which is the model.
    ///
    /// - Throws: an ``RPCStatus``, or what `onReply` throws; the client is then in the middle of a stream and useless
    package func warm(_ request: WarmRequest, onReply: (WarmReply) throws -> Void) throws {
        var isComplete = false
        try stream(of: .warm, request) { (reply: WarmReply) in
            if case .model = reply { isComplete = true }
            try onReply(reply)
        }
        guard isComplete else { throw RPCStatus(.dataLoss, "The answer ended without the loaded model; ask again.") }
    }

    package func unload(_ request: UnloadRequest) throws(RPCStatus) -> UnloadReply {
        try reply(to: open(.unload, payload: request.encoded()), as: UnloadReply.self)
    }

    package func status() throws(RPCStatus) -> StatusReply {
        try reply(to: open(.status, payload: StatusRequest().encoded()), as: StatusReply.self)
    }

    /// - Returns: text for Prometheus
    package func metrics() throws(RPCStatus) -> String {
        try reply(to: open(.metrics, payload: MetricsRequest().encoded()), as: MetricsReply.self).text
    }

    /// - Returns: how many calls were cancelled
    package func cancel(_ requestID: String) throws(RPCStatus) -> Int {
        let request = CancelRequest(requestID: requestID)
        return Int(try reply(to: open(.cancel, payload: request.encoded()), as: CancelReply.self).cancelled)
    }

    /// Whether the daemon accepts work (`SERVING`).
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

    /// Sends a request and passes on its replies, until the stream ends.
    private func stream<Reply: WireMessage>(
        of method: Method, _ request: some WireMessage, _ onReply: (Reply) throws -> Void
    ) throws {
        let call = try open(method, payload: request.encoded())
        while true {
            for event in try events(of: call) {
                switch event {
                case .message(let message):
                    try onReply(RPCStatus.ofAnswer { () throws(RPCStatus) in try Reply(decoding: message) })
                case .finished: return
                }
            }
        }
    }

    private func renewDeadline() { deadline = silenceLimit.map(Deadline.init) }

    /// Waits for the one reply of a unary or client-streaming call.
    private func reply<Reply: WireMessage>(to call: ClientCall, as _: Reply.Type) throws(RPCStatus) -> Reply {
        while true {
            for case .finished(let payload) in try events(of: call) {
                return try RPCStatus.ofAnswer { () throws(RPCStatus) in try Reply(decoding: payload) }
            }
        }
    }

    /// Waits for the next frame, and returns its events.
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
