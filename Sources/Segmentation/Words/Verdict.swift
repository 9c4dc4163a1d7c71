import Texts

/// A label that may be in the picture, and other names of it.
package struct Candidate: Sendable, Equatable {
    package let label: Label
    package let synonyms: [String]
    /// What nouns of a caption are compared with: of name, words and synonyms.
    let lemmas: [ExactString]

    /// Finds lemmas: a vocabulary's candidates are made once.
    package init(label: Label, synonyms: [String]) {
        self.label = label
        self.synonyms = synonyms
        lemmas = ([label.name] + label.phrases.map(\.words) + synonyms).map { ExactString(Nouns.lemma(of: $0)) }
    }

    /// What its texts are made of.
    var wordings: [String] { label.phrases.map(\.words) }
}

/// Whether a candidate stays, and why.
package struct Verdict: Sendable, Equatable {
    /// Its place among the candidates.
    package let candidate: Int
    package let kept: Bool
    /// Of candidates that stay, those with more are surer: the score of the best place, else the nearness to the
    /// picture, else to the caption.
    package let score: Float
    /// Those that could be measured: without a noun there is none about captions.
    package let criteria: [Criterion]
}

/// What one part of a filter measured of a candidate.
package struct Criterion: Sendable, Equatable {
    package enum Part: String, Sendable {
        case caption, picture, synonyms, patches
        /// The best label of a picture where no other part keeps one.
        case least
        /// As many labels stay as a mask has room for: the value is how many those are, the limit the label's rank.
        case room
    }

    package let part: Part
    package let value: Float
    /// The least value that holds.
    package let limit: Float
    /// The caption's noun that the value is of, or that lowered the limit, as it stands there.
    package let noun: String?

    package var held: Bool { value >= limit }
}

extension Verdict {
    /// The same, but the candidate does not stay.
    var dropped: Verdict { Verdict(candidate: candidate, kept: false, score: score, criteria: criteria) }
}

extension [Verdict] {
    /// Only the surest candidates stay, `limit` of them.
    func best(_ limit: Int) -> [Verdict] {
        var verdicts = self
        for (rank, candidate) in survivors.enumerated().dropFirst(limit) {
            guard let place = verdicts.firstIndex(where: { $0.candidate == candidate }) else { continue }
            let room = Criterion(part: .room, value: Float(limit), limit: Float(rank + 1), noun: nil)
            verdicts[place] = Verdict(
                candidate: candidate, kept: false, score: verdicts[place].score,
                criteria: verdicts[place].criteria + [room])
        }
        return verdicts
    }

    /// The candidates that stay, the surest first, equal ones in their order.
    package var survivors: [Int] {
        filter(\.kept).sorted { ($1.score, $0.candidate) < ($0.score, $1.candidate) }.map(\.candidate)
    }
}
