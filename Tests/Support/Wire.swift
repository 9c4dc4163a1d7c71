import Glibc
package import RPC

/// A client connection that can send any bytes, illegal ones included.
package final class Wire {
    private let descriptor: CInt
    private let socket: UnixSocket
    /// Kept alive; `nil`: somebody else sees to that.
    private let daemon: Daemon?
    private var decoder = FrameDecoder()

    package convenience init(_ daemon: Daemon) throws { try self.init(to: daemon.socket, keeping: daemon) }

    package init(to path: String, keeping daemon: Daemon?) throws {
        self.daemon = daemon
        descriptor = try connect(to: path)
        socket = UnixSocket(adopting: descriptor, path: path)
    }

    /// Whether the daemon has closed; what it sent before may still be read.
    package var isHungUp: Bool { polled(0) & POLLHUP != 0 }

    /// Whether there is something to read, the end included.
    package var hasInput: Bool { polled(POLLIN) != 0 }

    private func polled(_ events: CInt) -> CInt {
        var question = pollfd(fd: descriptor, events: Int16(events), revents: 0)
        return unsafe poll(&question, 1, 0) == 1 ? CInt(question.revents) : 0
    }

    package func send(_ bytes: [UInt8]) throws { try socket.write(bytes) }

    /// Says that nothing more will be sent.
    package func shut() { shutdown(descriptor, CInt(SHUT_WR)) }

    /// Sends a frame's header and bytes, whatever they are.
    package func frame(_ kind: UInt8, stream: UInt8, flags: UInt8, length: Int? = nil, _ payload: [UInt8]) throws {
        let length = length ?? payload.count
        let size = [24, 16, 8, 0].map { UInt8(truncatingIfNeeded: length >> $0) }
        try send(size + [0, 0, 0, stream, kind, flags] + payload)
    }

    /// Opens a call.
    package func open(_ method: Method, stream: UInt32, _ payload: [UInt8], timeout: Duration? = nil) throws {
        try send(ClientCall(method, stream: stream, payload: payload, timeout: timeout).opening)
    }

    /// The next frame; `nil` at the end.
    package func next() throws -> Frame? {
        while true {
            if case .frame(let frame)? = try decoder.next() { return frame }
            let bytes = try socket.read()
            if bytes.isEmpty { return nil }
            decoder.append(bytes)
        }
    }

    /// The code of the response that ends a call; frames of other calls are passed over.
    package func code(of stream: UInt32) throws -> RPCStatus.Code? {
        while let frame = try next() {
            guard frame.stream == stream, frame.kind == .response else { continue }
            switch try CallResponse(decoding: frame.payload) {
            case .success: return .ok
            case .failure(let status): return status.code
            }
        }
        return nil
    }

    /// Whether a health check is answered after everything that was sent before.
    package func isUsable(stream: UInt32) throws -> Bool {
        try open(.health, stream: stream, HealthCheckRequest(service: "").encoded())
        return try code(of: stream) == .ok
    }
}
