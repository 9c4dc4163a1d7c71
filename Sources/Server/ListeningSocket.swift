import Limits
import Glibc
import RPC

/// A Unix socket that the daemon itself binds to a path.
///
/// A lock file beside the path (flock(2)), held as long as this value lives, excludes other daemons. So a socket found
/// there under the lock that refuses connections is stale, left by a crash, and is replaced. Nothing but a socket is
/// ever removed.
package struct ListeningSocket: ~Copyable {
    package let descriptor: CInt
    private let path: String
    private let lock: PathLock
    private let identity: FileStatus

    /// - Throws: why the path cannot be bound
    package init(path: String, _ access: SocketAccess) throws(ListeningError) {
        let address = try SocketAddress(path)
        try SocketFolder.check(path, for: access.mode)
        let lock = try PathLock(path)
        try Self.removeStale(path, address)
        let descriptor = try Self.listen(path, address, access)
        identity = try Self.look(at: path)
        self.lock = lock
        self.descriptor = descriptor
        self.path = path
    }

    /// Unlinks the path, if it is still this socket's; the lock and the descriptor stay open.
    package func unlink() {
        if let found = FileStatus(path, followingLinks: false), found.isSame(as: identity) { Self.remove(path) }
    }

    deinit { unlink() }

    /// lstat(2) of a path.
    private static func look(at path: String) throws(ListeningError) -> FileStatus {
        guard let found = FileStatus(path, followingLinks: false) else {
            throw .system(call: "look at", path: path, code: errno)
        }
        return found
    }

    /// Removes a socket that nobody listens on: connect(2) to it fails with ECONNREFUSED.
    private static func removeStale(_ path: String, _ address: SocketAddress) throws(ListeningError) {
        let found: FileStatus
        do throws(ListeningError) {
            found = try look(at: path)
        } catch {
            if case .system(_, _, ENOENT) = error { return }
            throw error
        }
        guard found.isSocket else { throw .notASocket(path: path, kind: found.kind) }
        let probe = try stream(path)
        defer { close(probe) }
        guard address.connect(probe) != 0, errno == ECONNREFUSED else { throw .inUse(path: path) }
        guard remove(path) == 0 else { throw .system(call: "unlink", path: path, code: errno) }
    }

    @discardableResult
    private static func remove(_ path: String) -> CInt {
        unsafe PathText.withName(of: path) { unsafe Glibc.unlink($0) }
    }

    /// Until it listens nobody can connect, whatever its mode; and it is never wider than it will be.
    private static func listen(
        _ path: String, _ address: SocketAddress, _ access: SocketAccess
    ) throws(ListeningError) -> CInt {
        let descriptor = try stream(path)
        var isBound = false
        do throws(ListeningError) {
            // bind(2) gives the path the mode of the socket, less the umask, which holds for all threads of a process.
            try make("bind", path, fchmod(descriptor, 0o600) == 0 && address.bind(descriptor) == 0)
            isBound = true
            if let group = access.group {
                try make("give a group to", path, unsafe change(path) { unsafe lchown($0, uid_t.max, group) })
            }
            if access.mode != .user {
                try make("give a mode to", path, unsafe change(path) { unsafe chmod($0, access.mode.rawValue) })
            }
            try make("listen at", path, Glibc.listen(descriptor, Limit.backlog) == 0)
        } catch {
            if isBound { remove(path) }
            close(descriptor)
            throw error
        }
        return descriptor
    }

    /// - Parameter isMade: what the system call said
    private static func make(_ call: String, _ path: String, _ isMade: Bool) throws(ListeningError) {
        if !isMade { throw .system(call: call, path: path, code: errno) }
    }

    /// Nobody but root and this user can have put something else in its place: see ``SocketFolder``.
    private static func change(_ path: String, _ call: (UnsafePointer<CChar>) -> CInt) -> Bool {
        unsafe PathText.withName(of: path) { unsafe call($0) } == 0
    }

    /// A new non-blocking stream socket.
    private static func stream(_ path: String) throws(ListeningError) -> CInt {
        let kind = SOCK_STREAM.rawValue | SOCK_CLOEXEC.rawValue | SOCK_NONBLOCK.rawValue
        let descriptor = socket(AF_UNIX, CInt(kind), 0)
        guard descriptor >= 0 else { throw .system(call: "open a socket for", path: path, code: errno) }
        return descriptor
    }
}

/// An exclusive flock(2) on `PATH.lock`, which a crash releases, too.
private struct PathLock: ~Copyable {
    private let descriptor: CInt

    init(_ path: String) throws(ListeningError) {
        let name = "\(path).lock"
        let descriptor = unsafe PathText.withName(of: name) {
            unsafe open($0, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK, 0o600)
        }
        guard descriptor >= 0 else { throw .system(call: "open", path: name, code: errno) }
        guard flock(descriptor, LOCK_EX | LOCK_NB) == 0 else {
            let code = errno
            close(descriptor)
            throw code == EWOULDBLOCK ? .inUse(path: path) : .system(call: "lock", path: name, code: code)
        }
        self.descriptor = descriptor
    }

    deinit {
        // Closing alone would leave it to a program that another thread starts, from its fork to its exec.
        flock(descriptor, LOCK_UN)
        close(descriptor)
    }
}

/// A path as a `sockaddr_un`.
private struct SocketAddress {
    private var address = sockaddr_un()

    init(_ path: String) throws(ListeningError) {
        let room = MemoryLayout.size(ofValue: address.sun_path)
        let bytes = PathText.name(of: path)
        guard (1..<room).contains(bytes.count), !bytes.contains(0) else { throw .badPath(path, limit: room - 1) }
        address.sun_family = sa_family_t(AF_UNIX)
        unsafe withUnsafeMutableBytes(of: &address.sun_path) { unsafe $0.copyBytes(from: bytes) }
    }

    func bind(_ descriptor: CInt) -> CInt {
        unsafe call { unsafe Glibc.bind(descriptor, $0, $1) }
    }

    func connect(_ descriptor: CInt) -> CInt {
        unsafe call { unsafe Glibc.connect(descriptor, $0, $1) }
    }

    private func call(_ body: (UnsafePointer<sockaddr>, socklen_t) -> CInt) -> CInt {
        unsafe withUnsafePointer(to: address) { address in
            unsafe address.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                unsafe body($0, socklen_t(MemoryLayout<sockaddr_un>.size))
            }
        }
    }
}
