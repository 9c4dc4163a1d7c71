import Glibc
import Logging

/// Writes each message as one line to stderr. Nobody waits for a log that is not read: its lines are lost.
///
/// Where stderr is the journal, a line begins with its priority as `<N>`, which the journal takes off; it knows the
/// time itself.
struct LogLines: LogHandler {
    var metadata: Logger.Metadata = [:]
    var logLevel = Logger.Level.info
    private let isJournal = Self.stderrIsJournal

    /// A pipe that has room has room for so much (PIPE_BUF).
    private static let longestLine = 4096

    subscript(metadataKey key: String) -> Logger.Metadata.Value? {
        get { metadata[key] }
        set { metadata[key] = newValue }
    }

    func log(event: LogEvent) {
        let mark = isJournal ? "<\(Self.priority(event.level))>" : "dsegd: \(event.level): "
        // A sentence may quote what a client sent: it must not become a second line.
        let message = event.message.description.map { $0.isNewline ? " " : $0 }
        let line = Array((mark + String(message)).utf8.prefix(Self.longestLine - 1)) + Array("\n".utf8)
        var writable = pollfd(fd: STDERR_FILENO, events: Int16(POLLOUT), revents: 0)
        guard unsafe poll(&writable, 1, 0) == 1 else { return }
        _ = unsafe write(STDERR_FILENO, line, line.count)
    }

    /// Of syslog(3).
    private static func priority(_ level: Logger.Level) -> Int {
        switch level {
        case .critical: 2
        case .error: 3
        case .warning: 4
        case .notice: 5
        case .info: 6
        case .debug, .trace: 7
        }
    }

    /// Whether `JOURNAL_STREAM` names the file that stderr is.
    private static var stderrIsJournal: Bool {
        var status = stat()
        guard let stream = unsafe getenv("JOURNAL_STREAM"), unsafe fstat(STDERR_FILENO, &status) == 0 else {
            return false
        }
        return unsafe String(cString: stream) == "\(status.st_dev):\(status.st_ino)"
    }
}
