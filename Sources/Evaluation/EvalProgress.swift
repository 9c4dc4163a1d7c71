import RPC
import Results
import Synchronization

/// How far an evaluation is, on a terminal's line.
final class EvalProgress: Sendable {
    private let line: ProgressLine
    private let total: Int
    /// Before this run.
    private let before: Int
    private let done = Mutex(0)
    private let began = ContinuousClock.now

    /// - Parameters:
    ///   - total: of all pictures
    ///   - before: those that are done already
    init(total: Int, before: Int) {
        (self.total, self.before) = (total, before)
        line = ProgressLine("waiting for an answer about the first picture")
    }

    /// Of all pictures, those that are done.
    var count: Int { done.withLock { before + $0 } }

    /// A picture is done.
    func advance() {
        let done = done.withLock { done in
            done += 1
            return done
        }
        let left = total - before - done
        guard left > 0 else { return line.advance("counting") }
        let rest = began.duration(to: .now) / done * left
        let milliseconds = UInt64(max(0, rest / .milliseconds(1)))
        line.advance(
            "picture \(before + done + 1) of \(total), \(Amount.duration(milliseconds: milliseconds)) left")
    }

    /// A model is loaded first.
    func advance(_ loading: Loading) { line.advance(loading) }

    /// Prints a message above the line.
    func say(_ message: String) { line.say(message) }

    /// Erases the line.
    func finish() { line.finish() }
}
