import Glibc
import RPC

/// What a service tells its service manager by one datagram (sd_notify(3)).
package struct Notice: Sendable, Equatable {
    /// `VARIABLE=VALUE` each.
    package let lines: [String]
    /// What came with it, close-on-exec; its receiver closes them.
    package let descriptors: [CInt]
    /// As the kernel tells it.
    let sender: pid_t

    /// A variable's value.
    package subscript(_ variable: String) -> String? {
        lines.first { $0.hasPrefix("\(variable)=") }.map { String($0.dropFirst(variable.count + 1)) }
    }
}

/// Where a service manager is told how a service fares: a socket for datagrams.
package struct NotifySocket: ~Copyable, Sendable {
    let descriptor: CInt

    package init(path: String) throws {
        descriptor = try bind(to: path, kind: SOCK_DGRAM)
        var isWanted: CInt = 1
        unsafe setsockopt(
            descriptor, SOL_SOCKET, SO_PASSCRED, &isWanted, socklen_t(MemoryLayout<CInt>.size))
    }

    deinit { close(descriptor) }

    /// The next one that has come.
    package borrowing func received() -> Notice? {
        var text = [UInt8](repeating: 0, count: 4096)
        var control = [UInt8](repeating: 0, count: 1024)
        var message = unsafe msghdr()
        let count = unsafe text.withUnsafeMutableBytes { text in
            unsafe control.withUnsafeMutableBytes { control in
                var part = unsafe iovec(iov_base: text.baseAddress, iov_len: text.count)
                return unsafe withUnsafeMutablePointer(to: &part) { part in
                    unsafe message.msg_iov = part
                    unsafe message.msg_iovlen = 1
                    unsafe message.msg_control = control.baseAddress
                    unsafe message.msg_controllen = control.count
                    return unsafe recvmsg(
                        descriptor, &message, CInt(MSG_CMSG_CLOEXEC | MSG_DONTWAIT))
                }
            }
        }
        guard count >= 0 else { return nil }
        let parts = Self.controlMessages(in: Array(control.prefix(unsafe message.msg_controllen)))
        let lines = String(decoding: text.prefix(count), as: UTF8.self).split(separator: "\n").map(String.init)
        return Notice(
            lines: lines, descriptors: parts.first { $0.kind == Self.rights }?.numbers ?? [],
            sender: parts.first { $0.kind == Self.credentials }?.numbers.first ?? 0)
    }

    /// SCM_RIGHTS and SCM_CREDENTIALS of unix(7).
    private static let (rights, credentials): (CInt, CInt) = (1, 2)

    /// The kinds and contents of control messages as `CMSG_NXTHDR` walks them: a length of eight bytes, a level and a
    /// kind of four, and what follows, up to a multiple of eight.
    private static func controlMessages(in bytes: [UInt8]) -> [(kind: CInt, numbers: [CInt])] {
        func number(_ place: Int) -> CInt {
            CInt(truncatingIfNeeded: bytes[place..<place + 4].reversed().reduce(0) { $0 << 8 | Int($1) })
        }
        var found: [(CInt, [CInt])] = []
        var start = 0
        while start + 16 <= bytes.count, case let length = Int(number(start)), length >= 16 {
            let end = min(start + length, bytes.count)
            found.append((number(start + 12), stride(from: start + 16, to: end - 3, by: 4).map(number)))
            start = start + (length + 7) / 8 * 8
        }
        return found
    }
}
