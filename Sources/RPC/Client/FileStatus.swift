package import Glibc

/// The result of stat(2), lstat(2) or fstat(2).
package struct FileStatus: Sendable {
    package let mode: mode_t
    package let owner: uid_t
    package let group: gid_t
    package let device: UInt
    package let inode: UInt
    package let bytes: Int
    /// When it was written to last, in nanoseconds since 1970.
    package let modified: Int

    /// `nil` where stat(2) fails; `errno` says why.
    ///
    /// - Parameter path: "" is the current folder
    package init?(_ path: String, followingLinks: Bool = true) {
        var status = stat()
        let code = unsafe PathText.withName(of: path.isEmpty ? "." : path) { name in
            unsafe followingLinks ? stat(name, &status) : lstat(name, &status)
        }
        guard code == 0 else { return nil }
        self.init(status)
    }

    package init?(descriptor: CInt) {
        var status = stat()
        guard unsafe fstat(descriptor, &status) == 0 else { return nil }
        self.init(status)
    }

    private init(_ status: stat) {
        (mode, owner, group) = (status.st_mode, status.st_uid, status.st_gid)
        (device, inode) = (UInt(status.st_dev), UInt(status.st_ino))
        bytes = Int(status.st_size)
        modified = status.st_mtim.tv_sec * 1_000_000_000 + status.st_mtim.tv_nsec
    }

    package var isFile: Bool { mode & S_IFMT == S_IFREG }
    package var isFolder: Bool { mode & S_IFMT == S_IFDIR }
    package var isLink: Bool { mode & S_IFMT == S_IFLNK }
    package var isSocket: Bool { mode & S_IFMT == S_IFSOCK }
    /// Whether everyone may write, as to `/tmp`.
    package var isShared: Bool { mode & S_IWOTH != 0 }

    /// The kind of file in words, for messages.
    package var kind: String {
        switch mode & S_IFMT {
        case S_IFREG: "a file"
        case S_IFDIR: "a folder"
        case S_IFLNK: "a link"
        case S_IFSOCK: "a socket"
        case S_IFIFO: "a pipe"
        default: "a device"
        }
    }

    package func isSame(as other: FileStatus) -> Bool { device == other.device && inode == other.inode }
}

/// Whether this process may create files in a folder, "" for the current one; if not, `errno` says why.
package func mayWrite(in folder: String) -> Bool {
    let code = unsafe PathText.withName(of: folder.isEmpty ? "." : folder) { unsafe access($0, W_OK | X_OK) }
    guard code == 0, let status = FileStatus(folder), status.isFolder else { return false }
    // In /proc and /sys nobody can create files, whatever access(2) says to root.
    let devices = ["/proc", "/sys"].compactMap { FileStatus($0)?.device }
    guard devices.contains(status.device), status.device != FileStatus("/")?.device else { return true }
    errno = EROFS
    return false
}

/// Whether `mkdir -p` could create a folder: its nearest existing ancestor is a folder that is writable.
package func mayMake(_ folder: String) -> Bool {
    var path = folder
    while FileStatus(path, followingLinks: false) == nil {
        guard errno == ENOENT else { return false }
        path = PathText.folder(of: path.utf8.last == UInt8(ascii: "/") ? PathText.folder(of: path) : path)
        if path.isEmpty { break }
    }
    return mayWrite(in: path)
}
