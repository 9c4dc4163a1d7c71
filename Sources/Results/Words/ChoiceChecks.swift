import Limits
import RPC
import Texts

// What a daemon says of labels and of how it chose them is checked against what it was asked: it may say anything.

extension RPCStatus {
    /// An answer that contradicts its question or itself.
    static func broken(_ what: String) -> RPCStatus {
        RPCStatus(.dataLoss, "The answer is broken (\(what)); is the daemon of another version?")
    }
}

extension Vocabulary {
    /// Checks that a choice is one of these candidates, by the filter that was asked for.
    ///
    /// - Throws: `dataLoss`
    func check(_ choice: Choice) throws(RPCStatus) {
        guard filter.isEmpty || ExactString(filter) == ExactString(choice.filter),
            WrittenSetting.areAll(choice.settings, among: settings)
        else { throw .broken("another filter than was asked for") }
        guard candidates.isEmpty || areSame(candidates.map(\.name), choice.verdicts.map(\.name)) else {
            throw .broken("verdicts about other candidates")
        }
        let criteria = choice.verdicts.flatMap(\.criteria)
        let numbers = choice.verdicts.map(\.score) + criteria.flatMap { [$0.value, $0.limit] }
        guard numbers.allSatisfy(\.isFinite) else { throw .broken("verdicts that are no numbers") }
        let names = choice.nouns.flatMap { [$0.name, $0.words] } + choice.verdicts.flatMap { [$0.name, $0.alike] }
        let texts = [choice.caption, choice.vocabularyHash] + names + criteria.flatMap { [$0.part, $0.noun] }
        guard texts.allSatisfy(StreamSafe.isSafe) else { throw .broken("a choice with \(StreamSafe.refusal)") }
    }

    /// Checks that labels are those that a choice says stay: some of these candidates, in their order, or where there
    /// are none any names.
    ///
    /// - Throws: `dataLoss`
    func check(_ labels: [UnderstoodLabel], of choice: Choice) throws(RPCStatus) {
        guard labels.count <= Limit.maskedLabels else { throw .broken("\(labels.count) labels of a mask") }
        guard areSame(labels.map(\.name), choice.verdicts.filter(\.kept).map(\.name)) else {
            throw .broken("labels that are not those that stay")
        }
        guard !candidates.isEmpty else {
            var names: Set<ExactString> = []
            let areNames = labels.allSatisfy { label in
                !label.name.isEmpty && StreamSafe.isSafe(label.name) && names.insert(ExactString(label.name)).inserted
            }
            if !areNames { throw .broken("labels that are no names") }
            return
        }
        var rest = candidates[...]
        for label in labels {
            guard let place = rest.firstIndex(where: { ExactString($0.name) == ExactString(label.name) }),
                label.answers(rest[place].name, rest[place].phrases)
            else { throw .broken("labels that were not asked for") }
            rest = rest[(place + 1)...]
        }
    }
}

extension UnderstoodLabel {
    /// Whether this is a label of the name and with the phrases that were asked for. A prompt that was not given is the
    /// daemon's to choose.
    func answers(_ name: String, _ phrases: [Phrase]) -> Bool {
        let asked = phrases.isEmpty ? [Phrase(words: name)] : phrases
        return ExactString(self.name) == ExactString(name)
            && self.phrases.count == asked.count
            && zip(self.phrases, asked).allSatisfy { phrase, asked in
                ExactString(phrase.words) == ExactString(asked.words)
                    && (asked.prompt.isEmpty || ExactString(phrase.prompt) == ExactString(asked.prompt))
                    && (phrase.weight == 0 ? 1 : phrase.weight) == (asked.weight == 0 ? 1 : asked.weight)
            }
    }
}

/// Whether both lists hold the same texts, byte by byte.
private func areSame(_ some: [String], _ others: [String]) -> Bool {
    some.map { ExactString($0) } == others.map { ExactString($0) }
}
