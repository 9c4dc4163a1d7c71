import Glibc
import RPC

/// Standard output and standard error: data on one, words for a person on the other.
package enum Streams {
    package static var outputIsTerminal: Bool { isatty(STDOUT_FILENO) == 1 }

    /// Opens those of the three standard descriptors that are closed, so that nothing can be read or written there:
    /// else the next file or socket that is opened would have their number, and get what is meant for them.
    package static func openStandardDescriptors() {
        for descriptor in STDIN_FILENO...STDERR_FILENO where fcntl(descriptor, F_GETFD) < 0 {
            _ = unsafe open("/dev/null", descriptor == STDIN_FILENO ? O_WRONLY : O_RDONLY)
        }
    }

    /// Whether standard error is a terminal that obeys escape sequences.
    static var errorsAreAnimated: Bool {
        guard isatty(STDERR_FILENO) == 1, let terminal = SocketPath.environment("TERM") else { return false }
        return !terminal.isEmpty && terminal != "dumb"
    }

    /// Writes data to standard output.
    package static func write(_ bytes: [UInt8]) throws(FileError) {
        guard write(bytes, to: STDOUT_FILENO) else {
            // Where SIGPIPE is ignored the program lives to see it.
            if errno == EPIPE { throw .readerGone }
            throw .cannotWrite(path: "standard output", reason: systemReason())
        }
    }

    /// Writes a message of one line or more to standard error. Nobody can be told that this failed.
    package static func say(_ message: String) {
        let lines = message.unicodeScalars.split(separator: "\n", omittingEmptySubsequences: false).map { line in
            printable(String(line.last == "\r" ? line.dropLast() : line))
        }
        _ = write(Array("\(lines.joined(separator: "\n"))\n".utf8), to: STDERR_FILENO)
    }

    /// The text on one line and without what a terminal would obey: control characters, which a label, a file's name
    /// or a daemon's answer may hold, and marks that turn the direction of writing.
    package static func printable(_ text: String) -> String {
        let scalars = text.unicodeScalars.map { isObeyed($0) || !PathText.isUnicode(String($0)) ? "\u{FFFD}" : $0 }
        return String(String.UnicodeScalarView(scalars))
    }

    /// The text as ``printable(_:)`` gives it, with no more than its beginning where it is long.
    static func excerpt(_ text: String) -> String {
        let beginning = String(text.unicodeScalars.prefix(100))
        return printable(beginning) + (beginning.utf8.count < text.utf8.count ? "\u{2026}" : "")
    }

    /// Whether a scalar is an order to a terminal rather than a sign on it.
    static func isObeyed(_ scalar: Unicode.Scalar) -> Bool {
        switch scalar.properties.generalCategory {
        case .control, .lineSeparator, .paragraphSeparator: true
        default: scalar.properties.isBidiControl
        }
    }

    /// Whether the call that failed last is to be made again: it was interrupted, or it found nothing to read or no
    /// room on a descriptor that whoever shares it made non-blocking, and this waited for that.
    static func mayRetry(_ descriptor: CInt, awaiting events: CInt) -> Bool {
        if errno == EINTR { return true }
        guard errno == EAGAIN else { return false }
        var state = pollfd(fd: descriptor, events: Int16(events), revents: 0)
        return unsafe poll(&state, 1, -1) >= 0 || errno == EINTR
    }

    static func write(_ bytes: [UInt8], to descriptor: Int32) -> Bool {
        var rest = bytes[...]
        while !rest.isEmpty {
            let count = unsafe rest.withUnsafeBytes { unsafe Glibc.write(descriptor, $0.baseAddress, $0.count) }
            if count < 0 && mayRetry(descriptor, awaiting: POLLOUT) { continue }
            guard count >= 0 else { return false }
            rest = rest.dropFirst(count)
        }
        return true
    }
}
