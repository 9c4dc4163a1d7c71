import Glibc

/// Reads files whole.
package enum InputFile {
    /// The daemon takes no larger file.
    package static let byteLimit = 256 << 20

    /// The bytes of a file, of standard input for "-".
    package static func bytes(at path: String) throws(FileError) -> [UInt8] {
        let descriptor = path == "-" ? STDIN_FILENO : unsafe open(path, O_RDONLY | O_CLOEXEC)
        guard descriptor >= 0 else { throw .cannotRead(path: path, reason: systemReason()) }
        defer { if path != "-" { close(descriptor) } }
        var bytes: [UInt8] = []
        var chunk = [UInt8](repeating: 0, count: 1 << 20)
        while true {
            let count = unsafe read(descriptor, &chunk, chunk.count)
            if count < 0 && errno == EINTR { continue }
            if count < 0 { throw .cannotRead(path: path, reason: systemReason()) }
            if count == 0 { return bytes }
            bytes += chunk.prefix(count)
            if bytes.count > byteLimit { throw .tooLarge(path: path, limit: byteLimit) }
        }
    }
}

/// The sentence of the last failed call.
func systemReason() -> String {
    unsafe String(cString: strerror(errno))
}
