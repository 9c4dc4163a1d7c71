import Glibc
import Synchronization

/// The whole screen of the terminal at standard output, and the keys that are typed at standard input.
///
/// What was on the screen comes back when it is left, also by a signal that ends the program, see ``Interruption``.
package final class Screen {
    /// How the terminal's input was set before; `nil`: it is not changed.
    private static let before = Mutex<termios?>(nil)

    /// The alternate screen; no cursor; lines that are too long are cut, not wrapped.
    private static let entering = "\u{1B}[?1049h\u{1B}[?25l\u{1B}[?7l"
    private static let leaving = "\u{1B}[?7h\u{1B}[?25h\u{1B}[?1049l"

    /// Whether keys can still come.
    private var hasKeys: Bool
    /// For how many rows it was drawn.
    private var drawnRows = 0
    /// Milliseconds after which it looks whether the terminal's size has changed: a signal that comes between drawing
    /// and waiting interrupts nothing.
    private static let lookTime = 200.0

    /// Takes the screen. ``Interruption/watch()`` was called before.
    package init() {
        // Else poll(2) would sleep on when the size changes.
        signal(SIGWINCH) { _ in }
        hasKeys = isatty(STDIN_FILENO) == 1
        Interruption.beforeTheEnd(Self.giveBack)
        if hasKeys { Self.listen() }
        _ = Streams.write(Array(Self.entering.utf8), to: STDOUT_FILENO)
    }

    /// Gives the screen back.
    package func leave() {
        Interruption.beforeTheEnd {}
        Self.giveBack()
    }

    private static func giveBack() {
        _ = Streams.write(Array(leaving.utf8), to: STDOUT_FILENO)
        guard var settings = before.withLock(\.self) else { return }
        unsafe tcsetattr(STDIN_FILENO, TCSANOW, &settings)
    }

    /// Has keys come at once, unseen. Ctrl-Z is none: a shell would be left with this screen.
    private static func listen() {
        var settings = termios()
        guard unsafe tcgetattr(STDIN_FILENO, &settings) == 0 else { return }
        before.withLock { $0 = settings }
        settings.c_lflag &= ~tcflag_t(ICANON | ECHO)
        unsafe withUnsafeMutableBytes(of: &settings.c_cc) { unsafe $0[Int(VSUSP)] = 0 }
        unsafe tcsetattr(STDIN_FILENO, TCSANOW, &settings)
    }

    /// Draws lines, as many as there is room for, in place of those before.
    package func show(_ lines: [String]) throws(FileError) {
        var text = "\u{1B}[H"
        drawnRows = rows
        for (place, line) in Self.fitting(lines, rows: drawnRows).enumerated() {
            text += (place == 0 ? "" : "\n") + line + "\u{1B}[K"
        }
        try Streams.write(Array("\(text)\u{1B}[J".utf8))
    }

    /// The lines for which there is room; the last says how many there are more.
    static func fitting(_ lines: [String], rows: Int) -> [String] {
        guard lines.count > rows else { return lines }
        let shown = max(0, rows - 1)
        return lines.prefix(shown) + ["\u{2026} \(lines.count - shown) lines more"]
    }

    private var rows: Int {
        var size = winsize()
        let isKnown = unsafe ioctl(STDOUT_FILENO, UInt(TIOCGWINSZ), &size) == 0
        return isKnown && size.ws_row > 0 ? Int(size.ws_row) : 24
    }

    /// Waits, for less where the terminal's size changes.
    ///
    /// - Returns: `false` once q is typed
    package func waits(for time: Duration) -> Bool {
        let end = ContinuousClock.now + time
        while case let left = ContinuousClock.now.duration(to: end) / .milliseconds(1), left > 0 {
            var keys = pollfd(fd: hasKeys ? STDIN_FILENO : -1, events: Int16(POLLIN), revents: 0)
            let found = unsafe poll(&keys, 1, CInt(min(left, Self.lookTime).rounded(.up)))
            if found < 0 || rows != drawnRows { return true }
            guard found > 0 else { continue }
            var key: UInt8 = 0
            hasKeys = unsafe read(STDIN_FILENO, &key, 1) == 1
            if [UInt8(ascii: "q"), UInt8(ascii: "Q")].contains(key) { return false }
        }
        return true
    }
}
