import RPC

/// How labels were chosen, as files and `--json` say it.
package struct ChoiceRecord: Sendable, Equatable, Codable {
    let filter: String
    /// In which the filter differs from the one of its name, `key=value` each.
    let settings: [String]
    /// Of the picture; empty where none was needed.
    let caption: String
    let nouns: [Noun]
    /// How many there were.
    let candidates: Int
    /// The hash of the candidates and background words.
    let vocabulary: String
    /// Of each candidate; in the JSON that explains alone.
    let verdicts: [Verdict]?

    struct Noun: Sendable, Equatable, Codable {
        let name: String
        let words: String

        init(_ noun: RPC.Noun) {
            name = noun.name
            words = noun.words
        }
    }

    struct Verdict: Sendable, Equatable, Codable {
        let name: String
        let kept: Bool
        let score: Float
        let criteria: [Criterion]
        /// The earlier candidate that the model reads as this one.
        let alike: String?

        init(_ verdict: RPC.Verdict) {
            name = verdict.name
            kept = verdict.kept
            score = verdict.score
            criteria = verdict.criteria.map(Criterion.init)
            alike = verdict.alike.isEmpty ? nil : verdict.alike
        }
    }

    struct Criterion: Sendable, Equatable, Codable {
        let part: String
        let value: Float
        let limit: Float
        let held: Bool
        let noun: String?

        init(_ criterion: RPC.Criterion) {
            part = criterion.part
            value = criterion.value
            limit = criterion.limit
            held = criterion.held
            noun = criterion.noun.isEmpty ? nil : criterion.noun
        }
    }

    /// - Parameter explains: whether it says what was measured of each candidate
    init(_ choice: Choice, explains: Bool) {
        filter = choice.filter
        settings = choice.settings
        caption = choice.caption
        nouns = choice.nouns.map(Noun.init)
        candidates = choice.verdicts.count
        vocabulary = choice.vocabularyHash
        verdicts = explains ? choice.verdicts.map(Verdict.init) : nil
    }

    /// All strings, which in a decoded file are untrusted.
    var texts: [String] {
        let verdicts = verdicts ?? []
        return [filter, caption, vocabulary] + settings + nouns.flatMap { [$0.name, $0.words] }
            + verdicts.flatMap { [$0.name, $0.alike].compactMap(\.self) }
            + verdicts.flatMap(\.criteria).flatMap { [$0.part, $0.noun].compactMap(\.self) }
    }

    /// How to choose so again.
    var choosing: Choosing { Choosing(filter: filter, settings: settings) }
}
