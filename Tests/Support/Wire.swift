import Glibc
package import RPC

/// A client connection that can send any bytes, illegal ones included.
package final class Wire {
    private let descriptor: CInt
    private let socket: UnixSocket
    private let daemon: Daemon
    private var decoder = FrameDecoder()

    package init(_ daemon: Daemon) throws {
        self.daemon = daemon
        descriptor = try connect(to: daemon.socket)
        socket = UnixSocket(adopting: descriptor, path: daemon.socket)
    }

    /// Whether the daemon has closed; what it sent before may still be read.
    package var isHungUp: Bool {
        var question = pollfd(fd: descriptor, events: 0, revents: 0)
        return unsafe poll(&question, 1, 0) == 1 && question.revents & Int16(POLLHUP) != 0
    }

    package func send(_ bytes: [UInt8]) throws { try socket.write(bytes) }

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
