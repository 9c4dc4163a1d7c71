// For `_nfd`: the standard library's NFD without Foundation.
@_spi(_Unicode) import Swift

/// Text as BERT's tokenizer reads it: cleaned, without accents, in lower case, cut into words.
///
/// The reference is the Rust `tokenizers` 0.23 behind transformers' `BertTokenizer`, whose parts follow different
/// versions of Unicode. A scalar that is newer than a part's version is unassigned there.
struct UncasedText: Sendable, Equatable {
    var lowercases = true
    /// Whether nonspacing marks are removed from the decomposed text; else it stays as composed as it is.
    var stripsAccents = true
    /// Whether each ideograph is a word.
    var spacesIdeographs = true

    /// The reference's Unicode version for decomposition and combining classes.
    private static let decomposition = 9
    /// The reference's Unicode version for general categories.
    private static let categories = 8
    /// Scalars whose category has changed since.
    private static let moved: [Unicode.Scalar: Unicode.GeneralCategory] = [
        "\u{166D}": .otherPunctuation, "\u{1734}": .nonspacingMark, "\u{1885}": .otherLetter,
        "\u{1886}": .otherLetter, "\u{A9BD}": .spacingMark, "\u{111C9}": .otherPunctuation,
        "\u{1171E}": .nonspacingMark,
    ]

    private static func category(of scalar: Unicode.Scalar) -> Unicode.GeneralCategory {
        guard !scalar.isASCII else { return scalar.properties.generalCategory }
        return scalar.isYounger(than: categories)
            ? .unassigned : moved[scalar] ?? scalar.properties.generalCategory
    }

    /// A text without control characters and accents, every white space a blank, in lower case scalar by scalar.
    func normalized(_ text: [Unicode.Scalar]) -> [Unicode.Scalar] {
        var cleaned: [Unicode.Scalar] = []
        cleaned.reserveCapacity(text.count)
        for scalar in text {
            guard let scalar = Self.cleaned(scalar) else { continue }
            if spacesIdeographs, Self.isIdeograph(scalar) {
                cleaned += [" ", scalar, " "]
            } else {
                cleaned.append(scalar)
            }
        }
        let plain = stripsAccents ? Self.withoutAccents(cleaned) : cleaned
        return lowercases ? Self.lowercased(plain) : plain
    }

    /// A blank for white space, `nil` for control and format characters, private ones and U+FFFD.
    private static func cleaned(_ scalar: Unicode.Scalar) -> Unicode.Scalar? {
        switch scalar {
        case " "..."~": return scalar
        case "\t", "\n", "\r": return " "
        case "\u{FFFD}": return nil
        default: break
        }
        switch category(of: scalar) {
        case .control, .format, .privateUse: return nil
        default: return scalar.properties.isWhitespace ? " " : scalar
        }
    }

    private static func isIdeograph(_ scalar: Unicode.Scalar) -> Bool {
        switch scalar.value {
        case 0x4E00...0x9FFF, 0x3400...0x4DBF, 0x20000...0x2A6DF, 0x2A700...0x2B73F, 0x2B740...0x2B81F,
            0x2B920...0x2CEAF, 0xF900...0xFAFF, 0x2F800...0x2FA1F:
            true
        default: false
        }
    }

    /// NFD without nonspacing marks.
    ///
    /// Marks are put in order here, run by run: the standard library sorts a run in quadratic time.
    private static func withoutAccents(_ text: [Unicode.Scalar]) -> [Unicode.Scalar] {
        var result: [Unicode.Scalar] = []
        result.reserveCapacity(text.count)
        var run: [Unicode.Scalar] = []
        func take(_ scalar: Unicode.Scalar, _ order: UInt8) {
            let isAccent = category(of: scalar) == .nonspacingMark
            if order > 0 {
                if !isAccent { run.append(scalar) }
                return
            }
            endRun()
            if !isAccent { result.append(scalar) }
        }
        func endRun() {
            guard !run.isEmpty else { return }
            // Swift's sort is stable, which canonical order asks for.
            result += run.sorted { Self.order(of: $0) < Self.order(of: $1) }
            run = []
        }
        for scalar in text {
            // Nothing below U+00C0 decomposes or is a mark.
            if scalar.value < 0xC0 || scalar.isYounger(than: decomposition) {
                take(scalar, 0)
            } else {
                for part in String(scalar)._nfd { take(part, order(of: part)) }
            }
        }
        endRun()
        return result
    }

    /// The canonical combining class.
    private static func order(of scalar: Unicode.Scalar) -> UInt8 {
        scalar.properties.canonicalCombiningClass.rawValue
    }

    private static func lowercased(_ text: [Unicode.Scalar]) -> [Unicode.Scalar] {
        var result: [Unicode.Scalar] = []
        result.reserveCapacity(text.count)
        for scalar in text {
            switch scalar {
            case "A"..."Z": result.append(Unicode.Scalar(UInt8(ascii: scalar) + 32))
            case _ where scalar.isASCII: result.append(scalar)
            default: result += scalar.properties.lowercaseMapping.unicodeScalars
            }
        }
        return result
    }

    /// The words of a normalized text: runs between blanks, and each punctuation mark.
    static func words(in text: [Unicode.Scalar]) -> [ArraySlice<Unicode.Scalar>] {
        var words: [ArraySlice<Unicode.Scalar>] = []
        var start = 0
        for (place, scalar) in text.enumerated() {
            let isMark = isPunctuation(scalar)
            guard isMark || scalar == " " else { continue }
            if start < place { words.append(text[start..<place]) }
            if isMark { words.append(text[place...place]) }
            start = place + 1
        }
        if start < text.count { words.append(text[start...]) }
        return words
    }

    /// Unicode's punctuation, and of ASCII all that is no letter, digit, blank or control character.
    private static func isPunctuation(_ scalar: Unicode.Scalar) -> Bool {
        switch scalar {
        case "!"..."/", ":"..."@", "["..."`", "{"..."~": return true
        case _ where scalar.isASCII: return false
        default: break
        }
        switch category(of: scalar) {
        case .connectorPunctuation, .dashPunctuation, .openPunctuation, .closePunctuation, .initialPunctuation,
            .finalPunctuation, .otherPunctuation:
            return true
        default: return false
        }
    }
}
