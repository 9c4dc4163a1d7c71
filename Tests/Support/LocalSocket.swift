package import Glibc
import RPC

/// A socket that listens at a path.
///
/// - Parameter backlog: connections that may wait to be accepted
package func listen(at path: String, backlog: CInt = 16) throws -> CInt {
    let listener = try bind(to: path)
    guard listen(listener, backlog) == 0 else { throw failure(listener, at: path) }
    return listener
}

/// The next connection; -1 where none can come any more. Children that other tests start meanwhile do not inherit it.
package func accepted(on listener: CInt) -> CInt {
    let descriptor = accept(listener, nil, nil)
    if descriptor >= 0 { _ = fcntl(descriptor, F_SETFD, FD_CLOEXEC) }
    return descriptor
}

/// A socket that has a path, and does not listen.
package func bind(to path: String, kind: __socket_type = SOCK_STREAM) throws -> CInt {
    try unsafe socket(kind, at: path) { unsafe bind($0, $1, $2) }
}

/// A socket that is connected to the one that listens at a path.
package func connect(to path: String) throws -> CInt {
    try unsafe socket(SOCK_STREAM, at: path) { unsafe connect($0, $1, $2) }
}

private func socket(
    _ kind: __socket_type, at path: String, _ use: (CInt, UnsafePointer<sockaddr>, socklen_t) -> CInt
) throws -> CInt {
    let descriptor = socket(AF_UNIX, CInt(kind.rawValue | SOCK_CLOEXEC.rawValue), 0)
    var address = sockaddr_un()
    address.sun_family = sa_family_t(AF_UNIX)
    unsafe withUnsafeMutableBytes(of: &address.sun_path) { unsafe $0.copyBytes(from: path.utf8) }
    let code = unsafe withUnsafePointer(to: address) {
        unsafe $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
            unsafe use(descriptor, $0, socklen_t(MemoryLayout<sockaddr_un>.size))
        }
    }
    guard code == 0 else { throw failure(descriptor, at: path) }
    return descriptor
}

/// The error of a failed call on a socket, from `errno`; closes the socket.
private func failure(_ descriptor: CInt, at path: String) -> RPCStatus {
    let code = errno
    close(descriptor)
    return RPCStatus(.unavailable, "\(path): errno \(code)")
}
