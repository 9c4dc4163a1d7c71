import Glibc

/// A descriptor that the service manager hands over: the socket that it listens on for this program, or one that this
/// program gave it to keep (sd_listen_fds(3), `FDSTORE` of sd_notify(3)).
package struct HandedDescriptor: Sendable, Equatable {
    /// `FileDescriptorName=` of the unit, `FDNAME` of what was kept; "" where the manager gives no names.
    package let name: String
    package let descriptor: CInt

    /// Of a file, which a memory file is; of anything else 0.
    package var bytes: Int {
        var status = stat()
        return unsafe fstat(descriptor, &status) == 0 && status.st_mode & S_IFMT == S_IFREG ? Int(status.st_size) : 0
    }
}

/// What the service manager hands over. Sockets and kept descriptors come mixed, in no order: they are told apart by
/// their names and by what they are.
package struct HandedDescriptors: Sendable {
    /// The name of the socket in dseg's units (`FileDescriptorName=`).
    package static let socketName = "dseg"
    /// SD_LISTEN_FDS_START.
    private static let first: CInt = 3
    /// More than any unit of ours may have kept; what is behind is no descriptor's number.
    private static let most: CInt = 1024

    /// The listening Unix stream socket; `nil` where none was handed over.
    package let socket: CInt?
    /// Everything else, close-on-exec as all are.
    package let kept: [HandedDescriptor]

    /// Takes over what this process was started with, and unsets the `LISTEN_` variables, so that no child takes the
    /// descriptors for its own. Nothing where another process was meant (`LISTEN_PID`).
    ///
    /// - Throws: for a number of descriptors that is none, one that is not open, more than one listening socket of
    ///   which none or several are called ``socketName``, or none that is a listening Unix stream socket
    package static func take() throws(HandoverError) -> HandedDescriptors {
        defer {
            for name in ["LISTEN_PID", "LISTEN_FDS", "LISTEN_FDNAMES"] { unsafe unsetenv(name) }
        }
        guard let process = variable("LISTEN_PID"), Int32(process) == getpid() else {
            return HandedDescriptors(socket: nil, kept: [])
        }
        let text = variable("LISTEN_FDS") ?? "0"
        guard let count = CInt(text), (0...most).contains(count) else { throw .count(text) }
        let names = (variable("LISTEN_FDNAMES") ?? "").split(separator: ":", omittingEmptySubsequences: false)
        var (sockets, kept): ([HandedDescriptor], [HandedDescriptor]) = ([], [])
        for descriptor in first..<first + count {
            guard fcntl(descriptor, F_SETFD, FD_CLOEXEC) == 0 else { throw .notOpen(descriptor) }
            let place = Int(descriptor - first)
            let one = HandedDescriptor(
                name: place < names.count ? String(names[place]) : "", descriptor: descriptor)
            let isSocket = option(SO_DOMAIN, of: descriptor) != nil
            // What is called as the socket and is none is refused below, rather than passed over in silence.
            if isSocket || one.name == socketName { sockets.append(one) } else { kept.append(one) }
        }
        return HandedDescriptors(socket: try listening(sockets)?.descriptor, kept: kept)
    }

    /// The one among the sockets to listen on.
    private static func listening(_ sockets: [HandedDescriptor]) throws(HandoverError) -> HandedDescriptor? {
        let named = sockets.filter { $0.name == socketName }
        guard let only = named.first ?? sockets.first else { return nil }
        guard named.count == 1 || named.isEmpty && sockets.count == 1 else { throw .sockets(sockets.map(\.name)) }
        let number = only.descriptor
        guard option(SO_DOMAIN, of: number) == AF_UNIX, option(SO_TYPE, of: number) == CInt(SOCK_STREAM.rawValue)
        else { throw .otherKind(number) }
        guard option(SO_ACCEPTCONN, of: number) == 1 else { throw .notListening(number) }
        for other in sockets where other != only { close(other.descriptor) }
        return only
    }

    private static func variable(_ name: String) -> String? {
        unsafe getenv(name).map { unsafe String(cString: $0) }
    }

    /// An option of a socket; `nil` of anything else.
    private static func option(_ name: CInt, of descriptor: CInt) -> CInt? {
        var value: CInt = 0
        var size = socklen_t(MemoryLayout<CInt>.size)
        return unsafe getsockopt(descriptor, SOL_SOCKET, name, &value, &size) == 0 ? value : nil
    }
}

/// Why what the service manager handed over cannot be served.
package enum HandoverError: Error, Equatable, CustomStringConvertible {
    case count(String)
    case notOpen(CInt)
    case sockets([String])
    case otherKind(CInt)
    case notListening(CInt)

    package var description: String {
        let reason =
            switch self {
            case .count(let text): "LISTEN_FDS is \(text.debugDescription), expected a number of descriptors"
            case .notOpen(let descriptor): "descriptor \(descriptor) is not open"
            case .sockets(let names):
                "\(names.count) sockets, named \(names.map(\.debugDescription).joined(separator: ", ")): expected one "
                    + "(ListenStream=, once), or one of the name \(HandedDescriptors.socketName) (FileDescriptorName=)"
            case .otherKind(let descriptor): "descriptor \(descriptor) is no Unix stream socket"
            case .notListening(let descriptor): "descriptor \(descriptor) does not listen (Accept=no)"
            }
        return "the service manager handed over no usable socket: \(reason)"
    }
}
