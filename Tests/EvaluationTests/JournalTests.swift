import FoundationEssentials
import Images
import RPC
import Results
import Support
import Testing

@testable import Evaluation

/// What a journal knows of an evaluation, and what it refuses.
@Suite struct JournalTests {
    private let place: TemporaryDirectory
    private var path: String { "\(place.path)/journal" }

    init() throws {
        place = try TemporaryDirectory()
    }

    private func question(recipe: String = "best", first: Int = 2) -> Question {
        Question(
            set: "voc2012", root: "/sets/voc", split: "val", truth: "SegmentationClass", classes: "20 (a)",
            pictures: "\(first) of 9 (b)", labels: "candidates", recipe: recipe, settings: ["gamma=3"], seed: 1,
            threshold: nil, filter: "", filterSettings: [], model: "", export: "")
    }

    private func method(_ change: (inout Header) -> Void = { _ in }) -> EvaluatedMethod {
        var header = Header(
            handle: "c0ffee", width: 4, height: 2, latentWidth: 2, latentHeight: 2, labels: [], recipe: "best",
            forwardPrompt: nil, seed: 1, timestep: 100, threshold: 0.4, model: "demo", modelHash: "abc",
            modelAliases: [], version: "0.1.0", precision: "int16", instructionSet: "avx2", blas: "OpenBLAS",
            settings: ["gamma=3"], labelsCompete: true, notes: ["a note"],
            choice: Choice(
                filter: "best", settings: [], caption: "a cat", nouns: [], verdicts: [], vocabularyHash: "def"),
            captioner: Network(name: "blip", hash: "012"), filter: Network(name: "clip", hash: "345"))
        change(&header)
        return EvaluatedMethod(header)
    }

    private let pictures = ["one", "two"].map { Picture(id: $0, path: "\($0).jpg", truth: "\($0).png") }

    /// A picture with one class, and its score.
    private func counts(_ score: Float) -> PictureCounts {
        var best = BestScores(width: 2, height: 1)
        best.add([score, 0], label: 1)
        let truth = Truth(width: 2, height: 1, classes: [1, 0], present: [1])
        let thresholds = Thresholds(fixed: 0.4)
        return PictureCounts(
            truth, best, thresholds, shape: CountShape(classes: 20, thresholds: thresholds.all.count))
    }

    @Test func `it knows again what was counted, and of what was counted twice the last`() throws {
        let begun = try Journal(path, of: question())
        #expect(begun.method == nil && begun[pictures[0]] == nil)
        try begun.settle(method(), captioner: nil)
        try begun.add(Journal.Record(picture: "one", counts: counts(0.5), captioner: nil))
        try begun.add(Journal.Record(picture: "one", counts: counts(0.7), captioner: "012"))
        #expect(begun[pictures[0]]?.counts == counts(0.7))
        let copy = "\(place.path)/copy"
        try FileManager.default.copyItem(atPath: path, toPath: copy)
        let again = try Journal(copy, of: question())
        #expect(again.method == method() && again[pictures[1]] == nil)
        #expect(again[pictures[0]]?.counts == counts(0.7) && counts(0.7) != counts(0.5))
    }

    @Test func `one of another question is refused by the first fact that differs`() throws {
        do { try Journal(path, of: question()).settle(method(), captioner: nil) }
        let kept = try Repository.bytes(path)
        let recipe = JournalError.other(path: path, fact: "--recipe", was: "best", is: "shared")
        #expect(throws: recipe) { _ = try Journal(path, of: question(recipe: "shared")) }
        let count = JournalError.other(path: path, fact: "the pictures", was: "2 of 9 (b)", is: "3 of 9 (b)")
        #expect(throws: count) { _ = try Journal(path, of: question(recipe: "shared", first: 3)) }
        #expect(try Repository.bytes(path) == kept)
    }

    /// Each is a fact of its own.
    private static let changes: [(String, @Sendable (inout Header) -> Void)] = [
        ("the recipe", { $0.recipe = "shared" }), ("the recipe's settings", { $0.settings = [] }),
        ("the seed", { $0.seed = 2 }), ("the timestep", { $0.timestep = 99 }),
        ("the threshold", { $0.threshold = 0.41 }), ("the filter", { $0.choice?.filter = "published" }),
        ("the filter's settings", { $0.choice?.settings = ["least=1"] }),
        ("the vocabulary", { $0.choice?.vocabularyHash = "" }), ("the model", { $0.model = "other" }),
        ("the model's hash", { $0.modelHash = "abd" }), ("the filter's hash", { $0.filter = nil }),
        ("the precision", { $0.precision = "f32" }), ("the instruction set", { $0.instructionSet = "avx512" }),
        ("the BLAS", { $0.blas = "another" }), ("the daemon's version", { $0.version = "0.2.0" }),
    ]

    @Test(arguments: 0..<changes.count)
    func `answers by another method are refused by the fact that differs`(number: Int) throws {
        let (fact, change) = Self.changes[number]
        let journal = try Journal(path, of: question())
        try journal.settle(method(), captioner: nil)
        try journal.settle(method { $0.notes = [] }, captioner: nil)
        let kept = try Repository.bytes(path)
        let error = #expect(throws: JournalError.self) { try journal.settle(method(change), captioner: nil) }
        let named: String? = if case .other(_, let name, _, _)? = error { name } else { nil }
        #expect(named == fact)
        #expect(try Repository.bytes(path) == kept && method().facts.count == Self.changes.count)
    }

    @Test func `a captioner that only some answers depend on is the same in all of them`() throws {
        do {
            let journal = try Journal(path, of: question())
            try journal.settle(method(), captioner: nil)
            try journal.settle(method(), captioner: "012")
            try journal.settle(method(), captioner: nil)
            #expect(throws: JournalError.self) { try journal.settle(method(), captioner: "013") }
            try journal.add(Journal.Record(picture: "one", counts: nil, captioner: "012"))
        }
        let again = try Journal(path, of: question())
        try again.settle(method(), captioner: "012")
        #expect(throws: JournalError.self) { try again.settle(method(), captioner: "013") }
    }

    @Test func `lines that are whole but say something else are refused`() throws {
        for lines in [[#"{"dseg":"mask","schema":1}"#], [#"{"dseg":"evaluation","schema":2}"#], [#"{"a":1}"#]] {
            do {
                let file = try JournalFile(path)
                for line in lines { try file.append(line) }
            }
            #expect(throws: JournalError.self) { _ = try Journal(path, of: question()) }
            try FileManager.default.removeItem(atPath: path)
        }
        do { try Journal(path, of: question()).settle(method(), captioner: nil) }
        do { try JournalFile(path).append(#"{"picture":"one","counts":[20,46,999999,1]}"#) }
        #expect(throws: JournalError.damaged(path: path, line: 2)) { _ = try Journal(path, of: question()) }
    }
}
