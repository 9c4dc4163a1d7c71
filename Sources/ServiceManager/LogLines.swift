import Glibc
package import Logging
import Results
import Synchronization

/// What is logged, which may change while the daemon runs.
package final class LogSettings: Sendable {
    private let levelIndex: Atomic<Int>
    private let logsWords: Atomic<Bool>
    /// Whether a full disk has only the beginning of the last line.
    fileprivate let isCutOff = Atomic(false)

    /// - Parameter words: whether words of requests are logged
    package init(level: Logger.Level, words: Bool) {
        levelIndex = Atomic(Self.index(of: level))
        logsWords = Atomic(words)
    }

    /// The least level that is logged.
    package var level: Logger.Level {
        get { Logger.Level.allCases[levelIndex.load(ordering: .relaxed)] }
        set { levelIndex.store(Self.index(of: newValue), ordering: .relaxed) }
    }

    /// Whether words of requests are logged.
    package var words: Bool {
        get { logsWords.load(ordering: .relaxed) }
        set { logsWords.store(newValue, ordering: .relaxed) }
    }

    private static func index(of level: Logger.Level) -> Int {
        guard let index = Logger.Level.allCases.firstIndex(of: level) else {
            preconditionFailure("allCases has every level")
        }
        return index
    }
}

/// Writes each message, and its metadata as `key=value` pairs (logfmt), as one line to stderr. Never blocks: where
/// stderr is a full pipe or socket, the line is dropped. Where a full disk took the beginning of one, the next begins
/// on a line of its own.
///
/// Where stderr is the systemd journal, it tells that the fields themselves (``Journal``), or, where it cannot be
/// reached, writes lines that begin with their priority as `<N>` (sd-daemon(3)).
package struct LogLines: LogHandler {
    package var metadata: Logger.Metadata = [:]
    private let settings: LogSettings
    private let descriptor: CInt
    private let isJournal: Bool
    private let journal: Journal?

    package init(_ settings: LogSettings) {
        let isJournal = Self.isJournal(STDERR_FILENO)
        self.init(settings, to: STDERR_FILENO, isJournal: isJournal, isJournal ? Journal(at: Journal.path) : nil)
    }

    /// - Parameters:
    ///   - descriptor: gets the lines
    ///   - isJournal: whether the journal reads them
    ///   - journal: is told instead; `nil`: none is
    init(_ settings: LogSettings, to descriptor: CInt, isJournal: Bool, _ journal: Journal?) {
        self.settings = settings
        self.descriptor = descriptor
        self.isJournal = isJournal
        self.journal = journal
    }

    /// PIPE_BUF: a pipe that poll(2) reports writable takes so many bytes without blocking.
    static let longestLine = 4096
    /// Bytes of a field's value: with at most a few dozen fields, a message to the journal stays far below the 200 kB
    /// that a socket takes at once.
    static let longestValue = 1024

    /// The order of fields in a line; any others follow in the order of their names. Those that may be long are last.
    private static let order = [
        "request_id", "uid", "connection", "method", "model", "recipe", "labels", "picture", "result", "client_left",
        "remembered", "total_ms", "queue_ms", "decode_ms", "autoencoder_ms", "words_ms", "text_ms", "unet_ms",
        "maps_ms", "draw_ms", "received_bytes", "sent_bytes", "words", "reason",
    ]
    private static let places = Dictionary(uniqueKeysWithValues: zip(order, 0...))

    package subscript(metadataKey key: String) -> Logger.Metadata.Value? {
        get { metadata[key] }
        set { metadata[key] = newValue }
    }

    /// That of the settings: setting it changes them, and so all loggers that share them.
    package var logLevel: Logger.Level {
        get { settings.level }
        nonmutating set { settings.level = newValue }
    }

    package func log(event: LogEvent) {
        let fields = fields(event)
        let message = event.message.description
        if let journal, journal.send(message, event.level.priority, fields) { return }
        let mark = isJournal ? "<\(event.level.priority)>" : "dsegd: \(event.level): "
        write(Self.line(mark, message, fields))
    }

    /// What is known beside the message, in the order of the line.
    private func fields(_ event: LogEvent) -> [(key: String, value: String)] {
        let all = metadata.merging(event.metadata ?? [:]) { $1 }
        func place(_ key: String) -> (Int, String) { (Self.places[key] ?? Self.order.count, key) }
        return all.sorted { place($0.key) < place($1.key) }.map { ($0, Self.shown("\($1)")) }
    }

    /// A value as it may be shown: printable, and cut to ``longestValue``.
    static func shown(_ value: String) -> String {
        let text = value.cut(toBytes: longestValue)
        return text.utf8.allSatisfy(\.isPlain) ? text : Streams.printable(text).cut(toBytes: longestValue)
    }

    /// A line of at most ``longestLine`` bytes, its end included.
    ///
    /// - Parameter fields: their values as ``shown(_:)`` gives them
    static func line(_ mark: String, _ message: String, _ fields: [(key: String, value: String)]) -> [UInt8] {
        // A message may quote what came from outside: no line ends, which would forge log lines, and no terminal
        // controls.
        var line = mark + Streams.printable(String(message.map { $0.isNewline ? " " : $0 }))
        for field in fields { line += " \(field.key)=\(field.value.quoted)" }
        return Array(line.cut(toBytes: longestLine - 1).utf8) + [UInt8(ascii: "\n")]
    }

    private func write(_ line: [UInt8]) {
        // The stream of the journal is a socket, which poll(2) may report writable for less than a line.
        if unsafe send(descriptor, line, line.count, CInt(MSG_DONTWAIT | MSG_NOSIGNAL)) >= 0 { return }
        guard errno == ENOTSOCK else { return }
        var writable = pollfd(fd: descriptor, events: Int16(POLLOUT), revents: 0)
        guard unsafe poll(&writable, 1, 0) == 1 else { return }
        let isCutOff = settings.isCutOff.exchange(false, ordering: .relaxed)
        let bytes = isCutOff ? [UInt8(ascii: "\n")] + line : line
        let count = unsafe Glibc.write(descriptor, bytes, bytes.count)
        if count != bytes.count, isCutOff || count > 0 { settings.isCutOff.store(true, ordering: .relaxed) }
    }

    /// Whether `JOURNAL_STREAM` has the device and inode of a descriptor (systemd.exec(5)).
    private static func isJournal(_ descriptor: CInt) -> Bool {
        var status = stat()
        guard let stream = unsafe getenv("JOURNAL_STREAM"), unsafe fstat(descriptor, &status) == 0 else {
            return false
        }
        return unsafe String(cString: stream) == "\(status.st_dev):\(status.st_ino)"
    }
}

