import Glibc
import Logging
import Results

/// Writes each message as one line to stderr. Never blocks: where stderr is a full pipe, the line is dropped.
///
/// Where stderr is the systemd journal, a line begins with its priority as `<N>` (sd-daemon(3)).
struct LogLines: LogHandler {
    var metadata: Logger.Metadata = [:]
    var logLevel = Logger.Level.info
    private let isJournal = Self.stderrIsJournal

    /// PIPE_BUF: a pipe that poll(2) reports writable takes so many bytes without blocking.
    private static let longestLine = 4096

    subscript(metadataKey key: String) -> Logger.Metadata.Value? {
        get { metadata[key] }
        set { metadata[key] = newValue }
    }

    func log(event: LogEvent) {
        let mark = isJournal ? "<\(Self.priority(event.level))>" : "dsegd: \(event.level): "
        // A message may quote what a client sent: no line ends, which would forge log lines, and no terminal controls.
        let message = Streams.printable(String(event.message.description.map { $0.isNewline ? " " : $0 }))
        let line = Array((mark + message).utf8.prefix(Self.longestLine - 1)) + Array("\n".utf8)
        var writable = pollfd(fd: STDERR_FILENO, events: Int16(POLLOUT), revents: 0)
        guard unsafe poll(&writable, 1, 0) == 1 else { return }
        _ = unsafe write(STDERR_FILENO, line, line.count)
    }

    /// The level's number in syslog(3).
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

    /// Whether `JOURNAL_STREAM` has the device and inode of stderr (systemd.exec(5)).
    private static var stderrIsJournal: Bool {
        var status = stat()
        guard let stream = unsafe getenv("JOURNAL_STREAM"), unsafe fstat(STDERR_FILENO, &status) == 0 else {
            return false
        }
        return unsafe String(cString: stream) == "\(status.st_dev):\(status.st_ino)"
    }
}
