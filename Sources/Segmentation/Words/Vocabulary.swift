import Limits
import Kernels
import Texts

extension Candidate {
    /// What a caption names, as candidates, without background words.
    static func all(of nouns: [Noun], besides background: [String]) -> [Candidate] {
        let around = Set(background.map { ExactString(Nouns.lemma(of: $0)) })
        return nouns.filter { noun in
            !([noun.name] + noun.kinds).contains { around.contains(ExactString($0)) }
        }.map { Candidate(label: Label(name: $0.name, phrases: []), synonyms: [$0.words]) }
    }
}

/// Labels of which only those are looked for that a filter takes for present.
package struct Vocabulary: Sendable {
    /// None: what the picture's caption names.
    package let candidates: [Candidate]
    /// Words that compete with the candidates for each patch of a picture; none: the filter model's own.
    package let background: [String]
    package let filter: FilterChoice

    /// What the picture's caption names.
    package static let named = Vocabulary()

    private init() { (candidates, background, filter) = ([], [], .standard) }

    /// - Throws: for candidates what a request throws for labels; `tooMany`, `tooLong`, `tooManyMarks` for the others
    package init(
        candidates: [Candidate], background: [String], filter: FilterChoice
    ) throws(SegmentationError) {
        if !candidates.isEmpty {
            try SegmentationRequest.check(candidates.map(\.label), others: candidates.flatMap(\.synonyms) + background)
        }
        guard background.count <= Limit.backgroundWords else {
            throw .tooMany(what: "background words", count: background.count, limit: Limit.backgroundWords)
        }
        for word in background { try SegmentationRequest.check(word, of: "a background word") }
        for candidate in candidates {
            for synonym in candidate.synonyms {
                try SegmentationRequest.check(synonym, of: "a synonym of label \"\(candidate.label.name)\"")
            }
        }
        self.candidates = candidates
        self.background = background
        self.filter = filter
    }

    /// The SHA-256, in hexadecimal digits, of the candidates and background words. Each text has its length before it,
    /// and each list its count, so that no two vocabularies have the same bytes.
    var hash: String {
        func bytes(_ text: String) -> [UInt8] { Array("\(text.utf8.count):\(text)".utf8) }
        func list<Element>(_ elements: [Element], _ bytes: (Element) -> [UInt8]) -> [UInt8] {
            Array("\(elements.count);".utf8) + elements.flatMap(bytes)
        }
        let text =
            list(candidates) { candidate in
                bytes(candidate.label.name)
                    + list(candidate.label.phrases) { phrase in
                        bytes(phrase.words) + list(phrase.prompt.map { [$0] } ?? [], bytes) + bytes("\(phrase.weight)")
                    } + list(candidate.synonyms, bytes)
            } + list(background, bytes)
        return SHA256.hexadecimal(of: text)
    }
}

/// By which filter labels are chosen.
package enum FilterChoice: Sendable, Hashable {
    /// `best` where a filter is loaded; else all that the caption names stay, and candidates are refused.
    case standard
    case of(Filter)
    /// All candidates stay.
    case none

    /// What requests call ``none``.
    package static let noneName = "none"

    /// - Parameters:
    ///   - name: of a filter, or "none"; "": ``standard``
    ///   - settings: `key=value` each, over those of the filter
    /// - Throws: `filter` for an unknown one, why a setting is refused
    package init(named name: String, settings: [String]) throws(SegmentationError) {
        switch name {
        case "" where settings.isEmpty: self = .standard
        case Self.noneName:
            if let setting = settings.first { throw .filter(.settingOfNone(setting)) }
            self = .none
        default: self = .of(try Filter(named: name, settings: settings))
        }
    }
}

/// How labels were chosen from a vocabulary.
package struct Choice: Sendable {
    /// `nil`: all stayed.
    package let filter: Filter?
    /// The sentence about the picture; `nil` where none was needed.
    package let caption: String?
    /// What it names.
    package let nouns: [Noun]
    /// Of each candidate, in their order.
    package let outcomes: [Outcome]
    /// ``Vocabulary/hash`` of what was asked.
    package let vocabularyHash: String

    /// What became of a candidate.
    package struct Outcome: Sendable {
        package let label: Label
        package let verdict: Verdict
        /// The earlier candidate that the model reads as this one; `nil`: none.
        package let alike: String?

        /// - Parameter different: the first candidate that the model reads as this label
        init(_ label: Label, _ verdict: Verdict, of different: Candidate) {
            let isFirst = ExactString(label.name) == ExactString(different.label.name)
            self.label = label
            self.verdict = isFirst ? verdict : verdict.dropped
            alike = isFirst ? nil : different.label.name
        }
    }

    /// The labels that stay, in the candidates' order.
    var kept: [Label] { outcomes.filter(\.verdict.kept).map(\.label) }
}
