import Glibc
import RPC
import Synchronization
import Texts

/// Writes several files atomically: all appear complete, or none.
///
/// Each is written under a temporary name in its folder and synced (fsync(2)); once all are, they are renamed. A new
/// file has mode 0644 less the umask; one that replaces another keeps its mode and, where permitted, its owner.
package struct StagedFiles: ~Copyable {
    private struct Staged {
        var place: OutputPlace
        let temporary: String
        /// A hard link to the replaced file, for the rollback, until all files are renamed.
        var backup: String?
        var isCommitted = false
    }

    /// All temporary names of the process. The lock is held while files are created, renamed or removed, so that a
    /// signal, whose thread takes it too, never ends the process halfway through a commit.
    private static let temporaries = Mutex<Set<String>>([])

    private let force: Bool
    private var staged: [Staged] = []

    package init(force: Bool) {
        self.force = force
    }

    /// Removes all temporary files, then calls `end` with the lock held: nothing can be staged in between.
    static func abandon(then end: () -> Void) {
        temporaries.withLock { names in
            for name in names { remove(name) }
            end()
        }
    }

    /// Writes one file under a temporary name.
    package mutating func stage(_ bytes: [UInt8], for path: String) throws(FileError) {
        let place = try OutputPlace(path, force: force)
        let temporary = Self.temporary(beside: place.target)
        let descriptor = Self.temporaries.withLock { names in
            names.insert(temporary)
            // Until its mode is set, a file that replaces a private one must not be readable by others.
            let mode: mode_t = place.replaced == nil ? 0o644 : 0o600
            return unsafe PathText.withName(of: temporary) {
                unsafe open($0, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, mode)
            }
        }
        staged.append(Staged(place: place, temporary: temporary))
        guard descriptor >= 0 else { throw .cannotWrite(path: path, reason: systemReason()) }
        let isWritten =
            Streams.write(bytes, to: descriptor) && Self.keep(place.replaced, of: descriptor)
            && Self.sync(descriptor)
        let reason = isWritten ? "" : systemReason()
        // NFS and quotas may report ENOSPC only at close(2).
        guard close(descriptor) == 0, isWritten else {
            throw .cannotWrite(path: path, reason: isWritten ? systemReason() : reason)
        }
    }

    /// Renames all files; if one fails, rolls back those before it.
    package mutating func commit() throws(FileError) {
        try Self.temporaries.withLock { _ throws(FileError) in
            defer { removeBackups() }
            do throws(FileError) {
                for number in staged.indices { try commit(number, isLast: number == staged.count - 1) }
            } catch {
                let left = rollBack()
                guard case .cannotWrite(let path, let reason) = error, !left.isEmpty else { throw error }
                throw .notAll(path: path, reason: reason, written: left)
            }
        }
        let folders = Set(staged.map { ExactString(PathText.split($0.place.target).directory) })
        for folder in folders { Self.syncFolder(folder.text) }
        discard()
    }

    /// Removes the temporary files of this value.
    package mutating func discard() {
        Self.temporaries.withLock { names in
            for file in staged {
                Self.remove(file.temporary)
                names.remove(file.temporary)
            }
        }
        staged = []
    }

    // MARK: Names

    /// A random name, not derived from the file's, which may have 255 bytes (NAME_MAX) already.
    private static func temporary(beside target: String) -> String {
        PathText.joined(PathText.split(target).directory, ".dseg-\(UInt64.random(in: 0...UInt64.max))")
    }

    private mutating func commit(_ number: Int, isLast: Bool) throws(FileError) {
        let file = staged[number]
        let place = try OutputPlace(file.place.path, force: force)
        staged[number].place = place
        if place.replaced == nil {
            // link(2), unlike rename(2), fails if a file has appeared there meanwhile.
            let code = Self.link(file.temporary, place.target)
            if code != 0, errno == EEXIST { throw .exists(path: place.path) }
            if code == 0 {
                staged[number].isCommitted = true
                return Self.remove(file.temporary)
            }
        } else if !isLast {
            let backup = Self.temporary(beside: place.target)
            if Self.link(place.target, backup) == 0 { staged[number].backup = backup }
        }
        guard Self.rename(file.temporary, place.target) else {
            throw .cannotWrite(path: place.path, reason: systemReason())
        }
        staged[number].isCommitted = true
    }

    /// - Returns: the files that stay replaced, where no backup could be made (no hard links) or renamed back
    private mutating func rollBack() -> [String] {
        var left: [String] = []
        for number in staged.indices where staged[number].isCommitted {
            let file = staged[number]
            if let backup = file.backup {
                if !Self.rename(backup, file.place.target) { left.append(file.place.path) }
            } else if file.place.replaced == nil {
                Self.remove(file.place.target)
            } else {
                left.append(file.place.path)
            }
        }
        return left
    }

    /// To be called under the same lock as the commit that made the backups, which ``abandon(then:)`` does not remove.
    private mutating func removeBackups() {
        for number in staged.indices {
            if let backup = staged[number].backup { Self.remove(backup) }
            staged[number].backup = nil
        }
    }

    private static func link(_ path: String, _ other: String) -> CInt {
        unsafe PathText.withName(of: path) { path in
            unsafe PathText.withName(of: other) { unsafe Glibc.link(path, $0) }
        }
    }

    private static func rename(_ path: String, _ other: String) -> Bool {
        unsafe PathText.withName(of: path) { path in
            unsafe PathText.withName(of: other) { unsafe Glibc.rename(path, $0) }
        } == 0
    }

    private static func remove(_ path: String) {
        _ = unsafe PathText.withName(of: path) { unsafe unlink($0) }
    }

    // MARK: Descriptors

    /// Copies owner, group and mode of the replaced file; without permission for the owner or group, its set-user-ID or
    /// set-group-ID bit is dropped.
    private static func keep(_ replaced: FileStatus?, of descriptor: CInt) -> Bool {
        guard let replaced else { return true }
        let hasGroup = fchown(descriptor, uid_t.max, replaced.group) == 0
        let hasOwner = fchown(descriptor, replaced.owner, gid_t.max) == 0
        let lent = (hasOwner ? 0 : S_ISUID) | (hasGroup ? 0 : S_ISGID)
        return fchmod(descriptor, replaced.mode & 0o7777 & ~lent) == 0
    }

    /// fsync(2); a file system that does not support it is no failure.
    private static func sync(_ descriptor: CInt) -> Bool {
        fsync(descriptor) == 0 || errno == EINVAL || errno == ENOTSUP
    }

    private static func syncFolder(_ folder: String) {
        let descriptor = unsafe PathText.withName(of: folder.isEmpty ? "." : folder) {
            unsafe open($0, O_RDONLY | O_DIRECTORY | O_CLOEXEC)
        }
        guard descriptor >= 0 else { return }
        fsync(descriptor)
        close(descriptor)
    }
}

/// Checks early that a file can be written.
///
/// - Parameter force: whether one that is there may be replaced
package func checkPlace(_ path: String, force: Bool) throws(FileError) {
    _ = try OutputPlace(path, force: force)
}

/// Replaces a file's content atomically.
package func replaceFile(at path: String, with bytes: [UInt8]) throws(FileError) {
    var staged = StagedFiles(force: true)
    defer { staged.discard() }
    try staged.stage(bytes, for: path)
    try staged.commit()
}
