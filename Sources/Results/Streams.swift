import Glibc

/// Standard output and standard error: data on one, words for a person on the other.
package enum Streams {
    package static var outputIsTerminal: Bool { isatty(STDOUT_FILENO) == 1 }

    /// Writes data to standard output.
    package static func write(_ bytes: [UInt8]) throws(FileError) {
        guard write(bytes, to: STDOUT_FILENO) else {
            // Where SIGPIPE is ignored the program lives to see it.
            if errno == EPIPE { throw .readerGone }
            throw .cannotWrite(path: "standard output", reason: systemReason())
        }
    }

    /// Writes a line to standard error. Nobody can be told that this failed.
    package static func say(_ line: String) {
        _ = write(Array("\(printable(line))\n".utf8), to: STDERR_FILENO)
    }

    /// The text on one line and without control characters, which a label or a file's name may hold and a terminal
    /// would obey.
    package static func printable(_ text: String) -> String {
        let scalars = text.unicodeScalars.map { $0.properties.generalCategory == .control ? "\u{FFFD}" : $0 }
        return String(String.UnicodeScalarView(scalars))
    }

    static func write(_ bytes: [UInt8], to descriptor: Int32) -> Bool {
        var rest = bytes[...]
        while !rest.isEmpty {
            let count = unsafe rest.withUnsafeBytes { unsafe Glibc.write(descriptor, $0.baseAddress, $0.count) }
            if count < 0 && errno == EINTR { continue }
            guard count >= 0 else { return false }
            rest = rest.dropFirst(count)
        }
        return true
    }
}
