import FoundationEssentials
import RPC
import Synchronization
import Texts

/// Which pictures of a run over many are done, in a file that outlives whatever ends the program.
///
/// The first line says what was asked and by what model it was answered. Of each picture there are two more: one with
/// its files before these are written, one when they are there. So a file without the second is known as the run's own,
/// and is written again.
final class BatchJournal: RunJournal {
    private struct Opening: Codable {
        let dseg: String
        let schema: Int
        let question: [Fact]
        let answers: [Fact]
    }

    private struct Beginning: Codable {
        let begins: String
        let files: [String]
    }

    /// A picture as it was looked at.
    private struct Done: Codable {
        let picture: String
        let bytes: Int
        /// Nanoseconds since 1970.
        let modified: Int
        let sha256: String
        let files: [String]
    }

    /// What decides the results.
    struct Fact: Sendable, Codable {
        let name: String
        let value: String

        init(_ name: String, _ value: String) { (self.name, self.value) = (name, value) }

        fileprivate var pair: (name: String, value: String) { (name, value) }
    }

    private struct State {
        var answers: [Fact]?
        var done: [ExactString: Done] = [:]
        /// Files that are the run's own.
        var files: Set<ExactString> = []
    }

    private static let kind = "mask"
    private static let schema = 1

    private let file: JournalFile
    private let question: [Fact]
    private let state: Mutex<State>

    var path: String { file.path }

    /// Opens a journal, or begins one.
    ///
    /// - Throws: ``JournalError``, also for one of another question; `FileError`
    init(_ path: String, of question: [Fact]) throws {
        file = try JournalFile(path)
        self.question = question
        state = Mutex(try Self.state(of: file, question))
    }

    /// Whether a picture, as it is now, has been looked at, and its files are there.
    func isDone(_ picture: String) -> Bool {
        guard let done = state.withLock({ $0.done[ExactString(PathText.resolved(picture))] }),
            let now = FileStatus(picture)
        else { return false }
        return done.bytes == now.bytes && done.modified == now.modified
            && done.files.allSatisfy { FileStatus($0) != nil }
    }

    /// Whether a file was written by the run.
    func hasWritten(_ file: String) -> Bool {
        state.withLock { $0.files.contains(ExactString(PathText.place(of: file))) }
    }

    /// Says by what the daemon answers, with each answer.
    ///
    /// - Throws: ``JournalError/other(path:fact:was:is:)`` where other answers were kept
    func settle(_ answers: [Fact]) throws {
        try state.withLock { state in
            if let known = state.answers {
                return try JournalError.check(known.map(\.pair), against: answers.map(\.pair), path)
            }
            let opening = Opening(dseg: Self.kind, schema: Self.schema, question: question, answers: answers)
            try file.append(JSONLine.text(of: opening))
            state.answers = answers
        }
    }

    /// Says what is written next; after ``settle(_:)``.
    func begin(_ picture: String, files: [String]) throws(FileError) {
        let files = files.map { PathText.place(of: $0) }
        try state.withLock { state throws(FileError) in
            try file.append(JSONLine.text(of: Beginning(begins: PathText.resolved(picture), files: files)))
            state.files.formUnion(files.map { ExactString($0) })
        }
    }

    /// Says that a picture's files are there.
    ///
    /// - Parameter status: of the picture before it was read
    func end(_ picture: String, _ status: FileStatus, sha256: String, files: [String]) throws(FileError) {
        let done = Done(
            picture: PathText.resolved(picture), bytes: status.bytes, modified: status.modified, sha256: sha256,
            files: files.map { PathText.place(of: $0) })
        try state.withLock { state throws(FileError) in
            try file.append(JSONLine.text(of: done))
            state.done[ExactString(done.picture)] = done
        }
    }

    /// Leaves no empty file behind.
    func removeIfEmpty() { file.removeIfEmpty() }

    // MARK: Reading

    private static func state(of file: JournalFile, _ question: [Fact]) throws -> State {
        var state = State()
        let decoder = JSONDecoder()
        guard let first = file.lines.first else { return state }
        guard let opening = try? decoder.decode(Opening.self, from: Data(first.utf8)),
            ExactString(opening.dseg) == ExactString(kind)
        else { throw JournalError.noJournal(path: file.path) }
        let versions = [("the schema", "\(opening.schema)")]
        try JournalError.check(versions, against: [("the schema", "\(schema)")], file.path)
        try JournalError.check(opening.question.map(\.pair), against: question.map(\.pair), file.path)
        state.answers = opening.answers
        for (place, line) in file.lines.enumerated().dropFirst() {
            let line = Data(line.utf8)
            if let done = try? decoder.decode(Done.self, from: line) {
                state.done[ExactString(done.picture)] = done
            } else if let beginning = try? decoder.decode(Beginning.self, from: line) {
                state.files.formUnion(beginning.files.map { ExactString($0) })
            } else {
                throw JournalError.damaged(path: file.path, line: place + 1)
            }
        }
        return state
    }
}
