import Glibc

/// Why there is no socket to listen on.
package enum ListeningError: Error, Equatable, CustomStringConvertible {
    case badPath(String, limit: Int)
    case notASocket(path: String, kind: String)
    case inUse(path: String)
    /// - Parameter group: the one that may write to the folder; `nil`: everyone may
    case openToOthers(folder: String, group: UInt32?)
    case ownedByAnother(folder: String, owner: UInt32)
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
        case .system(let call, let path, let code):
            unsafe "\(call) \(path): \(String(cString: strerror(code)))"
        }
    }
}
