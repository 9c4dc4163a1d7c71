import Glibc

/// The state of a file as `stat` gives it: it differs after every change.
///
/// The ctime moves with every write, rename and change of mode or owner, and programs cannot set it: a file that was
/// replaced, or whose mtime was set back, has another identity.
package struct FileIdentity: Hashable {
    package let device: UInt64
    package let inode: UInt64
    /// Bytes.
    package let size: Int
    package let modified: FileTime
    let changed: FileTime

    /// The granularity of timestamps: a kernel's tick of some milliseconds, on some file systems one or two seconds. A
    /// second write within it leaves the same times.
    private static let coarsestSeconds = 2

    /// Whether any write from `now` on (seconds since 1970) changes the identity: the last one is old enough.
    func isSettled(at now: Int) -> Bool {
        max(modified.seconds, changed.seconds) < now - Self.coarsestSeconds
    }
}

/// A time of a file, since 1970.
package struct FileTime: Hashable {
    package let seconds: Int
    package let nanoseconds: Int
}

extension FileIdentity {
    init(_ state: stat) {
        self.init(
            device: UInt64(state.st_dev), inode: UInt64(state.st_ino), size: Int(state.st_size),
            modified: FileTime(seconds: state.st_mtim.tv_sec, nanoseconds: state.st_mtim.tv_nsec),
            changed: FileTime(seconds: state.st_ctim.tv_sec, nanoseconds: state.st_ctim.tv_nsec))
    }

    /// Of the file that this process runs, also where its name leads to another one by now: another build of the
    /// program is another file. `nil` where proc(5) is not mounted.
    static let ofThisProgram: FileIdentity? = {
        var state = stat()
        return unsafe stat("/proc/self/exe", &state) == 0 ? FileIdentity(state) : nil
    }()
}

extension FileIdentity: CustomStringConvertible {
    /// Seven numbers: device, inode, bytes, modified and changed (s, ns).
    package var description: String {
        """
        \(device) \(inode) \(size) \(modified.seconds) \(modified.nanoseconds) \
        \(changed.seconds) \(changed.nanoseconds)
        """
    }
}
