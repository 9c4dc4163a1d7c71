import Glibc

/// Files that targets read by their paths. They lie in memory: an input costs no disk.
enum Scratch {
    static func read(_ path: String) -> [UInt8] {
        let descriptor = unsafe open(path, O_RDONLY | O_CLOEXEC)
        require(descriptor >= 0, "\(path) can be opened")
        defer { close(descriptor) }
        let size = Int(lseek(descriptor, 0, SEEK_END))
        return unsafe [UInt8](unsafeUninitializedCapacity: size) { bytes, count in
            count = unsafe max(0, pread(descriptor, bytes.baseAddress, size, 0))
        }
    }

    static func write(_ bytes: [UInt8], to path: String) {
        let descriptor = unsafe open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0o644)
        require(descriptor >= 0, "\(path) can be written")
        defer { close(descriptor) }
        let written = unsafe Glibc.write(descriptor, bytes, bytes.count)
        require(written == bytes.count, "\(path) is written whole")
    }
}

/// A file in memory that has a path.
struct MemoryBackedFile: Sendable {
    private let descriptor: CInt
    var path: String { "/proc/self/fd/\(descriptor)" }

    init() {
        let name = "/dev/shm/dseg-fuzz-file-\(getpid())"
        descriptor = unsafe open(name, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0o600)
        require(descriptor >= 0, "\(name) can be made")
        // It goes with the process.
        unsafe unlink(name)
    }

    /// - Parameter zeros: bytes that follow, which take no memory
    func hold(_ bytes: [UInt8], zeros: Int) {
        require(ftruncate(descriptor, 0) == 0, "a memory file shrinks")
        require(unsafe pwrite(descriptor, bytes, bytes.count, 0) == bytes.count, "a memory file is written")
        require(ftruncate(descriptor, bytes.count + zeros) == 0, "a memory file grows")
    }
}

/// A folder of small files in memory, which is removed when the process ends.
struct MemoryBackedFolder: Sendable {
    let path: String

    init() {
        path = "/dev/shm/dseg-fuzz-\(getpid())"
        unsafe mkdir(path, 0o700)
        atexit { MemoryBackedFolder.removed() }
    }

    /// Has the folder hold these files and no other of ``names``.
    func hold(_ files: [String: [UInt8]], of names: [String]) {
        for name in names {
            if let bytes = files[name] {
                Scratch.write(bytes, to: "\(path)/\(name)")
            } else {
                unsafe unlink("\(path)/\(name)")
            }
        }
    }

    private static func removed() {
        let path = "/dev/shm/dseg-fuzz-\(getpid())"
        for name in Vocabularies.names { unsafe unlink("\(path)/\(name)") }
        unsafe rmdir(path)
    }
}
