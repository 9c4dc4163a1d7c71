import Glibc

/// Notifies the service manager of the daemon's state (sd_notify(3)); does nothing without `NOTIFY_SOCKET`.
enum Supervisor {
    static func isReady(_ status: String) {
        notify("READY=1\nSTATUS=\(status)")
    }

    static func isStopping(_ status: String) {
        notify("STOPPING=1\nSTATUS=\(status)")
    }

    /// Sends one datagram; errors are ignored, as the daemon works without a supervisor.
    private static func notify(_ message: String) {
        guard let variable = unsafe getenv("NOTIFY_SOCKET") else { return }
        var path = Array(unsafe String(cString: variable).utf8)
        var address = sockaddr_un()
        guard path.count > 1, path.count < MemoryLayout.size(ofValue: address.sun_path) else { return }
        // An abstract socket's name begins with NUL, written as '@'.
        if path[0] == UInt8(ascii: "@") { path[0] = 0 }
        address.sun_family = sa_family_t(AF_UNIX)
        unsafe withUnsafeMutableBytes(of: &address.sun_path) { unsafe $0.copyBytes(from: path) }
        let length = socklen_t(MemoryLayout<sa_family_t>.size + path.count)
        let descriptor = socket(AF_UNIX, CInt(SOCK_DGRAM.rawValue | SOCK_CLOEXEC.rawValue), 0)
        guard descriptor >= 0 else { return }
        defer { close(descriptor) }
        let bytes = Array(message.utf8)
        _ = unsafe withUnsafePointer(to: address) { address in
            unsafe address.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                unsafe sendto(descriptor, bytes, bytes.count, CInt(MSG_NOSIGNAL), $0, length)
            }
        }
    }
}
