import Glibc

/// The folders that lead to a socket. Whoever may write to one of them could put a socket of their own in its place,
/// unless the folder is sticky, as `/tmp` is.
enum SocketFolder {
    /// - Parameter path: of the socket
    /// - Throws: unless the folder exists, and root and this user alone may change what lies on the way to it
    static func check(_ path: String) throws(ListeningError) {
        let folder = parent(of: path)
        guard let resolved = unsafe realpath(folder, nil) else {
            throw .system(call: "look into", path: folder, code: errno)
        }
        defer { unsafe free(resolved) }
        // Both where links lie and where they lead.
        for chain in [folder, unsafe String(cString: resolved)] {
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
        let bytes = Array(path.utf8)
        let slash = UInt8(ascii: "/")
        guard let end = bytes.lastIndex(of: slash) else { return "." }
        let kept = bytes[..<end].lastIndex { $0 != slash }.map { bytes[...$0] } ?? [slash]
        return String(decoding: kept, as: UTF8.self)
    }

    private static func checkOne(_ folder: String) throws(ListeningError) {
        var status = stat()
        guard unsafe stat(folder, &status) == 0 else { throw .system(call: "look into", path: folder, code: errno) }
        guard status.st_mode & S_IFMT == S_IFDIR else {
            throw .system(call: "look into", path: folder, code: ENOTDIR)
        }
        guard [0, geteuid()].contains(status.st_uid) || isUnknown(status.st_uid) else {
            throw .ownedByAnother(folder: folder, owner: status.st_uid)
        }
        guard status.st_mode & (S_IWGRP | S_IWOTH) == 0 || status.st_mode & S_ISVTX != 0 else {
            throw .openToOthers(folder: folder, group: status.st_mode & S_IWOTH == 0 ? status.st_gid : nil)
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
