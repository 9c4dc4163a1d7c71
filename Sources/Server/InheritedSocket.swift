import Glibc

/// The listening socket that a service manager hands over: systemd's socket activation (sd_listen_fds(3)).
package enum InheritedSocket {
    /// SD_LISTEN_FDS_START.
    private static let first: CInt = 3

    /// The descriptor, made close-on-exec; `nil` where this process was not socket-activated. Unsets the `LISTEN_`
    /// variables, so that no child takes them for its own.
    ///
    /// - Throws: `inherited` for several descriptors, or one that is no listening Unix stream socket
    package static func take() throws(ListeningError) -> CInt? {
        defer {
            for name in ["LISTEN_PID", "LISTEN_FDS", "LISTEN_FDNAMES"] { unsafe unsetenv(name) }
        }
        guard let process = variable("LISTEN_PID"), Int32(process) == getpid() else { return nil }
        let count = variable("LISTEN_FDS") ?? "0"
        guard count == "1" else { throw .inherited("\(count) descriptors, expected 1 (ListenStream=, once)") }
        guard fcntl(first, F_SETFD, FD_CLOEXEC) == 0 else { throw .inherited("descriptor \(first) is not open") }
        guard option(SO_DOMAIN) == AF_UNIX, option(SO_TYPE) == CInt(SOCK_STREAM.rawValue) else {
            throw .inherited("descriptor \(first) is no Unix stream socket")
        }
        guard option(SO_ACCEPTCONN) == 1 else {
            throw .inherited("descriptor \(first) does not listen (Accept=no)")
        }
        return first
    }

    private static func variable(_ name: String) -> String? {
        unsafe getenv(name).map { unsafe String(cString: $0) }
    }

    private static func option(_ name: CInt) -> CInt? {
        var value: CInt = 0
        var size = socklen_t(MemoryLayout<CInt>.size)
        return unsafe getsockopt(first, SOL_SOCKET, name, &value, &size) == 0 ? value : nil
    }
}
