import Glibc

/// Files that appear whole and together, or not at all.
///
/// Each is written under a temporary name in the folder where it belongs, and renamed when all of
/// them are there. Modes are 0644 less the umask.
struct StagedFiles: ~Copyable {
    private let force: Bool
    private var staged: [(temporary: String, path: String)] = []

    init(force: Bool) {
        self.force = force
    }

    /// Writes the bytes of one file under its temporary name.
    mutating func stage(_ bytes: [UInt8], for path: String) throws(FileError) {
        let directory = splitPath(path).directory
        // Not made from the name, which may fill its 255 bytes already.
        let temporary = joined(directory, ".dseg-\(UInt64.random(in: 0...UInt64.max))")
        let descriptor = unsafe open(temporary, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0o644)
        guard descriptor >= 0 else { throw .cannotWrite(path: path, reason: systemReason()) }
        staged.append((temporary, path))
        var written = 0
        while written < bytes.count {
            let count = unsafe bytes.withUnsafeBytes { bytes in
                unsafe Glibc.write(
                    descriptor, bytes.baseAddress?.advanced(by: written), bytes.count - written)
            }
            if count < 0 && errno == EINTR { continue }
            guard count >= 0 else {
                let reason = systemReason()
                close(descriptor)
                throw .cannotWrite(path: path, reason: reason)
            }
            written += count
        }
        // Some file systems tell only now that there was no room.
        guard close(descriptor) == 0 else {
            throw .cannotWrite(path: path, reason: systemReason())
        }
    }

    /// Gives every file its name.
    mutating func commit() throws(FileError) {
        while let (temporary, path) = staged.first {
            try checkWritable(path, force: force)
            guard unsafe rename(temporary, path) == 0 else {
                throw .cannotWrite(path: path, reason: systemReason())
            }
            staged.removeFirst()
        }
    }

    /// Removes what has no name yet.
    mutating func discard() {
        for (temporary, _) in staged { unsafe unlink(temporary) }
        staged = []
    }
}

/// Checks that a file can be written: its folder is there and writable, and no other file is lost.
func checkWritable(_ path: String, force: Bool) throws(FileError) {
    let directory = splitPath(path).directory
    var status = stat()
    guard unsafe stat(directory.isEmpty ? "." : directory, &status) == 0,
        status.st_mode & S_IFMT == S_IFDIR
    else { throw .noDirectory(path: directory) }
    guard unsafe access(directory.isEmpty ? "." : directory, W_OK | X_OK) == 0 else {
        throw .cannotWrite(path: path, reason: systemReason())
    }
    guard unsafe lstat(path, &status) == 0 else { return }
    if status.st_mode & S_IFMT == S_IFDIR {
        throw .cannotWrite(path: path, reason: "it is a folder")
    }
    if !force { throw .exists(path: path) }
}

/// Replaces a file by other bytes, whole or not at all.
package func replaceFile(at path: String, with bytes: [UInt8]) throws(FileError) {
    var staged = StagedFiles(force: true)
    defer { staged.discard() }
    try staged.stage(bytes, for: path)
    try staged.commit()
}
