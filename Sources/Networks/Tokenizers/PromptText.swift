// For `_nfc`: the standard library's NFC without Foundation.
@_spi(_Unicode) import Swift

/// Text as CLIP's tokenizer reads it: composed, lower case, cut into words.
///
/// The reference is the Rust `tokenizers` 0.23 behind transformers' `CLIPTokenizer`, whose parts follow different
/// versions of Unicode. A scalar that is newer than a part's version is unassigned there.
package enum PromptText {
    /// A run of scalars that no merge crosses.
    package struct Word: Equatable {
        package let scalars: [Unicode.Scalar]
        /// Whether white space or the text's beginning stands before the word.
        package let isSpaced: Bool
        /// The token that a special word such as `<|endoftext|>` is, whatever its scalars.
        package let special: Token?
    }

    /// The reference's Unicode version for composition and combining classes.
    private static let composition = 9
    /// The reference's Unicode version for general categories.
    private static let categories = 16

    /// NFC, then lower case scalar by scalar, without context: a final sigma becomes σ, and `İ` an `i` with a combining
    /// dot.
    static func normalized(_ text: some Sequence<Unicode.Scalar>) -> [Unicode.Scalar] {
        composed(text).flatMap { Array($0.properties.lowercaseMapping.unicodeScalars) }
    }

    /// NFC of the runs between scalars that the reference's Unicode version does not know.
    ///
    /// Three Tibetan vowel signs of combining class 0 decompose to marks of other classes. They are decomposed first
    /// because the standard library does not reorder marks across them.
    static func composed(_ text: some Sequence<Unicode.Scalar>) -> [Unicode.Scalar] {
        var result: [Unicode.Scalar] = []
        var known = String.UnicodeScalarView()
        for scalar in text {
            switch scalar {
            case "\u{F73}": known.append(contentsOf: ["\u{F71}", "\u{F72}"])
            case "\u{F75}": known.append(contentsOf: ["\u{F71}", "\u{F74}"])
            case "\u{F81}": known.append(contentsOf: ["\u{F71}", "\u{F80}"])
            case _ where scalar.isYounger(than: composition):
                result.append(contentsOf: String(known)._nfc)
                result.append(scalar)
                known = String.UnicodeScalarView()
            default: known.append(scalar)
            }
        }
        result.append(contentsOf: String(known)._nfc)
        return result
    }

    /// The class of a scalar in the pattern that splits words.
    enum Kind {
        case letter, number, space, other
    }

    static func kind(of scalar: Unicode.Scalar) -> Kind {
        switch scalar.properties.generalCategory {
        case .uppercaseLetter, .lowercaseLetter, .titlecaseLetter, .modifierLetter, .otherLetter:
            scalar.isYounger(than: categories) ? .other : .letter
        case .decimalNumber, .letterNumber, .otherNumber:
            scalar.isYounger(than: categories) ? .other : .number
        default:
            scalar.properties.isWhitespace ? .space : .other
        }
    }

    private static let contractions = ["'s", "'t", "'re", "'ve", "'m", "'ll", "'d"]
        .map { Array($0.unicodeScalars) }
    /// Spellings of special tokens that the reference's first pattern keeps whole and its second splits into brackets
    /// and letters: three words.
    private static let markers = ["startoftext", "endoftext"]
        .map { ["<|", $0, "|>"].map { Array($0.unicodeScalars) } }

    /// The words of normalized text: contractions, runs of letters, single digits, and runs of
    /// anything else that is not white space.
    ///
    /// - Parameter isSpaced: whether the text follows white space or begins the whole text
    static func words(in text: [Unicode.Scalar], isSpaced: Bool) -> [Word] {
        var words: [Word] = []
        var isSpaced = isSpaced
        var rest = text[...]
        while let first = rest.first {
            if kind(of: first) == .space {
                isSpaced = true
                rest = rest.dropFirst()
                continue
            }
            for length in lengths(ofWordsAtStartOf: rest) {
                let scalars = Array(rest.prefix(length))
                words.append(Word(scalars: scalars, isSpaced: isSpaced, special: nil))
                isSpaced = false
                rest = rest.dropFirst(length)
            }
        }
        return words
    }

    /// The length of the word at the start of a text that does not begin with space, or the three lengths of a marker's
    /// words.
    private static func lengths(ofWordsAtStartOf text: ArraySlice<Unicode.Scalar>) -> [Int] {
        guard let first = text.first else { return [] }
        if first == "<", let parts = markers.first(where: { text.starts(with: $0.joined()) }) {
            return parts.map(\.count)
        }
        if first == "'", let short = contractions.first(where: { text.starts(with: $0) }) {
            return [short.count]
        }
        let kind = kind(of: first)
        return [kind == .number ? 1 : text.prefix { Self.kind(of: $0) == kind }.count]
    }

    /// Whether a scalar belongs to a word as people read it: letters, digits, combining marks, underscores and joiners.
    package static func isWordScalar(_ scalar: Unicode.Scalar) -> Bool {
        switch scalar.properties.generalCategory {
        case .nonspacingMark, .spacingMark, .enclosingMark, .connectorPunctuation: true
        default: scalar.properties.isJoinControl || [.letter, .number].contains(kind(of: scalar))
        }
    }
}

extension Unicode.Scalar {
    /// Whether it was assigned in a version of Unicode after `major`.
    func isYounger(than major: Int) -> Bool {
        guard !isASCII, let age = properties.age else { return false }
        return age.major > major
    }
}
