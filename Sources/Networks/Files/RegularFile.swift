import Glibc
import Kernels

/// A file opened for reading by offset, and its state when it was opened.
///
/// It is read, not mapped: where another process truncates it, a read is short, and there is no SIGBUS.
package final class RegularFile {
    package let path: String
    /// The file's state when it was opened.
    package let identity: FileIdentity
    /// Whether any write since it was opened changes its ``identity``.
    let isSettled: Bool
    /// -1: closed, for its contents are in memory.
    private var descriptor: Int32
    private var kept: [UInt8]?

    /// The file's bytes when it was opened.
    package var size: Int { identity.size }

    /// Whether there is anything at `path`, a file or a folder.
    package static func exists(at path: String) -> Bool { unsafe access(path, F_OK) == 0 }

    /// Opens `path`, following links. Pipes and devices are refused without blocking.
    package init(path: String) throws(CheckpointError) {
        guard !path.utf8.contains(0) else {
            throw .system(path: path, call: "open", code: EINVAL)
        }
        let opened = unsafe open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK)
        guard opened >= 0 else {
            throw .system(path: path, call: "open", code: errno)
        }
        let now = time(nil)
        var state = stat()
        guard unsafe fstat(opened, &state) == 0 else {
            let code = errno
            close(opened)
            throw .system(path: path, call: "fstat", code: code)
        }
        guard state.st_mode & S_IFMT == S_IFREG else {
            close(opened)
            throw .notAFile(path: path)
        }
        self.path = path
        self.descriptor = opened
        self.identity = FileIdentity(state)
        self.isSettled = identity.isSettled(at: now)
    }

    deinit {
        if descriptor >= 0 { close(descriptor) }
    }

    /// Reads all bytes into memory and closes the file, where it has at most `limit`: a pipeline has some thirty small
    /// files, and daemons few descriptors to spare.
    func keep(atMost limit: Int) throws(CheckpointError) {
        guard size <= limit else { return }
        let bytes = try contents(limit: limit)
        try verifyUnchanged()
        kept = bytes
        close(descriptor)
        descriptor = -1
    }

    /// Fills `buffer` from `offset` on; returns the bytes read, fewer only where the file ends.
    package func read(
        into buffer: UnsafeMutableRawBufferPointer, at offset: Int
    ) throws(CheckpointError) -> Int {
        guard let base = buffer.baseAddress else { return 0 }
        if let kept {
            let found = kept[min(offset, kept.count)...].prefix(buffer.count)
            unsafe buffer.copyBytes(from: found)
            return found.count
        }
        var done = 0
        while done < buffer.count {
            let count = unsafe pread(descriptor, base + done, buffer.count - done, offset + done)
            if count == 0 { break }
            if count < 0 {
                if errno == EINTR { continue }
                throw .system(path: path, call: "read", code: errno)
            }
            done += count
        }
        return done
    }

    /// All bytes of a file of at most `limit`.
    package func contents(limit: Int) throws(CheckpointError) -> [UInt8] {
        guard size <= limit else {
            throw .tooLarge(path: path, bytes: size, limit: limit)
        }
        return try bytes(in: 0..<size)
    }

    /// The bytes of a range that lies within ``size``. There is room for one more: a header of 100 MB is not copied for
    /// the byte that ends it.
    package func bytes(in range: Range<Int>) throws(CheckpointError) -> [UInt8] {
        var failure: CheckpointError?
        let bytes = unsafe [UInt8](unsafeUninitializedCapacity: range.count + 1) { buffer, count in
            unsafe AddressSpace.preferHugePages(UnsafeMutableRawBufferPointer(buffer))
            do throws(CheckpointError) {
                count = try unsafe read(
                    into: UnsafeMutableRawBufferPointer(UnsafeMutableBufferPointer(rebasing: buffer[..<range.count])),
                    at: range.lowerBound)
            } catch {
                failure = error
            }
        }
        if let failure { throw failure }
        guard bytes.count == range.count else { throw changed() }
        return bytes
    }

    /// Throws `changed` if the file was written to or truncated since it was opened.
    package func verifyUnchanged() throws(CheckpointError) {
        let now = try currentIdentity()
        guard now.size == size, now.modified == identity.modified else {
            throw .changed(file: path, sizeBefore: size, sizeNow: now.size)
        }
    }

    /// Whether the file is unchanged since it was opened, its name and mode included.
    var isAsOpened: Bool { (try? currentIdentity()) == identity }

    /// The error for a file that is not what it was when it was opened.
    private func changed() -> CheckpointError {
        do {
            return .changed(file: path, sizeBefore: size, sizeNow: try currentIdentity().size)
        } catch {
            return error
        }
    }

    /// Of a file whose contents are in memory, and whose name leads elsewhere since, what it was.
    private func currentIdentity() throws(CheckpointError) -> FileIdentity {
        var state = stat()
        if kept != nil {
            guard unsafe stat(path, &state) == 0, state.st_ino == identity.inode else { return identity }
            return FileIdentity(state)
        }
        guard unsafe fstat(descriptor, &state) == 0 else {
            throw .system(path: path, call: "fstat", code: errno)
        }
        return FileIdentity(state)
    }
}
