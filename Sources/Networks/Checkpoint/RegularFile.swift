import Glibc

/// A file opened for reading by offset, and the state it had then.
///
/// Nothing is mapped: a file that another process cuts short gives a short read, never a signal.
package final class RegularFile {
    package let path: String
    /// Bytes, when the file was opened.
    package let size: Int
    private let descriptor: Int32
    private let modified: timespec

    /// Opens `path`, following links. A pipe or a device is refused without waiting for it.
    package init(path: String) throws(CheckpointError) {
        guard !path.utf8.contains(0) else {
            throw .system(path: path, call: "open", code: EINVAL)
        }
        let opened = unsafe open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK)
        guard opened >= 0 else {
            throw .system(path: path, call: "open", code: errno)
        }
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
        self.size = Int(state.st_size)
        self.modified = state.st_mtim
    }

    deinit {
        close(descriptor)
    }

    /// Fills `buffer` from `offset` on; returns the bytes read, fewer only where the file ends.
    package func read(
        into buffer: UnsafeMutableRawBufferPointer, at offset: Int
    ) throws(CheckpointError) -> Int {
        guard let base = buffer.baseAddress else { return 0 }
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

    /// The bytes of a range that lies within ``size``.
    package func bytes(in range: Range<Int>) throws(CheckpointError) -> [UInt8] {
        var failure: CheckpointError?
        let bytes = unsafe [UInt8](unsafeUninitializedCapacity: range.count) { buffer, count in
            do throws(CheckpointError) {
                count = try unsafe read(
                    into: UnsafeMutableRawBufferPointer(buffer), at: range.lowerBound)
            } catch {
                failure = error
            }
        }
        if let failure { throw failure }
        guard bytes.count == range.count else { throw changed() }
        return bytes
    }

    /// Throws if the file was written to or cut since it was opened.
    package func verifyUnchanged() throws(CheckpointError) {
        let state = try currentState()
        let now = state.st_mtim
        guard Int(state.st_size) == size, now.tv_sec == modified.tv_sec,
            now.tv_nsec == modified.tv_nsec
        else {
            throw .changed(file: path, sizeBefore: size, sizeNow: Int(state.st_size))
        }
    }

    /// The error for a file that is not what it was when it was opened.
    private func changed() -> CheckpointError {
        do {
            return .changed(file: path, sizeBefore: size, sizeNow: Int(try currentState().st_size))
        } catch {
            return error
        }
    }

    private func currentState() throws(CheckpointError) -> stat {
        var state = stat()
        guard unsafe fstat(descriptor, &state) == 0 else {
            throw .system(path: path, call: "fstat", code: errno)
        }
        return state
    }
}
