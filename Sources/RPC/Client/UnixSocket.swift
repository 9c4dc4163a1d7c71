import Glibc

/// A connected Unix socket, read and written by one thread; closed at the end of its life.
package struct UnixSocket: ~Copyable {
    private let descriptor: CInt
    /// For messages.
    package let path: String

    /// Takes over a connected socket.
    package init(adopting descriptor: CInt, path: String) {
        self.descriptor = descriptor
        self.path = path
    }

    /// Connects, and asks the kernel who listens there.
    ///
    /// - Parameters:
    ///   - path: as ``PathText`` writes it
    ///   - deadline: until when room in a full backlog is waited for; `nil`: for ever
    /// - Throws: `unavailable` where nobody listens, `permissionDenied`, also where another user listens in a place
    ///   that is not theirs alone, `deadlineExceeded`, or `invalidArgument` for a path that no socket can have
    package init(connecting path: String, until deadline: Deadline? = nil) throws(RPCStatus) {
        let address = try Self.address(of: path)
        let descriptor = socket(AF_UNIX, CInt(SOCK_STREAM.rawValue | SOCK_CLOEXEC.rawValue), 0)
        guard descriptor >= 0 else { throw SocketAdvice.failure(errno, at: path) }
        do throws(RPCStatus) {
            try Self.connect(descriptor, to: address, path, deadline)
            try SocketTrust.check(descriptor, at: path)
        } catch {
            close(descriptor)
            throw error
        }
        self.init(adopting: descriptor, path: path)
    }

    private static func connect(
        _ descriptor: CInt, to address: sockaddr_un, _ path: String, _ deadline: Deadline?
    ) throws(RPCStatus) {
        while true {
            // The time to send is the time to connect, too.
            setSendingTime(of: descriptor, deadline)
            if connect(descriptor, to: address) == 0 {
                setSendingTime(of: descriptor, nil)
                return
            }
            let code = errno
            if let deadline, code == EAGAIN || deadline.hasPassed { throw deadline.status(of: path) }
            guard code == EINTR else { throw SocketAdvice.failure(code, at: path) }
        }
    }

    private static func setSendingTime(of descriptor: CInt, _ deadline: Deadline?) {
        let milliseconds = deadline.map { Int($0.milliseconds) } ?? 0
        var time = timeval(tv_sec: milliseconds / 1000, tv_usec: milliseconds % 1000 * 1000)
        unsafe setsockopt(descriptor, SOL_SOCKET, SO_SNDTIMEO, &time, socklen_t(MemoryLayout<timeval>.size))
    }

    private static func address(of path: String) throws(RPCStatus) -> sockaddr_un {
        var address = sockaddr_un()
        address.sun_family = sa_family_t(AF_UNIX)
        let bytes = PathText.name(of: path)
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
    /// - Throws: `unavailable` where the other side has closed, `deadlineExceeded` where it does not read
    package func write(_ bytes: [UInt8], until deadline: Deadline? = nil) throws(RPCStatus) {
        var written = 0
        while written < bytes.count {
            try wait(for: POLLOUT, until: deadline)
            let flags = CInt(MSG_NOSIGNAL) | (deadline == nil ? 0 : CInt(MSG_DONTWAIT))
            let count = unsafe bytes.withUnsafeBytes { bytes in
                let rest = unsafe UnsafeRawBufferPointer(rebasing: bytes[written...])
                return unsafe send(descriptor, rest.baseAddress, rest.count, flags)
            }
            guard count >= 0 else {
                guard errno == EINTR || errno == EAGAIN else { throw SocketAdvice.failure(errno, at: path) }
                continue
            }
            written += count
        }
    }

    /// Whatever has arrived, at least one byte and at most 64 KiB; nothing at the end.
    ///
    /// - Throws: `deadlineExceeded` where nothing arrives
    package func read(until deadline: Deadline? = nil) throws(RPCStatus) -> [UInt8] {
        while true {
            try wait(for: POLLIN, until: deadline)
            var code: CInt = 0
            let bytes = unsafe [UInt8](unsafeUninitializedCapacity: 64 << 10) { bytes, count in
                let result = unsafe recv(descriptor, bytes.baseAddress, bytes.count, 0)
                code = result < 0 ? errno : 0
                count = max(0, result)
            }
            if code == 0 { return bytes }
            guard code == EINTR else { throw SocketAdvice.failure(code, at: path) }
        }
    }

    /// Returns when the socket can be read or written, which may be at its end; at once where there is no deadline.
    private func wait(for events: CInt, until deadline: Deadline?) throws(RPCStatus) {
        guard let deadline else { return }
        while true {
            if deadline.hasPassed { throw deadline.status(of: path) }
            var state = pollfd(fd: descriptor, events: Int16(events), revents: 0)
            let found = unsafe poll(&state, 1, deadline.milliseconds)
            if found > 0 { return }
            guard found == 0 || errno == EINTR else { throw SocketAdvice.failure(errno, at: path) }
        }
    }
}

/// Until when a peer may be silent.
package struct Deadline: Sendable {
    private let allowed: Duration
    private let end: ContinuousClock.Instant

    package init(after allowed: Duration) {
        self.allowed = allowed
        end = .now + allowed
    }

    var hasPassed: Bool { .now >= end }

    /// What is left, at least 1, so that no wait is for nothing and none for ever; at most a day at once.
    var milliseconds: CInt {
        CInt(min(max(1, ContinuousClock.now.duration(to: end) / .milliseconds(1)), 86_400_000))
    }

    func status(of path: String) -> RPCStatus {
        let seconds = allowed / .seconds(1)
        let text = seconds == seconds.rounded() ? "\(Int(seconds))" : "\(seconds)"
        return RPCStatus(
            .deadlineExceeded,
            """
            The daemon at \(path) said nothing for \(text) s; try again later, or wait longer: --timeout SECONDS \
            (0: for as long as it takes).
            """)
    }
}
