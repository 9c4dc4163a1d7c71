import FoundationEssentials
import RPC
import Results
import Synchronization
import Texts

/// What was counted of each picture, kept in a file so that nothing is counted twice, whatever ends the program.
///
/// The first line says what decides the result; then there is one for each picture, in the order in which they were
/// done. Of a picture that was done twice the last counts.
final class Journal: RunJournal {
    private struct Opening: Codable {
        let dseg: String
        let schema: Int
        let question: Question
        let method: EvaluatedMethod
    }

    /// What is read of a line of a later version.
    private struct Version: Codable {
        let dseg: String
        let schema: Int
    }

    struct Record: Sendable, Codable {
        let picture: String
        /// `nil` where only files were made.
        let counts: PictureCounts?
        /// The hash of the captioner, where this picture's answer depends on it.
        let captioner: String?
    }

    private struct State {
        var method: EvaluatedMethod?
        var captioner: String?
        var records: [ExactString: Record] = [:]
    }

    private static let kind = "evaluation"
    private static let schema = 1

    private let file: JournalFile
    private let question: Question
    private let state: Mutex<State>

    var path: String { file.path }
    /// `nil` until the first answer.
    var method: EvaluatedMethod? { state.withLock { $0.method } }

    /// Opens a journal, or begins one.
    ///
    /// - Throws: ``JournalError``, also for one of another question; `FileError`
    init(_ path: String, of question: Question) throws {
        file = try JournalFile(path)
        self.question = question
        state = Mutex(try Self.state(of: file, question))
    }

    /// What was counted of a picture; `nil` where it is still to be looked at.
    subscript(picture: Picture) -> Record? { state.withLock { $0.records[ExactString(picture.id)] } }

    /// Says by what the daemon answers, with each answer.
    ///
    /// - Throws: ``JournalError/other(path:fact:was:is:)`` where other answers were counted
    func settle(_ method: EvaluatedMethod, captioner: String?) throws {
        try state.withLock { state in
            if let known = state.method {
                try JournalError.check(known.facts, against: method.facts, path)
            } else {
                let opening = Opening(dseg: Self.kind, schema: Self.schema, question: question, method: method)
                try file.append(JSONLine.text(of: opening))
                state.method = method
            }
            guard let captioner else { return }
            try Self.check(captioner, &state, path)
        }
    }

    /// Keeps what was counted of a picture; after ``settle(_:captioner:)``.
    func add(_ record: Record) throws(FileError) {
        try state.withLock { state throws(FileError) in
            try file.append(JSONLine.text(of: record))
            state.records[ExactString(record.picture)] = record
        }
    }

    /// Leaves no empty file behind.
    func removeIfEmpty() { file.removeIfEmpty() }

    // MARK: Reading

    private static func state(of file: JournalFile, _ question: Question) throws -> State {
        var state = State()
        let decoder = JSONDecoder()
        guard let first = file.lines.first else { return state }
        guard let version = try? decoder.decode(Version.self, from: Data(first.utf8)),
            ExactString(version.dseg) == ExactString(kind)
        else { throw JournalError.noJournal(path: file.path) }
        try JournalError.check([("the schema", "\(version.schema)")], against: [("the schema", "\(schema)")], file.path)
        guard let opening = try? decoder.decode(Opening.self, from: Data(first.utf8)) else {
            throw JournalError.damaged(path: file.path, line: 1)
        }
        try JournalError.check(opening.question.facts, against: question.facts, file.path)
        state.method = opening.method
        for (place, line) in file.lines.enumerated().dropFirst() {
            guard let record = try? decoder.decode(Record.self, from: Data(line.utf8)) else {
                throw JournalError.damaged(path: file.path, line: place + 1)
            }
            if let captioner = record.captioner { try check(captioner, &state, file.path) }
            state.records[ExactString(record.picture)] = record
        }
        return state
    }

    private static func check(_ captioner: String, _ state: inout State, _ path: String) throws(JournalError) {
        let known = state.captioner ?? captioner
        state.captioner = known
        try JournalError.check([("the captioner's hash", known)], against: [("the captioner's hash", captioner)], path)
    }
}
