import Glibc
import RPC

/// Checks the folders on the path of a socket: whoever may write to one of them could replace the socket by their own,
/// unless the folder is sticky, as `/tmp` is.
enum SocketFolder {
    /// Symbolic links on one path, as the kernel allows (path_resolution(7)).
    private static let linkLimit = 40

    /// Resolves the path as the kernel does, link by link, and checks every folder met.
    ///
    /// - Parameters:
    ///   - path: of the socket
    ///   - mode: that it will have
    /// - Throws: where a folder does not exist, or anybody but root and this user may replace what lies in it, or those
    ///   whom the mode lets in may not pass, or would not trust what they find (see `SocketTrust`)
    static func check(_ path: String, for mode: SocketAccess.Mode) throws(ListeningError) {
        let folder = PathText.folder(of: path)
        var rest = names(of: folder.utf8.first == slash ? folder : "\(try currentFolder())/\(folder)")
        var here = "/"
        var links = 0
        try checkOne(here, for: mode)
        while let name = rest.popLast() {
            if name == ".." { here = PathText.folder(of: here) }
            if name == "." || name == ".." { continue }
            let next = PathText.joined(here, name)
            if FileStatus(next, followingLinks: false)?.isLink == true {
                links += 1
                guard links <= linkLimit, let target = PathText.target(ofLink: next) else {
                    throw .system(call: "look into", path: folder, code: ELOOP)
                }
                if target.utf8.first == slash { here = "/" }
                rest += names(of: target)
            } else {
                here = next
                try checkOne(here, for: mode)
            }
        }
    }

    private static let slash = UInt8(ascii: "/")

    /// The names in a path, the last one first.
    private static func names(of path: String) -> [String] {
        PathText.name(of: path).split(separator: slash).reversed().map { PathText.text(of: $0) }
    }

    private static func currentFolder() throws(ListeningError) -> String {
        guard let found = unsafe getcwd(nil, 0) else { throw .system(call: "look into", path: ".", code: errno) }
        defer { unsafe free(found) }
        return unsafe PathText.text(of: UnsafePointer(found))
    }

    private static func checkOne(_ folder: String, for mode: SocketAccess.Mode) throws(ListeningError) {
        guard let status = FileStatus(folder, followingLinks: true) else {
            throw .system(call: "look into", path: folder, code: errno)
        }
        guard status.mode & S_IFMT == S_IFDIR else { throw .system(call: "look into", path: folder, code: ENOTDIR) }
        guard [0, geteuid()].contains(status.owner) || isUnknown(status.owner) else {
            throw .ownedByAnother(folder: folder, owner: status.owner)
        }
        guard status.mode & (S_IWGRP | S_IWOTH) == 0 || status.mode & S_ISVTX != 0 else {
            throw .openToOthers(folder: folder, group: status.mode & S_IWOTH == 0 ? status.group : nil)
        }
        guard mode != .user else { return }
        // Of a folder for a group it is not known which one: an access control list may name several.
        let search = mode == .group ? S_IXGRP | S_IXOTH : S_IXOTH
        guard status.mode & search != 0 else { throw .closedToOthers(folder: folder, mode) }
        // Clients trust root, wherever its socket lies.
        guard status.mode & (S_IWGRP | S_IWOTH) == 0 || geteuid() == 0 else { throw .untrusted(folder: folder) }
    }

    /// Whether the owner is the overflow uid of a user namespace, as of a container, where it stands for all users who
    /// are not mapped into it, the host's root among them. In the initial namespace, which maps all uids, it does not.
    private static func isUnknown(_ owner: uid_t) -> Bool {
        guard owner == 65534, let map = unsafe fopen("/proc/self/uid_map", "re") else { return false }
        defer { unsafe fclose(map) }
        var text = [CChar](repeating: 0, count: 256)
        _ = unsafe fgets(&text, CInt(text.count), map)
        let words = String(decoding: text.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self)
            .split(separator: " ")
        return words.last.map { !$0.hasPrefix("4294967295") } ?? false
    }
}
