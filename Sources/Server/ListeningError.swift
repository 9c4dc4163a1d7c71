package import Glibc

/// Why there is no socket to listen on.
package enum ListeningError: Error, Equatable, CustomStringConvertible {
    case badPath(String, limit: Int)
    case notASocket(path: String, kind: String)
    case inUse(path: String)
    /// - Parameter group: the one that may write to the folder; `nil`: everyone may
    case openToOthers(folder: String, group: UInt32?)
    case ownedByAnother(folder: String, owner: UInt32)
    /// Those whom the socket lets in may not pass.
    case closedToOthers(folder: String, SocketAccess.Mode)
    /// A sticky folder: clients of other users cannot know who put there what lies in it.
    case untrusted(folder: String)
    case uselessGroup(gid_t, SocketAccess.Mode)
    case system(call: String, path: String, code: CInt)

    package var description: String {
        switch self {
        case .badPath(let path, let limit):
            "\(path.debugDescription) of \(path.utf8.count) bytes cannot be a socket's path: give one of 1 to "
                + "\(limit) bytes"
        case .notASocket(let path, let kind):
            "\(path) is \(kind), not a socket: move it away, or choose another path"
        case .inUse(let path): "another daemon listens at \(path): stop it, or choose another path"
        case .openToOthers(let folder, let group):
            "\(group.map { "group \($0)" } ?? "everyone") may replace what lies in \(folder): take write permission "
                + "from \(group == nil ? "others" : "the group") (chmod \(group == nil ? "o" : "g")-w), or choose "
                + "another folder"
        case .ownedByAnother(let folder, let owner):
            "uid \(owner) owns \(folder), and may replace what lies in it: choose a folder of your own, or of root's"
        case .closedToOthers(let folder, let mode):
            "the socket's mode \(mode.text) lets others in, but they may not pass through \(folder): give them search "
                + "permission (chmod \(mode == .group ? "g" : "o")+x), or choose another folder"
        case .untrusted(let folder):
            "other users' clients trust no socket below \(folder), where everyone may create files: choose another "
                + "folder, or the mode \(SocketAccess.Mode.user.text)"
        case .uselessGroup(let group, let mode):
            "the socket's mode \(mode.text) lets nobody of group \(group) in: type \(SocketAccess.Mode.group.text), or "
                + "leave the group out"
        case .system(let call, let path, let code):
            unsafe "\(call) \(path): \(String(cString: strerror(code)))"
        }
    }
}
