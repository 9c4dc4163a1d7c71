import Texts

extension WordPieceTokenizer {
    /// The text of tokens. Special tokens and identifiers that are none are left out.
    ///
    /// A token that goes on with a word follows the one before, each other one a blank, which goes again in front of
    /// `.`, `?`, `!`, `,`, `'s` and the like.
    package func decode(_ tokens: [Token]) -> String {
        var text: [UInt8] = []
        var isFirst = true
        for token in tokens where spellings.indices.contains(Int(token)) {
            let spelling = spellings[Int(token)]
            if spelling.isSpecial { continue }
            text += spelling.bytes(isFirst: isFirst)
            isFirst = false
        }
        return String(decoding: tidiesText ? Spelling.tidied(text) : text, as: UTF8.self)
    }
}

/// How a token is written in decoded text.
struct Spelling: Sendable {
    let text: String
    /// Whether it is left out.
    let isSpecial: Bool

    /// A token that is matched in normalized text is spelled as it is there.
    static func all(
        of vocabulary: Vocabulary, _ written: [WrittenToken], _ matched: [SpecialToken]
    ) -> [Spelling] {
        var texts = vocabulary.texts
        for special in matched where special.isNormalized {
            texts[Int(special.token)] = String(String.UnicodeScalarView(special.scalars))
        }
        let special = Set(written.filter(\.isSpecial).map { ExactString($0.text) })
        return texts.map { Spelling(text: $0, isSpecial: special.contains(ExactString($0))) }
    }

    /// The bytes after those of other tokens, or as the first.
    func bytes(isFirst: Bool) -> [UInt8] {
        let prefix = PieceTree.continuation.utf8
        var bytes = Array(text.utf8)
        if !isFirst {
            if bytes.starts(with: prefix) {
                bytes.removeFirst(prefix.count)
            } else {
                bytes.insert(UInt8(ascii: " "), at: 0)
            }
        }
        return Self.tidied(bytes, shortening: true)
    }

    /// What the reference replaces, in its order. Each begins with a blank.
    private static let replacements = [
        (" .", "."), (" ?", "?"), (" !", "!"), (" ,", ","), (" ' ", "'"), (" n't", "n't"), (" 'm", "'m"),
        (" do not", " don't"), (" 's", "'s"), (" 've", "'ve"), (" 're", "'re"),
    ].map { (old: Array($0.utf8), new: Array($1.utf8)) }
    /// The index of the one that the reference makes in a token but not in a text.
    private static let shortening = 7

    /// A text without blanks in front of punctuation and contractions.
    ///
    /// - Parameter shortening: whether " do not" becomes " don't"
    static func tidied(_ text: [UInt8], shortening: Bool = false) -> [UInt8] {
        let blank = UInt8(ascii: " ")
        let isTidy = !zip(text, text.dropFirst()).contains { one, next in
            one == blank && replacements.contains { $0.old[1] == next }
        }
        guard !isTidy else { return text }
        return replacements.enumerated().filter { shortening || $0.offset != Self.shortening }
            .reduce(text) { replacing($1.element.old, with: $1.element.new, in: $0) }
    }

    /// Replaces each place where `old` stands, from the left.
    private static func replacing(_ old: [UInt8], with new: [UInt8], in text: [UInt8]) -> [UInt8] {
        var result: [UInt8] = []
        result.reserveCapacity(text.count)
        var rest = text[...]
        while let byte = rest.first {
            let isHere = byte == old[0] && rest.starts(with: old)
            if isHere { result += new } else { result.append(byte) }
            rest = rest.dropFirst(isHere ? old.count : 1)
        }
        return result
    }
}
