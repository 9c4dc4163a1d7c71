import Texts

/// A caption's words, and what part each plays.
struct ParsedCaption {
    private let caption: String
    /// Words with hyphens are one word, also where blanks stand around the hyphens.
    let words: [CaptionWord]

    /// - Parameter caption: lower-case
    init(_ caption: String) {
        self.caption = caption
        words = Self.joiningHyphens(CaptionWord.all(in: caption))
    }

    func text(of places: Range<Int>) -> String {
        String(caption[words[places.lowerBound].range.lowerBound..<words[places.upperBound - 1].range.upperBound])
    }

    /// `nil` beyond the last one.
    func word(at place: Int) -> ExactString? {
        words.indices.contains(place) ? words[place].text : nil
    }

    func isAny(of table: Set<ExactString>, at place: Int) -> Bool {
        word(at: place).map(table.contains) ?? false
    }

    // MARK: Words that stand together

    /// The longest entry that stands from `place` on, its last word in the singular or the plural.
    func compound(at place: Int, of table: [ExactString: [Compound]]) -> Compound? {
        table[words[place].text]?.first { compound in
            let end = place + compound.words.count
            guard end <= words.count, let last = compound.words.last,
                words[place..<end - 1].map(\.text).elementsEqual(compound.words.dropLast())
            else { return false }
            return words[end - 1].text == last || Nouns.lemma(of: words[end - 1].text) == last
        }
    }

    /// The compound that a word with hyphens is: "hot-dog".
    func hyphenated(at place: Int) -> Compound? {
        let parts = Self.parts(of: words[place].text)
        guard parts.count > 1, let first = parts.first, let last = parts.last else { return nil }
        return Compound.all[first]?.first {
            $0.words.dropLast().elementsEqual(parts.dropLast()) && $0.words.last == Nouns.lemma(of: last)
        }
    }

    /// "shirt" of "t-shirts".
    func headOfHyphenated(at place: Int) -> [String] {
        let parts = Self.parts(of: words[place].text)
        guard parts.count > 1, let last = parts.last, Self.part(of: last) == .noun,
            !CaptionTables.wholes.contains(Nouns.lemma(of: words[place].text))
        else { return [] }
        return [Nouns.lemma(of: last).text]
    }

    private static func parts(of word: ExactString) -> [ExactString] {
        word.text.utf8.split(separator: UInt8(ascii: "-")).map { ExactString(String(Substring($0))) }
    }

    /// Captioners write "t - shirt". A hyphen with blanks around it is a dash if a filler follows, but not in
    /// "close - up" and "black - and - white".
    private static func joiningHyphens(_ words: [CaptionWord]) -> [CaptionWord] {
        var joined: [CaptionWord] = []
        var place = 0
        while place < words.count {
            let first = place
            while words[place].isWord, isJoined(words, at: place) { place += 2 }
            let parts = words[first...place]
            let name = parts.count == 1 ? words[first].text : ExactString(parts.map(\.text.text).joined())
            let range = words[first].range.lowerBound..<words[place].range.upperBound
            joined.append(CaptionWord(text: name, range: range, isWord: words[first].isWord))
            place += 1
        }
        return joined
    }

    /// Whether a hyphen joins the word at `place` with another one.
    private static func isJoined(_ words: [CaptionWord], at place: Int) -> Bool {
        guard place + 2 < words.count, words[place + 1].text == "-", words[place + 2].isWord else { return false }
        let (word, hyphen, next) = (words[place].range, words[place + 1].range, words[place + 2])
        if word.upperBound == hyphen.lowerBound && hyphen.upperBound == next.range.lowerBound { return true }
        guard CaptionTables.fillers.contains(next.text), !CaptionTables.particles.contains(next.text) else {
            return true
        }
        return place + 3 < words.count && words[place + 3].text == "-"
    }

    // MARK: What a word is

    /// Who does things, one or many: "a man watches", "people watch".
    enum Agent {
        case one, many
    }

    /// What a word is, as far as it alone can say.
    private enum Part {
        /// Names nothing: punctuation, numbers, words such as "of".
        case filler
        /// Says how a thing looks, or what it does.
        case modifier, verb
        case noun
        /// As the words around it say.
        case fillerOrNoun, modifierOrNoun, participleOrNoun, verbOrNoun
    }

    /// - Parameter agent: what the words right before it name
    func isNoun(at place: Int, behind agent: Agent?) -> Bool {
        if isAny(of: CaptionTables.shades, at: place), isModifier(part(at: place + 1)) { return false }
        switch part(at: place) {
        case .filler, .modifier, .verb: return false
        case .noun: return true
        case .fillerOrNoun: return isAny(of: CaptionTables.articles, at: place - 1) || isModifier(part(at: place - 1))
        case .modifierOrNoun: return !modifies(at: place)
        case .participleOrNoun:
            let isNamed = isAny(of: CaptionTables.determiners, at: place - 1) || isModifier(part(at: place - 1))
            return agent == nil && (isNamed || !isAny(of: CaptionTables.determiners, at: place + 1))
        case .verbOrNoun:
            let form: Agent = Nouns.lemma(of: words[place].text) == words[place].text ? .many : .one
            return agent != form && !isVerbByRelative(at: place)
        }
    }