extension Logger.Level {
    /// Its number in syslog(3).
    fileprivate var priority: Int {
        switch self {
        case .critical: 2
        case .error: 3
        case .warning: 4
        case .notice: 5
        case .info: 6
        case .debug, .trace: 7
        }
    }
}

extension UInt8 {
    /// Whether it is a printable character of ASCII.
    fileprivate var isPlain: Bool { (0x20...0x7e).contains(self) }
}

extension String {
    /// The text, or as many whole scalars of it as fit with an ellipsis after them.
    func cut(toBytes limit: Int) -> String {
        guard utf8.count > limit else { return self }
        let ellipsis = "\u{2026}"
        var bytes = 0
        let kept = unicodeScalars.prefix { scalar in
            bytes += UTF8.width(scalar)
            return bytes <= limit - ellipsis.utf8.count
        }
        return String(kept) + ellipsis
    }

    /// As a value of logfmt: between quotes, unless it is of plain characters that need none.
    fileprivate var quoted: String {
        let special = Array("\"\\= ".utf8)
        if !isEmpty, utf8.allSatisfy({ $0.isPlain && !special.contains($0) }) { return self }
        // By scalars: a quote with a combining mark after it is another character, and still ends a value.
        let escaped = unicodeScalars.flatMap { $0 == "\"" || $0 == "\\" ? ["\\", $0] : [$0] }
        return "\"\(String(String.UnicodeScalarView(escaped)))\""
    }
}
