import Glibc
import RPC
import Synchronization
import Texts

/// Files that appear whole and together, or not at all.
///
/// Each is written under a temporary name in the folder where it belongs, and renamed when all of them are there and
/// on the disk. A new file's mode is 0644 less the umask; one that replaces another has the mode and, where the system
/// permits it, the owner of the other.
struct StagedFiles: ~Copyable {
    private struct Staged {
        var place: OutputPlace
        let temporary: String
        /// Another name of what was replaced, until all have theirs.
        var aside: String?
        var hasName = false
    }

    /// Every temporary name of the process. Whoever holds the lock makes or removes files; a signal that ends the
    /// process waits for it, and so never finds them half renamed.
    private static let temporaries = Mutex<Set<String>>([])

    private let force: Bool
    private var staged: [Staged] = []

    init(force: Bool) {
        self.force = force
    }

    /// Removes every temporary file, and then does what ends the process; nothing can be staged in between.
    static func abandon(then end: () -> Void) {
        temporaries.withLock { names in
            for name in names { remove(name) }
            end()
        }
    }

    /// Writes the bytes of one file under its temporary name.
    mutating func stage(_ bytes: [UInt8], for path: String) throws(FileError) {
        let place = try OutputPlace(path, force: force)
        let temporary = Self.temporary(beside: place.target)
        let descriptor = Self.temporaries.withLock { names in
            names.insert(temporary)
            // What replaces a file that others may not read is not open to them either.
            let mode: mode_t = place.replaced == nil ? 0o644 : 0o600
            return unsafe PathText.withName(of: temporary) {
                unsafe open($0, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, mode)
            }
        }
        staged.append(Staged(place: place, temporary: temporary))
        guard descriptor >= 0 else { throw .cannotWrite(path: path, reason: systemReason()) }
        let isWritten = Streams.write(bytes, to: descriptor) && Self.keep(place.replaced, of: descriptor)
            && Self.sync(descriptor)
        let reason = isWritten ? "" : systemReason()
        // Some file systems tell only now that there was no room.
        guard close(descriptor) == 0, isWritten else {
            throw .cannotWrite(path: path, reason: isWritten ? systemReason() : reason)
        }
    }

    /// Gives every file its name; where one cannot have it, those before it are taken back.
    mutating func commit() throws(FileError) {
        try Self.temporaries.withLock { _ throws(FileError) in
            defer { removeAsides() }
            do throws(FileError) {
                for number in staged.indices { try name(number, isLast: number == staged.count - 1) }
            } catch {
                let left = takeBack()
                guard case .cannotWrite(let path, let reason) = error, !left.isEmpty else { throw error }
                throw .notAll(path: path, reason: reason, written: left)
            }
        }
        let folders = Set(staged.map { ExactString(PathText.split($0.place.target).directory) })
        for folder in folders { Self.syncFolder(folder.text) }
        discard()
    }

    /// Removes all temporary names.
    mutating func discard() {
        Self.temporaries.withLock { names in
            for file in staged {
                Self.remove(file.temporary)
                names.remove(file.temporary)
            }
        }
        staged = []
    }

    // MARK: Names

    /// Not made from the file's name, which may fill its 255 bytes already.
    private static func temporary(beside target: String) -> String {
        PathText.joined(PathText.split(target).directory, ".dseg-\(UInt64.random(in: 0...UInt64.max))")
    }

    private mutating func name(_ number: Int, isLast: Bool) throws(FileError) {
        let file = staged[number]
        let place = try OutputPlace(file.place.path, force: force)
        staged[number].place = place
        if place.replaced == nil {
            // Unlike a renaming, a second name never replaces what came there since.
            let code = Self.link(file.temporary, place.target)
            if code != 0, errno == EEXIST { throw .exists(path: place.path) }
            if code == 0 {
                staged[number].hasName = true
                return Self.remove(file.temporary)
            }
        } else if !isLast {
            let aside = Self.temporary(beside: place.target)
            if Self.link(place.target, aside) == 0 { staged[number].aside = aside }
        }
        guard Self.rename(file.temporary, place.target) else {
            throw .cannotWrite(path: place.path, reason: systemReason())
        }
        staged[number].hasName = true
    }

    /// - Returns: the files that stay written, because the file system keeps no second name of what they replaced
    private mutating func takeBack() -> [String] {
        var left: [String] = []
        for number in staged.indices where staged[number].hasName {
            let file = staged[number]
            if let aside = file.aside {
                if !Self.rename(aside, file.place.target) { left.append(file.place.path) }
            } else if file.place.replaced == nil {
                Self.remove(file.place.target)
            } else {
                left.append(file.place.path)
            }
        }
        return left
    }

    /// Within the lock that they were made in, for a signal removes the temporary names alone.
    private mutating func removeAsides() {
        for number in staged.indices {
            if let aside = staged[number].aside { Self.remove(aside) }
            staged[number].aside = nil
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

    /// Owner, group and mode of what is replaced. An owner that may not be given away costs the bits that lend his
    /// rights.
    private static func keep(_ replaced: FileStatus?, of descriptor: CInt) -> Bool {
        guard let replaced else { return true }
        let hasGroup = fchown(descriptor, uid_t.max, replaced.group) == 0
        let hasOwner = fchown(descriptor, replaced.owner, gid_t.max) == 0
        let lent = (hasOwner ? 0 : S_ISUID) | (hasGroup ? 0 : S_ISGID)
        return fchmod(descriptor, replaced.mode & 0o7777 & ~lent) == 0
    }

    /// A file system without it has nothing to wait for.
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

/// Replaces a file by other bytes, whole or not at all.
package func replaceFile(at path: String, with bytes: [UInt8]) throws(FileError) {
    var staged = StagedFiles(force: true)
    defer { staged.discard() }
    try staged.stage(bytes, for: path)
    try staged.commit()
}