    private func isModifier(_ part: Part) -> Bool {
        part == .modifier || part == .modifierOrNoun
    }

    /// Whether a noun follows that the word may say the looks of: "orange cat", "orange and white cat".
    private func modifies(at place: Int) -> Bool {
        if word(at: place + 1) == "and" { return isModifier(part(at: place + 2)) }
        let next = part(at: place + 1)
        if next == .verb { return compound(at: place + 1, of: Compound.all) != nil }
        return next != .filler
    }

    /// "to surf", "who surf"; not "next to water".
    private func isVerbByRelative(at place: Int) -> Bool {
        guard isAny(of: CaptionTables.relatives, at: place - 1), part(at: place + 1) == .filler else { return false }
        return !isAny(of: CaptionTables.placings, at: place - 2)
    }

    /// Of a place beyond the caption's ends: a filler.
    private func part(at place: Int) -> Part {
        guard let word = word(at: place), words[place].isWord else { return .filler }
        return Self.part(of: word)
    }

    /// Whether a word may stand behind "a": a noun or how a thing looks.
    static func mayHaveArticle(_ word: ExactString) -> Bool {
        ![.filler, .verb].contains(part(of: word))
    }

    private static func part(of word: ExactString) -> Part {
        let scalars = word.text.unicodeScalars
        let isNumber = scalars.contains { $0.properties.numericType == .decimal }
        let isLetter = scalars.count == 1 && scalars.allSatisfy(\.isASCII)
        if isNumber || isLetter || !scalars.contains(where: \.properties.isAlphabetic) { return .filler }
        if let part = tables.first(where: { $0.words.contains(word) })?.part { return part }
        let lemma = Nouns.lemma(of: word)
        if CaptionTables.verbsOrNouns.contains(lemma) { return .verbOrNoun }
        if CaptionTables.verbs.contains(lemma) { return .verb }
        let parts = parts(of: word)
        if parts.count > 1, let first = parts.first, let last = parts.last {
            let isNamed = part(of: last) == .noun && !CaptionTables.abstractions.contains(last)
            let isThing = isNamed && (first.text.utf8.count == 1 || part(of: first) == .noun)
            return isThing ? .noun : .modifier
        }
        let ending = endings.first { word.text.utf8.count > $0.length && word.text.ends(with: $0.text) }
        return ending?.part ?? .noun
    }

    private static let tables: [(words: Set<ExactString>, part: Part)] = [
        (CaptionTables.fillersOrNouns, .fillerOrNoun), (CaptionTables.fillers, .filler),
        (CaptionTables.modifiers, .modifier), (CaptionTables.modifiersOrNouns, .modifierOrNoun),
        (CaptionTables.participlesOrNouns, .participleOrNoun), (CaptionTables.verbsOrNouns, .verbOrNoun),
        (CaptionTables.nounsInspiteOfEndings, .noun), (CaptionTables.wholes, .noun), (CaptionTables.verbs, .verb),
    ]

    /// Of words in no table, which are longer than the length in bytes.
    private static let endings: [(text: String, length: Int, part: Part)] = [
        ("ing", 4, .verb), ("ed", 3, .verb), ("ly", 4, .modifier), ("ful", 5, .modifier), ("less", 6, .modifier),
        ("ous", 5, .modifier),
    ]

    // MARK: What surrounds a word

    /// Whether one of these words stands before the noun at `place` and what determines it: "taking a nice picture".
    func isNoun(at place: Int, behindAnyOf table: Set<ExactString>) -> Bool {
        let before = words[..<place].reversed().prefix(4).drop {
            CaptionTables.determiners.contains($0.text) || $0.text == "and" || isModifier(Self.part(of: $0.text))
        }
        return before.first.map { table.contains($0.text) } ?? false
    }

    /// Whether the word there makes the thing before it the look of the next one: "covered" in "snow covered hill".
    func isLikeness(at place: Int) -> Bool {
        isAny(of: CaptionTables.likenesses, at: place) && part(at: place + 1) != .filler
    }

    /// Behind the letters that a word such as "says" quotes; `nil` if the one at `place` does not.
    func endOfQuote(at place: Int) -> Int? {
        guard isAny(of: CaptionTables.quoting, at: place) else { return nil }
        return words[(place + 1)...].firstIndex {
            CaptionTables.afterQuotes.contains($0.text) || [".", ",", ";"].contains($0.text)
        } ?? words.count
    }
}
