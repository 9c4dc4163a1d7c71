import Glibc
import RPC

/// What a service manager is told of the daemon (sd_notify(3)).
package enum Notification: Sendable, Equatable {
    case ready
    /// Shown by `systemctl status`.
    case status(String)
    case stopping
    /// Begins a reload, which ``ready`` ends.
    case reloading
    /// Start or stop may take so much longer from now on than the unit says.
    case extendTimeout(Duration)
    /// The daemon makes progress.
    case alive
    /// The daemon makes none: it is to be ended and started again.
    case hung
    /// Keeps the descriptors sent along under a name, also beyond the end of this process.
    case keep(String)
    /// Forgets the descriptors of that name.
    case forget(String)

    var lines: String {
        switch self {
        case .ready: "READY=1"
        // One line: what follows a line's end would be another variable.
        case .status(let text): "STATUS=\(text.map { $0.isNewline ? " " : String($0) }.joined())"
        case .stopping: "STOPPING=1"
        case .reloading: "RELOADING=1\nMONOTONIC_USEC=\(Self.microseconds)"
        case .extendTimeout(let time): "EXTEND_TIMEOUT_USEC=\(Int(time / .microseconds(1)))"
        case .alive: "WATCHDOG=1"
        case .hung: "WATCHDOG=trigger"
        case .keep(let name): "FDSTORE=1\nFDNAME=\(name)"
        case .forget(let name): "FDSTOREREMOVE=1\nFDNAME=\(name)"
        }
    }

    /// CLOCK_MONOTONIC, by which systemd tells this reload from an earlier one.
    private static var microseconds: Int {
        var now = timespec()
        unsafe clock_gettime(CLOCK_MONOTONIC, &now)
        return now.tv_sec * 1_000_000 + now.tv_nsec / 1000
    }
}

/// The service manager that supervises this process, told by datagrams, without libsystemd.
package struct Supervisor: Sendable {
    private let address: NotifyAddress
    /// How long the manager waits for ``Notification/alive`` before it ends this process; `nil`: it does not.
    package let watchdog: Duration?

    /// `nil` where nobody supervises this process (`NOTIFY_SOCKET`).
    ///
    /// - Parameter environment: the value of a variable
    package init?(environment: (String) -> String?) {
        guard let path = environment("NOTIFY_SOCKET"), let address = NotifyAddress(path) else { return nil }
        self.address = address
        let isForOther = environment("WATCHDOG_PID").map { Int32($0) != getpid() } ?? false
        watchdog =
            isForOther
            ? nil : environment("WATCHDOG_USEC").flatMap { Int($0) }.flatMap { $0 > 0 ? .microseconds($0) : nil }
    }

    /// Sends one datagram; errors are ignored, as the daemon works without a service manager.
    package func tell(_ notifications: Notification...) {
        send(notifications, descriptor: nil)
    }

    /// Has the manager keep a copy of a descriptor.
    package func keep(_ descriptor: CInt, as name: String) {
        send([.keep(name)], descriptor: descriptor)
    }

    private func send(_ notifications: [Notification], descriptor: CInt?) {
        let socket = socket(AF_UNIX, CInt(SOCK_DGRAM.rawValue | SOCK_CLOEXEC.rawValue), 0)
        guard socket >= 0 else { return }
        defer { close(socket) }
        var bytes = Array(notifications.map(\.lines).joined(separator: "\n").utf8)
        unsafe bytes.withUnsafeMutableBytes { text in
            var part = unsafe iovec(iov_base: text.baseAddress, iov_len: text.count)
            unsafe withUnsafeMutablePointer(to: &part) { part in
                unsafe address.with { name, length in
                    var message = unsafe msghdr()
                    unsafe message.msg_name = UnsafeMutableRawPointer(mutating: name)
                    unsafe message.msg_namelen = length
                    unsafe message.msg_iov = part
                    unsafe message.msg_iovlen = 1
                    guard let descriptor else {
                        _ = unsafe sendmsg(socket, &message, CInt(MSG_NOSIGNAL))
                        return
                    }
                    var rights = DescriptorRights(descriptor)
                    unsafe withUnsafeMutableBytes(of: &rights) { control in
                        unsafe message.msg_control = control.baseAddress
                        unsafe message.msg_controllen = control.count
                        _ = unsafe sendmsg(socket, &message, CInt(MSG_NOSIGNAL))
                    }
                }
            }
        }
    }
}

/// `struct cmsghdr` with one descriptor (SCM_RIGHTS of unix(7)), as `CMSG_SPACE` and `CMSG_LEN` lay it out.
private struct DescriptorRights {
    private let length: Int
    private let level = SOL_SOCKET
    private let kind = CInt(SCM_RIGHTS)
    private let descriptor: CInt
    private let padding: CInt = 0

    init(_ descriptor: CInt) {
        self.descriptor = descriptor
        length = MemoryLayout<DescriptorRights>.size - MemoryLayout<CInt>.size
    }
}

/// Where a service manager listens: a path, or a name in the abstract namespace, written with a first `@`.
struct NotifyAddress: Sendable {
    private let bytes: [UInt8]

    init?(_ path: String) {
        var bytes = PathText.name(of: path)
        guard bytes.count > 1, bytes.count < Self.room else { return nil }
        if bytes[0] == UInt8(ascii: "@") { bytes[0] = 0 }
        self.bytes = bytes
    }

    private static let room = MemoryLayout<sockaddr_un>.size - MemoryLayout<sa_family_t>.size

    func with(_ body: (UnsafePointer<sockaddr_un>, socklen_t) -> Void) {
        var address = sockaddr_un()
        address.sun_family = sa_family_t(AF_UNIX)
        unsafe withUnsafeMutableBytes(of: &address.sun_path) { unsafe $0.copyBytes(from: bytes) }
        unsafe withUnsafePointer(to: &address) {
            unsafe body($0, socklen_t(MemoryLayout<sa_family_t>.size + bytes.count))
        }
    }
}
