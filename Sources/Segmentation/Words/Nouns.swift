import Texts

/// A thing that a caption names.
package struct Noun: Sendable, Hashable {
    /// In the singular, lower-case: "teddy bear", "bench".
    package let name: String
    /// What it is as well, from the longer name to the head noun: a "park bench" is a "bench". None where the last word
    /// names another thing, as of "hot dog".
    package let kinds: [String]
    /// As it stands in the cleaned caption, lower-case, without how it looks: "benches", "t - shirts".
    package let words: String
}

/// Finds nouns by the words around them: a word is one unless a table or its ending says otherwise, and what stands in
/// one run is one thing.
package enum Nouns {
    /// Each thing once, in the order of the caption, which is cleaned first (``CaptionText``).
    package static func all(in caption: String) -> [Noun] {
        var reader = NounReader(CaptionText.cleaned(caption).lowercased())
        return reader.read()
    }
}

/// Goes through a caption once.
private struct NounReader {
    private let caption: ParsedCaption
    private var found: [Noun] = []
    private var names: Set<ExactString> = []
    /// The nouns that stand together so far.
    private var run: [Unit] = []

    /// A noun of a run: a word, or words that the table of compounds has.
    private struct Unit {
        /// As it stands, its parts joined as in the table.
        let spelling: String
        /// In the singular.
        let name: ExactString
        let kinds: [String]
        let isOneWord: Bool
        /// Among the caption's words.
        let places: Range<Int>
    }

    init(_ caption: String) {
        self.caption = ParsedCaption(caption)
    }

    /// More nouns in a row are no compound but words without grammar.
    private static let longestRun = 4

    mutating func read() -> [Noun] {
        var place = 0
        while place < caption.words.count {
            if let phrase = caption.compound(at: place, of: Compound.phrases) {
                finishRun(before: place)
                place += phrase.words.count
            } else if let unit = unit(at: place) {
                run.append(unit)
                place = unit.places.upperBound
            } else {
                finishRun(before: place)
                place = caption.endOfQuote(at: place) ?? place + 1
            }
        }
        finishRun(before: place)
        return found
    }

    private func unit(at place: Int) -> Unit? {
        if let compound = caption.compound(at: place, of: Compound.all) {
            return Unit(
                spelling: compound.name, name: ExactString(compound.name), kinds: compound.kinds, isOneWord: false,
                places: place..<place + compound.words.count)
        }
        if let compound = caption.hyphenated(at: place) {
            return Unit(
                spelling: compound.name, name: ExactString(compound.name), kinds: compound.kinds, isOneWord: false,
                places: place..<place + 1)
        }
        guard caption.isNoun(at: place, behind: agent) else { return nil }
        let word = caption.words[place].text
        return Unit(
            spelling: word.text, name: Nouns.lemma(of: word), kinds: caption.headOfHyphenated(at: place),
            isOneWord: true, places: place..<place + 1)
    }

    /// Who does what the next word says, if it is a verb.
    private var agent: ParsedCaption.Agent? {
        guard let first = run.first, let last = run.last, CaptionTables.agents.contains(last.name) else { return nil }
        // The verb has the same form in "people watch" and in "see a plane fly".
        if caption.isNoun(at: first.places.lowerBound, behindAnyOf: CaptionTables.perceiving) { return .many }
        let isMany = last.spelling != last.name.text || CaptionTables.manyInOneForm.contains(last.name)
        return isMany ? .many : .one
    }

    /// Takes what the run names, and empties it.
    private mutating func finishRun(before place: Int) {
        defer { run = [] }
        guard !run.isEmpty, !caption.isLikeness(at: place) else { return }
        let isOf = caption.word(at: place) == "of"
        while let last = run.last, isNothing(last, before: last.places.upperBound == place ? place : nil) {
            run.removeLast()
        }
        run = Array(run.drop { $0.isOneWord && CaptionTables.positions.contains($0.name) })
        if run.count > Self.longestRun {
            for unit in run { add([unit], isOf: false) }
        } else if !run.isEmpty {
            add(run[...], isOf: isOf && run.last?.places.upperBound == place)
        }
    }

    /// Whether the last noun of a run names no thing.
    ///
    /// - Parameter place: of the word behind it, if that ends the run
    private func isNothing(_ unit: Unit, before place: Int?) -> Bool {
        guard unit.isOneWord else { return false }
        let name = unit.name
        let next = place.flatMap { caption.word(at: $0) }
        if CaptionTables.positions.contains(name) || CaptionTables.abstractions.contains(name) { return true }
        if CaptionTables.portions.contains(name), run.count > 1 { return true }
        if next == "of", CaptionTables.gatherings.contains(name) { return true }
        guard CaptionTables.depictions.contains(name) else { return false }
        if found.isEmpty, let next, CaptionTables.depicting.contains(next) { return true }
        return caption.isNoun(at: unit.places.lowerBound, behindAnyOf: CaptionTables.picturing)
    }

    private mutating func add(_ units: ArraySlice<Unit>, isOf: Bool) {
        guard let first = units.first, let last = units.last else { return }
        var head = last.name.text
        if last.isOneWord {
            let phrase = units.suffix(2).map(\.spelling).joined(separator: " ")
            // "glasses of water", "wine glasses": else they are worn.
            head = isOf && last.name == "glasses" ? "glass" : Self.lastWord(Nouns.lemma(of: phrase))
        }
        let names = units.indices.map { start in
            (units[start...].dropLast().map(\.spelling) + [head]).joined(separator: " ")
        }
        guard let name = names.first, self.names.insert(ExactString(name)).inserted else { return }
        let words = caption.text(of: first.places.lowerBound..<last.places.upperBound)
        found.append(Noun(name: name, kinds: names.dropFirst() + last.kinds, words: words))
    }

    private static func lastWord(_ text: String) -> String {
        String(text[(text.utf8.lastIndex(of: UInt8(ascii: " ")).map(text.utf8.index(after:)) ?? text.startIndex)...])
    }
}
