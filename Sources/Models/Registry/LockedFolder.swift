import Glibc

/// The folder of a registry, locked against other writers until this value ends.
///
/// The lock is the folder's own (flock(2)), which no rename loses and no file is left over from.
struct LockedFolder: ~Copyable {
    private let file: String
    private let name: String
    private let descriptor: CInt

    private static let pause: useconds_t = 2000

    /// Makes the folder where it is missing, and waits for its lock.
    init(of file: String, mode: mode_t, patience: Duration) throws(RegistryError) {
        let parts = file.utf8.split(separator: UInt8(ascii: "/")).map { String(Substring($0)) }
        self.file = file
        name = parts.last ?? ""
        for count in parts.indices.dropFirst() {
            let folder = "/" + parts[..<count].joined(separator: "/")
            // EEXIST and EROFS are no failures here: what matters is whether the folder opens. The mode is the
            // registry's, whatever the umask.
            if unsafe mkdir(folder, mode) == 0 { unsafe chmod(folder, mode) }
        }
        descriptor = unsafe open("/" + parts.dropLast().joined(separator: "/"), O_RDONLY | O_DIRECTORY | O_CLOEXEC)
        guard descriptor >= 0 else { throw Self.failure(file) }
        let end = ContinuousClock.now + patience
        while flock(descriptor, LOCK_EX | LOCK_NB) != 0 {
            guard errno == EWOULDBLOCK || errno == EINTR else { throw Self.failure(file) }
            guard ContinuousClock.now < end else {
                throw .locked(file: file, seconds: Int(patience.components.seconds))
            }
            usleep(Self.pause)
        }
    }

    deinit {
        guard descriptor >= 0 else { return }
        // Closing alone would leave it to a program that another thread starts, from its fork to its exec.
        flock(descriptor, LOCK_UN)
        close(descriptor)
    }

    /// Replaces the file, or leaves it as it is: its bytes are on the disk before its name leads to them.
    borrowing func replace(with bytes: [UInt8]) throws(RegistryError) {
        let temporary = "\(name).new"
        // Left by a program that was killed: whoever has the lock is the only writer.
        unsafe unlinkat(descriptor, temporary, 0)
        let written = unsafe openat(descriptor, temporary, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0o644)
        guard written >= 0 else { throw Self.failure(file) }
        defer { close(written) }
        // The mode is the registry's, whatever the umask: the service's user reads the system's.
        guard fchmod(written, 0o644) == 0, Self.write(bytes, to: written), fsync(written) == 0,
            unsafe renameat(descriptor, temporary, descriptor, name) == 0
        else {
            let error = Self.failure(file)
            unsafe unlinkat(descriptor, temporary, 0)
            throw error
        }
        fsync(descriptor)
    }

    private static func write(_ bytes: [UInt8], to descriptor: CInt) -> Bool {
        var rest = bytes[...]
        while !rest.isEmpty {
            let count = unsafe rest.withUnsafeBytes { unsafe Glibc.write(descriptor, $0.baseAddress, $0.count) }
            if count < 0, errno == EINTR { continue }
            guard count > 0 else { return false }
            rest = rest.dropFirst(count)
        }
        return true
    }

    private static func failure(_ file: String) -> RegistryError {
        .cannotWrite(file: file, reason: unsafe String(cString: strerror(errno)))
    }
}
