import Texts

/// A caption without what captioners write and nobody reads.
package enum CaptionText {
    /// Leaves out "arafed" in all its spellings, which BLIP-large writes where a name should stand, and groups of up to
    /// four words that are said again at once: "an arafed dog dog" is "a dog". Any other caption comes back as it is.
    package static func cleaned(_ caption: String) -> String {
        text(of: caption, in: KeptWords(dropsRepetitions: true))
    }

    /// Leaves out "arafed" alone: prompts repeat what a captioner repeats, as the published ones do.
    package static func withoutArtefacts(_ caption: String) -> String {
        text(of: caption, in: KeptWords(dropsRepetitions: false))
    }

    private static func text(of caption: String, in empty: KeptWords) -> String {
        var kept = empty
        var isMending = false
        var end = caption.startIndex
        for word in CaptionWord.all(in: caption) {
            defer { end = word.range.upperBound }
            if isArtefact(word) {
                isMending = true
                continue
            }
            if isMending, kept.pieces.isEmpty, word.text == "," { continue }
            if isMending { kept.mendArticle(before: word) }
            isMending = false
            // What stands between words goes with the later one, and a caption does not begin with it.
            let isFirstByOmission = kept.pieces.isEmpty && end > caption.startIndex
            let gap = isFirstByOmission ? "" : caption[end..<word.range.lowerBound]
            kept.append(KeptWords.Piece(gap: gap, spelling: String(caption[word.range]), word: word))
        }
        if isMending { kept.mendArticle(before: nil) }
        let rest = isMending || !kept.endsWithLast ? "" : caption[end...]
        return kept.pieces.map { $0.gap + $0.spelling }.joined() + rest
    }

    private static let artefact = "araf"
    /// A name and a sea, which begin as the artefact does.
    private static let realWords = WordTable.set("arafat arafura")

    private static func isArtefact(_ word: CaptionWord) -> Bool {
        word.text.text.utf8.starts(with: artefact.utf8) && !realWords.contains(word.text)
    }
}

/// What is kept of a caption.
private struct KeptWords {
    struct Piece {
        /// What stands between the word and the one before.
        let gap: Substring
        let spelling: String
        let word: CaptionWord
    }

    /// Whether no group of up to four words, of which one is more than punctuation, is kept twice in a row.
    private let dropsRepetitions: Bool
    private(set) var pieces: [Piece] = []
    /// Whether the word that came last was kept.
    private(set) var endsWithLast = true

    init(dropsRepetitions: Bool) { self.dropsRepetitions = dropsRepetitions }

    private static let longestGroup = 4
    /// Said twice, each is a thing or a name.
    private static let twins = WordTable.set("bon choo chow dik mahi pom tuk yo")

    /// The pieces repeated nothing before, so that they do not where the repetition is taken away again.
    mutating func append(_ piece: Piece) {
        pieces.append(piece)
        let length = dropsRepetitions ? (1...Self.longestGroup).first(where: repeats) : nil
        pieces.removeLast(length ?? 0)
        endsWithLast = length == nil
    }

    private func repeats(_ length: Int) -> Bool {
        let last = pieces.suffix(length)
        let before = pieces.dropLast(length)
        guard last.elementsEqual(before.suffix(length), by: { $0.word.text == $1.word.text }),
            last.contains(where: \.word.isWord)
        else { return false }
        guard length == 1, last.allSatisfy({ Self.twins.contains($0.word.text) }) else { return true }
        return before.dropLast().last?.word.text == before.last?.word.text
    }

    /// Makes an article behind which words were left out "a" or "an", as the next word sounds; where no word follows
    /// that could have one, there is none.
    mutating func mendArticle(before next: CaptionWord?) {
        guard let last = pieces.last, Self.articles.contains(last.word.text) else { return }
        pieces.removeLast()
        endsWithLast = false
        guard let next, next.isWord, ParsedCaption.mayHaveArticle(next.text) else { return }
        let ending = Self.soundsAsVowel(next.text.text) ? "n" : ""
        let word = CaptionWord(text: ExactString("a" + ending), range: last.word.range, isWord: true)
        append(Piece(gap: last.gap, spelling: last.spelling.prefix(1) + ending, word: word))
    }

    private static let articles = WordTable.set("a an")
    private static let vowels = ["a", "e", "i", "o", "u", "hour", "hono", "hones", "heir"]
    private static let consonants = [
        "eu", "ewe", "one", "once", "ukulele", "uniform", "unicorn", "unicycle", "uniq", "us",
    ]

    private static func soundsAsVowel(_ word: String) -> Bool {
        let begins = { (opening: String) in word.utf8.starts(with: opening.utf8) }
        return vowels.contains(where: begins) && !consonants.contains(where: begins)
    }
}
