import Limits

/// The server's side of a connection as a state machine: bytes in, actions out; no I/O, clock or tasks (sans-I/O).
///
/// A call is open from its ``Action/open(_:)`` until one of ``reply(_:on:)``, ``finish(_:)``,
/// ``fail(_:with:)``, ``Action/cancel(stream:)`` or the connection's end. Whatever a client does
/// wrong fails that call with a status; the connection survives, unless its bytes are not ttrpc.
package struct ServerConnection: Sendable {
    /// An opened call.
    package struct Call: Equatable, Sendable {
        package let stream: UInt32
        package let method: Method
        /// The request; meaningless for a client-streaming call, whose messages follow.
        package let payload: [UInt8]
        /// Time from now, positive; `nil`: no limit.
        package let timeout: Duration?
    }

    package enum Action: Equatable, Sendable {
        case open(Call)
        /// A message of a client-streaming call.
        case message(stream: UInt32, [UInt8])
        /// The client sends no more on this client-streaming call.
        case halfClose(stream: UInt32)
        /// The client's fault failed the call: stop working on it. Its status is in the `write` that follows.
        case cancel(stream: UInt32)
        case write([UInt8])
        /// The bytes are not ttrpc: close, which cancels every call.
        case close(RPCStatus)
    }

    /// The input that a stream may still receive from the client.
    private enum Input {
        /// Nothing: the request was all.
        case complete
        /// Messages, until it half-closes.
        case open
        /// Nothing: it has half-closed.
        case closed
    }

    private var decoder = FrameDecoder()
    private var calls: [UInt32: Input] = [:]
    private var newestStream: UInt32 = 0
    private var isClosed = false
    /// Why the last call that failed for its client's fault did.
    package private(set) var lastFault: RPCStatus?

    package init() {}

    /// The number of frames that ended, decoded or skipped.
    package var frameCount: Int { decoder.count }

    /// Bytes in the buffer of the next frame, header included; 0 before its header is complete.
    package var keptBytes: Int { decoder.buffered < Frame.headerLength ? 0 : decoder.buffered }

    /// Bytes received of the next frame, buffered or skipped; `nil` between frames.
    package var partialBytes: Int? { decoder.partialBytes }

    /// The payload's length of the next frame, if the frame is complete.
    package var nextFrameBytes: Int? { decoder.nextBytes }

    /// The number of open calls.
    package var openCalls: Int { calls.count }

    // MARK: From the client

    package mutating func receive(_ bytes: some Collection<UInt8>) -> [Action] {
        append(bytes)
        var actions: [Action] = []
        while let next = next() { actions += next }
        return actions
    }

    /// Buffers received bytes for ``next()``.
    package mutating func append(_ bytes: some Collection<UInt8>) {
        if !isClosed { decoder.append(bytes) }
    }

    /// Takes the next frame where it is large, to be read on another thread; what follows from it is
    /// ``receive(_:_:)``, before ``next()``.
    package mutating func takeLarge() -> LargeFrame? { isClosed ? nil : decoder.takeLarge() }

    /// The actions of a frame that was taken.
    ///
    /// - Parameter request: its payload, where that was read already
    package mutating func receive(_ frame: Frame, _ request: Result<CallRequest, RPCStatus>?) -> [Action] {
        isClosed ? [] : receive(.frame(frame), request)
    }

    /// The actions of the next frame, perhaps none; `nil` until more bytes are appended.
    package mutating func next() -> [Action]? {
        guard !isClosed else { return nil }
        do throws(RPCStatus) {
            return try decoder.next().map { receive($0, nil) }
        } catch {
            isClosed = true
            calls = [:]
            return [.close(error)]
        }
    }

    /// Refuses the incomplete frame, which is over a quota: fails its call, and skips its bytes as they come.
    package mutating func refuseNext(with status: RPCStatus) -> [Action] {
        guard !isClosed, case .oversized(let kind, let stream, _)? = decoder.skip() else { return [] }
        return skipped(kind, stream, because: status)
    }

    private mutating func receive(_ event: FrameDecoder.Event, _ request: Result<CallRequest, RPCStatus>?) -> [Action] {
        switch event {
        case .frame(let frame):
            do throws(RPCStatus) {
                switch frame.kind {
                case .request: return [.open(try opened(frame, request))]
                case .data: return try received(frame)
                case .response: return []
                }
            } catch {
                return refuse(frame.stream, error)
            }
        case .oversized(let kind, let stream, let length):
            return skipped(kind, stream, because: Frame.tooLong(length))
        case .unknown: return []
        }
    }

    /// Fails the call of a frame that is skipped.
    private mutating func skipped(_ kind: Frame.Kind, _ stream: UInt32, because status: RPCStatus) -> [Action] {
        do throws(RPCStatus) {
            switch kind {
            case .request: try admit(stream)
            case .data: guard try input(of: stream) != nil else { return [] }
            case .response: return []
            }
            throw status
        } catch {
            return refuse(stream, error)
        }
    }

    /// Fails a call for its client's fault, also one that was not opened yet.
    private mutating func refuse(_ stream: UInt32, _ status: RPCStatus) -> [Action] {
        let wasOpen = calls.removeValue(forKey: stream) != nil
        lastFault = status
        let answer = Action.write(Frame.failure(status, stream: stream).encoded())
        return wasOpen ? [.cancel(stream: stream), answer] : [answer]
    }

    /// Checks the number of a new stream: odd, and greater than all before.
    private mutating func admit(_ stream: UInt32) throws(RPCStatus) {
        guard stream % 2 == 1 else { throw Self.evenStream(stream) }
        guard stream > newestStream else {
            throw RPCStatus(
                .invalidArgument,
                "Stream \(stream) is not new; open a number over \(newestStream).")
        }
        newestStream = stream
    }

    private mutating func opened(_ frame: Frame, _ known: Result<CallRequest, RPCStatus>?) throws(RPCStatus) -> Call {
        try admit(frame.stream)
        guard calls.count < Limit.streams else {
            throw RPCStatus(
                .resourceExhausted,
                """
                \(calls.count) calls are open on this connection, the most there may be; wait \
                for one to end.
                """,
                refusal: Refusal(
                    .openCalls, delay: .milliseconds(Limit.leastRetryMilliseconds), queuePosition: nil))
        }
        let request = if let known { try known.get() } else { try CallRequest(decoding: frame.payload) }
        let method = try Method(service: request.service, name: request.method)
        guard frame.flags.intersection([.remoteClosed, .remoteOpen]) == method.shape.flags else {
            throw RPCStatus(
                .invalidArgument,
                """
                \(method.name) is \(method.shape): its request has flags \
                \(method.shape.flags.rawValue), not \(frame.flags.rawValue).
                """)
        }
        guard request.timeout >= 0 else {
            throw RPCStatus(
                .deadlineExceeded, "The deadline passed \(request.timeout.magnitude) ns ago.")
        }
        calls[frame.stream] = method.shape == .clientStreaming ? .open : .complete
        return Call(
            stream: frame.stream, method: method, payload: request.payload,
            timeout: request.timeout == 0 ? nil : .nanoseconds(request.timeout))
    }

    /// The input that a stream may still receive; `nil` for one that has ended, on which a late frame is no error.
    private func input(of stream: UInt32) throws(RPCStatus) -> Input? {
        if let input = calls[stream] { return input }
        guard stream % 2 == 1 else { throw Self.evenStream(stream) }
        guard stream <= newestStream else {
            throw RPCStatus(
                .invalidArgument, "Data came on stream \(stream), which no request has opened.")
        }
        return nil
    }

    private mutating func received(_ data: Frame) throws(RPCStatus) -> [Action] {
        let stream = data.stream
        let hasMessage = !data.flags.contains(.noData)
        switch try input(of: stream) {
        case nil: return []
        case .complete:
            throw RPCStatus(
                .invalidArgument, "Data came on stream \(stream), whose request was all of it.")
        case .closed:
            throw RPCStatus(.invalidArgument, "Data came on stream \(stream) after its end.")
        case .open: break
        }
        guard hasMessage || data.payload.isEmpty else {
            throw RPCStatus(
                .invalidArgument,
                "A frame that says it has no data carries \(data.payload.count) bytes.")
        }
        var actions: [Action] = hasMessage ? [.message(stream: stream, data.payload)] : []
        if data.flags.contains(.remoteClosed) {
            calls[stream] = .closed
            actions.append(.halfClose(stream: stream))
        }
        return actions
    }

    private static func evenStream(_ stream: UInt32) -> RPCStatus {
        RPCStatus(.invalidArgument, "Stream \(stream) is even; a client's numbers are odd.")
    }

    // MARK: To the client

    /// Ends a unary or client-streaming call with its one reply: the frame's bytes; `nil` if the call has ended.
    package mutating func reply(_ message: [UInt8], on stream: UInt32) -> [UInt8]? {
        guard calls.removeValue(forKey: stream) != nil else { return nil }
        do throws(RPCStatus) {
            let payload = CallResponse.success(message).encoded()
            return try Frame(.response, stream: stream, flags: [], payload: payload).encoded()
        } catch {
            return Frame.failure(error, stream: stream).encoded()
        }
    }

    /// The frame of one reply of a server-streaming call; `nil` if the call has ended.
    ///
    /// - Throws: `resourceExhausted` for a message over a frame's limit; the call stays open
    package func send(_ message: [UInt8], on stream: UInt32) throws(RPCStatus) -> [UInt8]? {
        guard calls[stream] != nil else { return nil }
        return try Frame(.data, stream: stream, flags: [], payload: message).encoded()
    }

    /// Ends a server-streaming call with success: the frame's bytes; `nil` if the call has ended.
    package mutating func finish(_ stream: UInt32) -> [UInt8]? {
        calls.removeValue(forKey: stream).map { _ in Frame.end(of: stream).encoded() }
    }

    /// Ends a call with a failure: the frame's bytes; `nil` if the call has ended.
    package mutating func fail(_ stream: UInt32, with status: RPCStatus) -> [UInt8]? {
        calls.removeValue(forKey: stream).map { _ in
            Frame.failure(status, stream: stream).encoded()
        }
    }
}
