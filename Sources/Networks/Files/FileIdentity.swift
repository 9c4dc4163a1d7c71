import Glibc

/// What tells one state of a file from every other, as the kernel keeps it.
///
/// The time of change moves with every write, rename and change of mode or owner, and cannot be set: a file that was
/// replaced, or whose time of modification was set back, has another identity.
struct FileIdentity: Hashable {
    let device: UInt64
    let inode: UInt64
    /// Bytes.
    let size: Int
    let modified: FileTime
    let changed: FileTime

    /// A kernel stamps files by a clock that stands still for milliseconds, some file systems by whole seconds or two:
    /// a second write within that leaves the same times.
    private static let coarsestSeconds = 2

    /// Whether a write from `now` on, in seconds since 1970, gives the file another identity.
    func isSettled(at now: Int) -> Bool {
        max(modified.seconds, changed.seconds) < now - Self.coarsestSeconds
    }
}

/// A time of a file, since 1970.
struct FileTime: Hashable {
    let seconds: Int
    let nanoseconds: Int
}

extension FileIdentity {
    init(_ state: stat) {
        self.init(
            device: UInt64(state.st_dev), inode: UInt64(state.st_ino), size: Int(state.st_size),
            modified: FileTime(seconds: state.st_mtim.tv_sec, nanoseconds: state.st_mtim.tv_nsec),
            changed: FileTime(seconds: state.st_ctim.tv_sec, nanoseconds: state.st_ctim.tv_nsec))
    }
}
