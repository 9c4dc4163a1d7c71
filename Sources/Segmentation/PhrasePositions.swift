package import Networks

/// Where the tokens of a phrase stand in its prompt, whose start token has position 0.
package struct PhrasePlace: Sendable, Equatable {
    /// Of the words.
    package let words: Range<Int>
    /// Of the last word between spaces.
    package let lastWord: Range<Int>
    /// Of the token after the words, where a participle follows.
    package let participle: Int?

    /// The positions that are read, ascending.
    package var positions: [Int] { Array(words) + [participle].compactMap(\.self) }
}

extension BytePairTokenizer {
    /// Where the tokens of a phrase stand among a prompt's.
    ///
    /// The phrase is searched as whole words, spaced as in the prompt. Its first occurrence counts; in a prompt that
    /// begins with the template's opening, the occurrence right after that opening, so that a label may repeat the
    /// template's words. Punctuation at the phrase's ends may be part of a longer run of it in the prompt, and share a
    /// token with that, as "t.v." in "t.v., sofa". If the next word after white space ends in "ing", as in "dog
    /// sitting", the position after the phrase is included: the method reads a participle together with its noun.
    ///
    /// - Parameters:
    ///   - template: the one that the prompt may be made from
    ///   - length: the number of tokens that the prompt is encoded to, at least 2
    /// - Returns: `nil` if the phrase does not stand in the prompt or truncation cuts into it
    package func place(
        of phrase: String, in prompt: String, from template: PromptTemplate, length: Int
    ) -> PhrasePlace? {
        let sought = words(of: phrase)
        let words = words(of: prompt)
        let places = words.indices.filter { Self.stand(sought, in: words, at: $0) }
        let opening = self.words(of: template.before)
        let behindTemplate = words.starts(with: opening) ? places.first { $0 == opening.count } : nil
        guard let place = behindTemplate ?? places.first else { return nil }

        let after = words[(place + sought.count)...]
        let joined = tokenCount(words[place...place]) - tokenCount(sought[...0])
        let isOpening = sought.count == 1 && words[place].scalars.starts(with: sought[0].scalars)
        let first = 1 + tokenCount(words[..<place]) + (isOpening ? 0 : max(0, joined))
        let end = 1 + tokenCount(words[..<after.startIndex])
        let last = min(first + tokenCount(sought[...]), end) - 1
        guard last <= length - 2 else { return nil }
        let takesParticiple = Self.participleFollows(after) && last + 1 <= length - 2
        let lastWord = sought.lastIndex(where: \.isSpaced) ?? 0
        return PhrasePlace(
            words: first..<last + 1,
            lastWord: (lastWord == 0 ? first : last + 1 - tokenCount(sought[lastWord...]))..<last + 1,
            participle: takesParticiple ? last + 1 : nil)
    }

    private func tokenCount(_ words: ArraySlice<PromptText.Word>) -> Int {
        words.reduce(0) { $0 + tokens(of: $1).count }
    }

    /// Whether a phrase's words stand in a prompt from the word `place` on, whole.
    private static func stand(
        _ phrase: [PromptText.Word], in prompt: [PromptText.Word], at place: Int
    ) -> Bool {
        guard !phrase.isEmpty, phrase.count <= prompt.count - place else { return false }
        let here = prompt[place..<place + phrase.count]
        for (index, (word, other)) in zip(phrase, here).enumerated() {
            guard index == 0 || word.isSpaced == other.isSpaced, word.special == other.special
            else { return false }
            let isHead = index == 0 && opens(other.scalars.reversed(), word.scalars.reversed())
            let isTail = index == phrase.count - 1 && opens(other.scalars, word.scalars)
            guard word.scalars == other.scalars || isHead || isTail else { return false }
        }
        return isBoundary(before: place, in: prompt)
            && isBoundary(before: here.endIndex, in: prompt)
    }

    /// Whether `run` begins with `marks` and goes on, and neither they nor the next scalar are part of a word: letters,
    /// digits, combining marks or joiners.
    private static func opens(_ run: [Unicode.Scalar], _ marks: [Unicode.Scalar]) -> Bool {
        guard run.starts(with: marks), let next = run.dropFirst(marks.count).first else {
            return false
        }
        return !(marks + [next]).contains(where: PromptText.isWordScalar)
    }

    /// Whether a word, as people read it, may begin at `place`: not "car" in "3car".
    private static func isBoundary(before place: Int, in words: [PromptText.Word]) -> Bool {
        guard place > 0, place < words.count else { return true }
        let (before, after) = (words[place - 1], words[place])
        guard !after.isSpaced, before.special == nil, after.special == nil,
            let left = before.scalars.last, let right = after.scalars.first
        else { return true }
        return !(PromptText.isWordScalar(left) && PromptText.isWordScalar(right))
    }

    /// Whether the next run of words between white space ends in "ing".
    private static func participleFollows(_ words: ArraySlice<PromptText.Word>) -> Bool {
        guard let first = words.firstIndex(where: \.isSpaced) else { return false }
        let end = words[(first + 1)...].firstIndex(where: \.isSpaced) ?? words.endIndex
        return words[first..<end].flatMap(\.scalars).suffix(3).elementsEqual("ing".unicodeScalars)
    }
}
