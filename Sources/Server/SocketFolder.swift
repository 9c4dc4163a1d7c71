import Glibc
import RPC

/// The folders that lead to a socket. Whoever may write to one of them could put a socket of their own in its place,
/// unless the folder is sticky, as `/tmp` is.
enum SocketFolder {
    /// - Parameter path: of the socket
    /// - Throws: unless the folder exists, and root and this user alone may change what lies on the way to it
    static func check(_ path: String) throws(ListeningError) {
        let folder = parent(of: path)
        guard let found = unsafe PathText.withName(of: folder, { unsafe realpath($0, nil) }) else {
            throw .system(call: "look into", path: folder, code: errno)
        }
        defer { unsafe free(found) }
        // Both where links lie and where they lead.
        for chain in [folder, unsafe PathText.text(of: found)] {
            var step = chain
            while true {
                try checkOne(step)
                let next = parent(of: step)
                if next == step { break }
                step = next
            }
        }
    }

    /// The folder that a path lies in; that of "/" and of "." is itself.
    private static func parent(of path: String) -> String {
        let folder = PathText.folder(of: path)
        return folder.isEmpty ? "." : folder
    }

    private static func checkOne(_ folder: String) throws(ListeningError) {
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
    }

    /// In a user namespace, as containers have, users of the system outside have no number: nobody inside is one.
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
