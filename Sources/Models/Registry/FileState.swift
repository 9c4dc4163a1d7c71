import Glibc
import Networks

/// Where a file really lies, and what tells one state of it from another.
package struct FileState: Hashable, Sendable {
    /// The path without links.
    package let realPath: String
    /// Not compared: some file systems get another number each time they are mounted.
    let device: UInt64
    let inode: UInt64
    /// Bytes.
    package let size: Int
    /// Nanoseconds since 1970.
    let modified: Int

    /// The state of the file that `path` leads to now; `nil` where there is none, or what is there is no file: then
    /// `errno` says why.
    package init?(at path: String) {
        guard !path.utf8.contains(0) else {
            errno = EINVAL
            return nil
        }
        guard let real = FilePath.real(path) else { return nil }
        var state = stat()
        guard unsafe stat(real, &state) == 0 else { return nil }
        guard state.st_mode & S_IFMT == S_IFREG else {
            errno = state.st_mode & S_IFMT == S_IFDIR ? EISDIR : EINVAL
            return nil
        }
        self.init(
            realPath: real, device: UInt64(state.st_dev), inode: UInt64(state.st_ino), size: Int(state.st_size),
            modified: state.st_mtim.tv_sec * 1_000_000_000 + state.st_mtim.tv_nsec)
    }

    init(realPath: String, device: UInt64, inode: UInt64, size: Int, modified: Int) {
        self.realPath = realPath
        self.device = device
        self.inode = inode
        self.size = size
        self.modified = modified
    }

    /// The path from the root, without "." and double slashes; ".." and links stay, for only the kernel can tell where
    /// they lead.
    package static func absolute(_ path: String) -> String {
        var whole = path
        if path.utf8.first != UInt8(ascii: "/"), let folder = FilePath.real(".") { whole = "\(folder)/\(path)" }
        let parts = whole.utf8.split(separator: UInt8(ascii: "/")).map { String(Substring($0)) }
        return "/" + parts.filter { $0 != "." }.joined(separator: "/")
    }
}
