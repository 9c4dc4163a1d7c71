import Glibc

/// A connected Unix stream socket, used by one thread; closed when released.
package struct UnixSocket: ~Copyable {
    private let descriptor: CInt
    /// For messages.
    package let path: String

    /// Takes over a connected socket.
    package init(adopting descriptor: CInt, path: String) {
        self.descriptor = descriptor
        self.path = path
    }

    /// Connects, and checks whose daemon it is (``SocketTrust``).
    ///
    /// - Parameters:
    ///   - path: encoded by ``PathText``
    ///   - deadline: how long to wait while the listen backlog is full; `nil`: for ever
    /// - Throws: `unavailable` where nobody listens, `permissionDenied`, also for an untrusted user's daemon,
    ///   `deadlineExceeded`, or `invalidArgument` for a path that does not fit a `sockaddr_un`
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
            // On Unix sockets SO_SNDTIMEO bounds connect(2) as well, see socket(7).
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

    /// Waits for bytes: 1 byte to 64 KiB; empty at the end of the stream.
    ///
    /// - Throws: `deadlineExceeded` where nothing arrives, `unavailable` for an error of the connection
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

    /// Waits by poll(2) until the socket is ready or hung up; returns at once without a deadline.
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

/// A point in time until which to wait for a peer.
package struct Deadline: Sendable {
    private let allowed: Duration
    private let end: SuspendingClock.Instant

    package init(after allowed: Duration) {
        self.allowed = allowed
        end = .now + allowed
    }

    var hasPassed: Bool { .now >= end }

    /// The time left for poll(2): at least 1, so that it neither spins nor waits for ever, and at most a day.
    var milliseconds: CInt {
        CInt(min(max(1, SuspendingClock.now.duration(to: end) / .milliseconds(1)), 86_400_000))
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
