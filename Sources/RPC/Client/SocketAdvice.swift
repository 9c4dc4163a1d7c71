package import Glibc
import Texts

/// Messages for a socket that cannot be used: why, and what to type, checked against the file system.
package enum SocketAdvice {
    static func failure(_ code: CInt, at path: String) -> RPCStatus {
        let reason = unsafe String(cString: strerror(code))
        switch code {
        case ENOENT, ENOTDIR, ECONNREFUSED:
            return RPCStatus(.unavailable, "Nothing answers at \(path) (\(reason)); \(start(at: path))")
        case EPROTOTYPE:
            return RPCStatus(.unavailable, "\(path) is a socket for datagrams, no daemon's; \(elsewhere)")
        case EACCES, EPERM:
            return RPCStatus(.permissionDenied, "\(path) is not yours to open (\(reason)); \(admission(to: path))")
        default:
            return RPCStatus(.unavailable, "The connection to \(path) failed (\(reason)); try again.")
        }
    }

    /// How to start a daemon at a path that was given.
    static func start(at path: String) -> String {
        if path.contains("://") {
            return "it is an address of another kind, and dsegd listens at sockets of Unix alone; \(elsewhere)"
        }
        let folder = PathText.folder(of: path)
        if let found = FileStatus(path) {
            if found.isFolder {
                return "it is a folder, give the socket in it: \(ShellWord.quoted(PathText.joined(path, "dseg.sock")))"
            }
            guard found.isSocket else { return "it is \(found.kind), no socket; \(elsewhere)" }
            guard [found.owner, 0].contains(geteuid()) else {
                return "it is \(UserName.of(found.owner))'s socket, whose daemon is not running; \(elsewhere)"
            }
        }
        if mayWrite(in: folder) { return "type: dsegd serve --socket \(ShellWord.quoted(path))" }
        if FileStatus(folder) == nil, mayMake(folder) {
            return """
                there is no folder \(folder); type: mkdir -p \(ShellWord.quoted(folder)) && \
                dsegd serve --socket \(ShellWord.quoted(path))
                """
        }
        return elsewhere
    }

    /// How to start a daemon at the first of the default paths.
    ///
    /// - Parameter paths: as ``SocketPath`` finds them
    static func start(atFirstOf paths: [String]) -> String {
        guard let first = paths.first else { return elsewhere }
        // The daemon creates the last folder of a default path, none above it.
        let folder = PathText.folder(of: first)
        let isMade = FileStatus(folder) != nil
        if FileStatus(first) == nil, mayWrite(in: isMade ? folder : PathText.folder(of: folder)) {
            return "type: dsegd serve"
        }
        return start(at: first)
    }

    /// Advice to use another path, in the user's home or `/tmp`.
    private static var elsewhere: String {
        let folders = [SocketPath.environment("HOME"), "/tmp"].compactMap(\.self)
        let paths = folders.filter { $0.utf8.first == UInt8(ascii: "/") && mayWrite(in: $0) }
            .map { PathText.joined($0, "dseg.sock") }
        guard let path = paths.first(where: isFree).map(ShellWord.quoted) else {
            return "give the path of a daemon's socket: --socket PATH"
        }
        return "type: dsegd serve --socket \(path) and give dseg the same: --socket \(path)"
    }

    /// Whether a path is unused, or a socket of this user's.
    private static func isFree(_ path: String) -> Bool {
        guard let found = FileStatus(path, followingLinks: false) else { return true }
        return found.isSocket && found.owner == geteuid()
    }

    /// How to get permission for a socket that exists.
    private static func admission(to path: String) -> String {
        guard let found = FileStatus(path) else {
            return "a folder on the way is closed to you; ask its owner, or name another socket: --socket PATH"
        }
        guard found.mode & S_IWGRP != 0 else {
            return "only \(UserName.of(found.owner)) may; \(elsewhere)"
        }
        return "join the group that owns it (\(GroupName.of(found.group)))."
    }
}

/// Names of groups, for messages.
package enum GroupName {
    /// The group's name, or its number without one.
    package static func of(_ group: gid_t) -> String {
        guard let entry = unsafe getgrgid(group), let name = unsafe entry.pointee.gr_name else { return "\(group)" }
        return unsafe String(cString: name)
    }
}
