import Limits
import Glibc
package import Images
import RPC

/// Reads input files into memory.
package enum InputFile {
    /// The bytes of a file, or of standard input for "-". `/dev/fd/N`, which a shell's `<(...)` gives, is read from the
    /// open descriptor itself.
    package static func bytes(at path: String) throws(FileError) -> [UInt8] {
        if let descriptor = descriptor(named: path) {
            return try bytes(of: descriptor, path, limit: Limit.pictureBytes)
        }
        let descriptor = try open(path, O_RDONLY)
        defer { close(descriptor) }
        return try bytes(of: descriptor, path, limit: Limit.pictureBytes)
    }

    /// The bytes of a regular file, and of nothing else: for paths from untrusted files, which may name an endless pipe
    /// or a device on which reading has side effects.
    ///
    /// - Parameter limit: in bytes; a larger file is `tooLarge`
    package static func regularBytes(at path: String, limit: Int) throws(FileError) -> [UInt8] {
        let descriptor = try open(path, O_RDONLY | O_NONBLOCK | O_NOCTTY)
        defer { close(descriptor) }
        guard let status = FileStatus(descriptor: descriptor) else {
            throw .cannotRead(path: path, reason: systemReason())
        }
        guard status.isFile else {
            throw status.isFolder ? .isFolder(path: path) : .cannotRead(path: path, reason: "it is \(status.kind)")
        }
        return try bytes(of: descriptor, path, limit: limit)
    }

    /// The first bytes of a file, enough to recognise its format.
    package static func beginning(of path: String) throws(FileError) -> [UInt8] {
        let descriptor = try open(path, O_RDONLY | O_NONBLOCK)
        defer { close(descriptor) }
        var bytes = [UInt8](repeating: 0, count: 4096)
        let count = unsafe read(descriptor, &bytes, bytes.count)
        if count < 0 { throw .cannotRead(path: path, reason: systemReason()) }
        return Array(bytes.prefix(count))
    }

    /// Whether a path is a pipe, terminal or descriptor: it can be read only once, and gives no folder for the outputs.
    static func isStream(_ path: String) -> Bool {
        if descriptor(named: path) != nil { return true }
        guard let status = FileStatus(path) else { return false }
        return !status.isFile && !status.isFolder
    }

    /// Whether a stream's path gives no name for the outputs.
    static func isNameless(_ path: String) -> Bool {
        ["-", "/dev/", "/proc/"].contains { path.utf8.starts(with: $0.utf8) }
    }

    /// Checks early that a file exists and can be opened.
    package static func check(_ path: String) throws(FileError) {
        if isStream(path) { return }
        close(try open(path, O_RDONLY | O_NONBLOCK))
        if FileStatus(path)?.isFolder == true { throw .isFolder(path: path) }
    }

    /// The open descriptor that a path names, if it names one.
    private static func descriptor(named path: String) -> CInt? {
        if path == "-" || path == "/dev/stdin" { return STDIN_FILENO }
        for folder in ["/dev/fd/", "/proc/self/fd/"] where path.utf8.starts(with: folder.utf8) {
            return CInt(String(decoding: path.utf8.dropFirst(folder.utf8.count), as: UTF8.self))
        }
        return nil
    }

    private static func open(_ path: String, _ flags: CInt) throws(FileError) -> CInt {
        let descriptor = unsafe PathText.withName(of: path) { unsafe Glibc.open($0, flags | O_CLOEXEC) }
        guard descriptor >= 0 else { throw .cannotRead(path: path, reason: systemReason()) }
        return descriptor
    }

    private static func bytes(of descriptor: CInt, _ path: String, limit: Int) throws(FileError) -> [UInt8] {
        var bytes: [UInt8] = []
        var chunk = [UInt8](repeating: 0, count: 1 << 20)
        while true {
            let count = unsafe read(descriptor, &chunk, chunk.count)
            if count < 0 && Streams.mayRetry(descriptor, awaiting: POLLIN) { continue }
            if count < 0 && errno == EISDIR { throw .isFolder(path: path) }
            if count < 0 { throw .cannotRead(path: path, reason: systemReason()) }
            if count == 0 { return bytes }
            bytes += chunk.prefix(count)
            if bytes.count > limit { throw .tooLarge(path: path, limit: limit) }
        }
    }
}

/// A picture's file whose header is legal and within the limits; nothing is decoded yet.
package struct InputPicture: Sendable {
    package let bytes: [UInt8]
    package let size: ImageSize

    /// - Throws: why no picture can be decoded of it, as far as the header tells
    package init(_ bytes: [UInt8]) throws(ImageError) {
        size = try ImageSize(probing: bytes)
        self.bytes = bytes
    }
}

/// `strerror(errno)`.
func systemReason() -> String {
    unsafe String(cString: strerror(errno))
}
