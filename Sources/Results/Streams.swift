import Glibc
import RPC

/// Standard output, for data, and standard error, for messages.
package enum Streams {
    package static var outputIsTerminal: Bool { isatty(STDOUT_FILENO) == 1 }

    /// Opens `/dev/null` at those of the descriptors 0 to 2 that are closed, in the direction that makes any use fail:
    /// else the next file or socket opened would get such a number, and receive what is printed.
    package static func openStandardDescriptors() {
        for descriptor in STDIN_FILENO...STDERR_FILENO where fcntl(descriptor, F_GETFD) < 0 {
            _ = unsafe open("/dev/null", descriptor == STDIN_FILENO ? O_WRONLY : O_RDONLY)
        }
    }

    /// Whether standard error is a terminal with escape sequences (not `TERM=dumb`).
    static var errorsAreAnimated: Bool { isAnimated(STDERR_FILENO) }

    /// Whether standard output is one.
    package static var outputIsAnimated: Bool { isAnimated(STDOUT_FILENO) }

    private static func isAnimated(_ descriptor: CInt) -> Bool {
        guard isatty(descriptor) == 1, let terminal = SocketPath.environment("TERM") else { return false }
        return !terminal.isEmpty && terminal != "dumb"
    }

    /// Writes data to standard output.
    package static func write(_ bytes: [UInt8]) throws(FileError) {
        guard write(bytes, to: STDOUT_FILENO) else {
            // Only where SIGPIPE is ignored; else it has ended the program.
            if errno == EPIPE { throw .readerGone }
            throw .cannotWrite(path: "standard output", reason: systemReason())
        }
    }

    /// Writes a message of one line or more to standard error; failure is ignored, as there is nowhere to report it.
    package static func say(_ message: String) {
        _ = write(Array("\(lines(message))\n".utf8), to: STDERR_FILENO)
    }

    /// The text as ``printable(_:)`` gives each of its lines.
    package static func lines(_ text: String) -> String {
        text.unicodeScalars.split(separator: "\n", omittingEmptySubsequences: false).map { line in
            printable(String(line.last == "\r" ? line.dropLast() : line))
        }.joined(separator: "\n")
    }

    /// The text safe for a terminal: control characters (escape sequences, line ends) and bidi controls, which a label,
    /// a file's name or a daemon's answer may hold, become U+FFFD.
    package static func printable(_ text: String) -> String {
        let scalars = text.unicodeScalars.map { isObeyed($0) || !PathText.isUnicode(String($0)) ? "\u{FFFD}" : $0 }
        return String(String.UnicodeScalarView(scalars))
    }

    /// The text as ``printable(_:)`` gives it, cut to 100 scalars.
    package static func excerpt(_ text: String) -> String {
        let beginning = String(text.unicodeScalars.prefix(100))
        return printable(beginning) + (beginning.utf8.count < text.utf8.count ? "\u{2026}" : "")
    }

    /// Whether a scalar controls a terminal: a control character, line separator or bidi control.
    static func isObeyed(_ scalar: Unicode.Scalar) -> Bool {
        switch scalar.properties.generalCategory {
        case .control, .lineSeparator, .paragraphSeparator: true
        default: scalar.properties.isBidiControl
        }
    }

    /// Whether to repeat the read or write that failed last: after EINTR, and after EAGAIN, for which this waits by
    /// poll(2). An inherited descriptor may be non-blocking, as the flag is shared with other processes.
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
