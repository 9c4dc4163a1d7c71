import Glibc

/// A connected Unix socket, read and written blocking; closed at the end of its life.
package struct UnixSocket: ~Copyable {
    private let descriptor: CInt
    /// For messages.
    package let path: String

    /// Takes over a connected socket.
    package init(adopting descriptor: CInt, path: String) {
        self.descriptor = descriptor
        self.path = path
    }

    /// - Throws: `unavailable` where nobody listens, `permissionDenied`, or `invalidArgument` for a
    ///   path that no socket can have
    package init(connecting path: String) throws(RPCStatus) {
        let address = try Self.address(of: path)
        let descriptor = socket(AF_UNIX, CInt(SOCK_STREAM.rawValue | SOCK_CLOEXEC.rawValue), 0)
        guard descriptor >= 0 else { throw Self.failure(errno, at: path) }
        while Self.connect(descriptor, to: address) != 0 {
            let code = errno
            guard code == EINTR else {
                close(descriptor)
                throw Self.failure(code, at: path)
            }
        }
        self.init(adopting: descriptor, path: path)
    }

    private static func address(of path: String) throws(RPCStatus) -> sockaddr_un {
        var address = sockaddr_un()
        address.sun_family = sa_family_t(AF_UNIX)
        let bytes = Array(path.utf8)
        let room = MemoryLayout.size(ofValue: address.sun_path)
        guard (1..<room).contains(bytes.count), !bytes.contains(0) else {
            throw RPCStatus(
                .invalidArgument,
                """
                \(path.debugDescription) of \(bytes.count) bytes cannot be a socket's path; give \
                one of 1 to \(room - 1) bytes.
                """)
        }
        unsafe withUnsafeMutableBytes(of: &address.sun_path) { unsafe $0.copyBytes(from: bytes) }
        return address
    }

    private static func connect(_ descriptor: CInt, to address: sockaddr_un) -> CInt {
        unsafe withUnsafePointer(to: address) { address in
            unsafe address.withMemoryRebound(to: sockaddr.self, capacity: 1) { address in
                let length = socklen_t(MemoryLayout<sockaddr_un>.size)
                return unsafe Glibc.connect(descriptor, address, length)
            }
        }
    }

    deinit { close(descriptor) }

    /// Writes all bytes.
    ///
    /// - Throws: `unavailable` where the other side has closed
    package func write(_ bytes: [UInt8]) throws(RPCStatus) {
        var written = 0
        while written < bytes.count {
            let count = unsafe bytes.withUnsafeBytes { bytes in
                let rest = unsafe UnsafeRawBufferPointer(rebasing: bytes[written...])
                return unsafe send(
                    descriptor, rest.baseAddress, rest.count, CInt(MSG_NOSIGNAL))
            }
            guard count >= 0 else {
                guard errno == EINTR else { throw Self.failure(errno, at: path) }
                continue
            }
            written += count
        }
    }

    /// Whatever has arrived, at least one byte and at most 64 KiB; nothing at the end.
    package func read() throws(RPCStatus) -> [UInt8] {
        while true {
            var code: CInt = 0
            let bytes = unsafe [UInt8](unsafeUninitializedCapacity: 64 << 10) { bytes, count in
                let result = unsafe recv(descriptor, bytes.baseAddress, bytes.count, 0)
                code = result < 0 ? errno : 0
                count = max(0, result)
            }
            if code == 0 { return bytes }
            guard code == EINTR else { throw Self.failure(code, at: path) }
        }
    }

    private static func failure(_ code: CInt, at path: String) -> RPCStatus {
        let reason = unsafe String(cString: strerror(code))
        return switch code {
        case ENOENT, ECONNREFUSED:
            RPCStatus(
                .unavailable,
                "Nothing answers at \(path) (\(reason)); type: dsegd serve --socket \(path)")
        case EACCES, EPERM:
            RPCStatus(
                .permissionDenied,
                "\(path) is not yours to open (\(reason)); join the group that owns it.")
        default:
            RPCStatus(.unavailable, "The connection to \(path) failed (\(reason)); try again.")
        }
    }
}
