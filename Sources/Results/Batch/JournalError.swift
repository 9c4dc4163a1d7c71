import Texts

/// Why the journal of a run over many pictures cannot be gone on with, and what to do.
package enum JournalError: Error, Equatable, CustomStringConvertible, ReasonedError {
    /// A file of something else.
    case noJournal(path: String)
    /// Another process has it open.
    case inUse(path: String)
    /// A line before the last, from 1.
    case damaged(path: String, line: Int)
    /// Of another run: the first fact in which the two differ.
    case other(path: String, fact: String, was: String, is: String)

    package var exitReason: ExitReason {
        switch self {
        case .noJournal: .cannotWrite
        case .inUse: .tryLater
        case .damaged: .badData
        case .other: .usage
        }
    }

    package var description: String {
        switch self {
        case .noJournal(let path):
            "\(Streams.printable(path)) is no journal of such a run and stays as it is; type --journal OTHER"
        case .inUse(let path):
            "another run writes to the journal \(Streams.printable(path)); wait until it has ended, or type "
                + "--journal OTHER"
        case .damaged(let path, let line):
            "line \(line) of the journal \(Streams.printable(path)) is damaged; "
                + (line == 1
                    ? "it says what was asked, so begin anew: --journal OTHER"
                    : "take it out, and its picture is looked at again: sed -i \(line)d FILE")
        case .other(let path, let fact, let was, let now):
            "\(Streams.printable(path)) is the journal of another run (\(fact): was \(Streams.excerpt(was)), is "
                + "\(Streams.excerpt(now))); type --journal OTHER, or ask as before"
        }
    }

    /// - Throws: ``other(path:fact:was:is:)`` where one of the facts is not what it was
    package static func check(
        _ known: [(name: String, value: String)], against new: [(name: String, value: String)], _ path: String
    ) throws(JournalError) {
        for (known, new) in zip(known, new) where ExactString(known.value) != ExactString(new.value) {
            throw .other(path: path, fact: new.name, was: known.value, is: new.value)
        }
    }
}
