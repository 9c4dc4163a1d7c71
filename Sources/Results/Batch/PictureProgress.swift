package import RPC
import Synchronization
import Texts

/// How far a run over many pictures is, on a terminal's line.
package final class PictureProgress: Sendable {
    private let line: ProgressLine
    private let total: Int
    /// Before this run.
    private let before: Int
    private let ending: String
    private let done = Mutex((well: 0, all: 0))
    private let notes = Mutex<Set<String>>([])
    private let began = ContinuousClock.now

    /// - Parameters:
    ///   - total: of all pictures
    ///   - before: those that are done already
    ///   - ending: what is done after the last
    package init(total: Int, before: Int, ending: String) {
        (self.total, self.before, self.ending) = (total, before, ending)
        line = ProgressLine("waiting for an answer about the first picture")
    }

    /// Of all pictures, those that are done.
    package var count: Int { done.withLock { before + $0.well } }

    /// A picture is done.
    package func advance() { advance(isDone: true) }

    /// A picture has failed, and others are looked at.
    package func pass() { advance(isDone: false) }

    private func advance(isDone: Bool) {
        let done = done.withLock { done in
            done.all += 1
            done.well += isDone ? 1 : 0
            return done.all
        }
        let left = total - before - done
        guard left > 0 else { return line.advance(ending) }
        let rest = began.duration(to: .now) / done * left
        let milliseconds = UInt64(max(0, rest / .milliseconds(1)))
        line.advance(
            "picture \(before + done + 1) of \(total), \(Amount.duration(milliseconds: milliseconds)) left")
    }

    /// A model is loaded first.
    package func advance(_ loading: Loading) { line.advance(loading) }

    /// Prints what an answer's header notes, each note once, above the line.
    package func note(_ header: Header) {
        let said = header.notes + [header.choice?.mergedNote].compactMap(\.self)
        let new = notes.withLock { notes in said.filter { notes.insert($0).inserted } }
        for note in new { say("\(Program.name): note: \(note)") }
    }

    /// Erases the line, and says what goes on from where the run has ended.
    ///
    /// - Parameter journal: its path
    package func end(keptIn journal: String) {
        finish()
        guard count > 0 else { return }
        let command = ([Program.name] + Program.arguments).map(ShellWord.quoted).joined(separator: " ")
        Streams.say(
            "\(count) of \(total) pictures are done and kept in \(Streams.printable(journal)); this goes on: "
                + Streams.printable(command))
    }

    /// Prints a message above the line.
    package func say(_ message: String) { line.say(message) }

    /// Prints a picture's results, whole, above the line.
    package func write(_ data: [UInt8]) throws(FileError) { try line.write(data) }

    /// Erases the line.
    package func finish() { line.finish() }
}
