/// The lexer: scalars and separators, with backslashes resolved.
enum WrittenWords {
    enum Mark: Equatable {
        case scalar(Unicode.Scalar)
        case comma(Unicode.Scalar)
        case line
        /// One of the ``Signs``, unescaped: it means something in some places, and is part of the words in others.
        case sign(Unicode.Scalar)

        var partsLabels: Bool {
            switch self {
            case .comma, .line: true
            case .scalar, .sign: false
            }
        }

        var scalar: Unicode.Scalar {
            switch self {
            case .scalar(let scalar), .comma(let scalar), .sign(let scalar): scalar
            case .line: "\n"
            }
        }
    }

    /// The characters that a backslash makes part of the words, beside commas and line ends.
    struct Signs {
        fileprivate let scalars: Set<Unicode.Scalar>

        /// A full stop may begin a file's extension, a colon a weight, an at sign the name of a vocabulary.
        static let ofArguments = Signs(scalars: ["=", "|", ".", ":", "@"])
        /// A tilde begins synonyms, a number sign a comment, a bracket a heading.
        static let ofFiles = Signs(scalars: ofArguments.scalars.union(["~", "#", "["]))
        /// A plus sign and a minus sign join labels.
        static let ofRegions = Signs(scalars: ofArguments.scalars.union(["+", "-"]))
    }

    private static func isLineEnd(_ scalar: Unicode.Scalar) -> Bool {
        switch scalar.value {
        case 0xA...0xD, 0x85, 0x2028, 0x2029: true
        default: false
        }
    }

    /// Commas of any script and width, by their Unicode name ("ARABIC COMMA"); not letters such as Hawaiian's "MODIFIER
    /// LETTER TURNED COMMA".
    private static func isComma(_ scalar: Unicode.Scalar) -> Bool {
        if scalar.isASCII { return scalar == "," }
        let properties = scalar.properties
        return properties.generalCategory == .otherPunctuation && properties.name?.hasSuffix("COMMA") == true
    }

    static func marks(of text: String, _ signs: Signs) -> [Mark] {
        var marks: [Mark] = []
        var isEscaped = false
        var previous: Unicode.Scalar?
        for scalar in text.unicodeScalars {
            defer { previous = scalar }
            // CR LF is one line end, which one backslash escapes.
            if scalar == "\n", previous == "\r" { continue }
            let mark: Mark =
                switch scalar {
                case _ where isComma(scalar): .comma(scalar)
                case _ where isLineEnd(scalar): .line
                case _ where signs.scalars.contains(scalar): .sign(scalar)
                default: .scalar(scalar)
                }
            if isEscaped, mark != .scalar(scalar) || scalar == "\\" {
                marks[marks.count - 1] = .scalar(mark == .line ? " " : scalar)
                isEscaped = false
            } else {
                marks.append(mark)
                isEscaped = scalar == "\\"
            }
        }
        return marks
    }

    /// The lines of a text, each without its end.
    static func lines(of text: String) -> [Substring] {
        let scalars = text.unicodeScalars
        var lines: [Substring] = []
        var start = scalars.startIndex
        for place in scalars.indices where isLineEnd(scalars[place]) {
            // CR LF is one line end, the CR's.
            let isRest = scalars[place] == "\n" && scalars[..<place].last == "\r"
            if !isRest { lines.append(Substring(scalars[start..<place])) }
            start = scalars.index(after: place)
        }
        return lines + [Substring(scalars[start...])]
    }

    /// The labels between separators. Empty lines are skipped, also the end of a line after a comma; `nil` for any
    /// other empty label, and for none.
    static func entries(of marks: [Mark]) -> [ArraySlice<Mark>]? {
        let ends = marks.indices.filter { marks[$0].partsLabels } + [marks.endIndex]
        var found: [ArraySlice<Mark>] = []
        var start = marks.startIndex
        for end in ends {
            let entry = marks[start..<end]
            let followsLine = start > 0 && marks[start - 1] == .line
            let precedesLine = end < marks.endIndex && marks[end] == .line
            if !isEmpty(entry) {
                found.append(entry)
            } else if !followsLine && !precedesLine {
                return nil
            }
            start = end + 1
        }
        return found.isEmpty ? nil : found
    }

    /// The labels between plus and minus signs that have space on both sides, each with the sign before it; the ends of
    /// the text are space.
    static func terms(of marks: [Mark]) -> [(sign: Unicode.Scalar?, marks: ArraySlice<Mark>)] {
        func isSpace(_ place: Int) -> Bool { marks.indices.contains(place) ? isBlank(marks[place].scalar) : true }
        var terms: [(sign: Unicode.Scalar?, marks: ArraySlice<Mark>)] = []
        var (sign, start): (Unicode.Scalar?, Int) = (nil, 0)
        for (place, mark) in marks.enumerated() where mark == .sign("+") || mark == .sign("-") {
            guard isSpace(place - 1), isSpace(place + 1) else { continue }
            terms.append((sign, marks[start..<place]))
            (sign, start) = (mark.scalar, place + 1)
        }
        return terms + [(sign, marks[start...])]
    }

    /// The marks of one label as an argument that means it.
    static func argument(of marks: ArraySlice<Mark>) -> String {
        var text = String.UnicodeScalarView()
        let end = marks.lastIndex { !isBlank($0.scalar) }.map { $0 + 1 } ?? marks.startIndex
        for mark in marks[..<end].drop(while: { isBlank($0.scalar) }) {
            if case .scalar(let scalar) = mark,
                scalar == "\\" || isComma(scalar) || Signs.ofArguments.scalars.contains(scalar)
            {
                text.append("\\")
            }
            text.append(mark.scalar)
        }
        return String(text)
    }

    static func isEmpty(_ marks: ArraySlice<Mark>) -> Bool { opening(of: marks) == nil }

    /// The first mark that is no blank.
    static func opening(of marks: ArraySlice<Mark>) -> Mark? { marks.first { !isBlank($0.scalar) } }

    /// The first character that is no blank.
    static func opening(of text: Substring) -> Unicode.Scalar? { text.unicodeScalars.first { !isBlank($0) } }

    /// What a vocabulary is called after its at sign; `nil` for a label.
    static func vocabulary(in entry: ArraySlice<Mark>) -> String? {
        guard opening(of: entry) == .sign("@"), let sign = entry.firstIndex(of: .sign("@")) else { return nil }
        return text(of: entry[(sign + 1)...])
    }

    /// Splits words from the weight that ends them, a colon and a decimal number: `dog:1.2`. The colon follows a letter
    /// or a closing bracket, so that "12:30" and "ratio 4:3" are words.
    static func weighted(_ marks: ArraySlice<Mark>) -> (words: ArraySlice<Mark>, weight: String?) {
        guard let colon = marks.lastIndex(of: .sign(":")),
            let last = marks[..<colon].last(where: { !isUnseen($0.scalar) }), mayEndWeightedWords(last.scalar)
        else { return (marks, nil) }
        let number = text(of: marks[(colon + 1)...])
        let parts = number.utf8.split(separator: UInt8(ascii: "."), omittingEmptySubsequences: false)
        let isNumber =
            parts.count <= 2
            && parts.allSatisfy { digits in
                !digits.isEmpty && digits.allSatisfy { (UInt8(ascii: "0")...UInt8(ascii: "9")).contains($0) }
            }
        let follows = marks[colon...].dropFirst().first.map { !isBlank($0.scalar) } == true
        return isNumber && follows ? (marks[..<colon], number) : (marks, nil)
    }

    private static func mayEndWeightedWords(_ scalar: Unicode.Scalar) -> Bool {
        switch scalar.properties.generalCategory {
        case .uppercaseLetter, .lowercaseLetter, .titlecaseLetter, .modifierLetter, .otherLetter, .nonspacingMark,
            .spacingMark, .closePunctuation:
            true
        default: false
        }
    }

    /// The words, without invisible characters and with space trimmed.
    static func text(of marks: ArraySlice<Mark>) -> String {
        let scalars = marks.map(\.scalar)
        var seen: [Unicode.Scalar] = []
        for (place, scalar) in scalars.enumerated() {
            let next = scalars.dropFirst(place + 1).first
            if !isUnseen(scalar) || isShaping(scalar, after: seen.last, before: next) { seen.append(scalar) }
        }
        let isSpace: (Unicode.Scalar) -> Bool = { isBlank($0) && !isUnseen($0) }
        guard let start = seen.firstIndex(where: { !isSpace($0) }), let end = seen.lastIndex(where: { !isSpace($0) })
        else { return "" }
        return String(String.UnicodeScalarView(seen[start...end]))
    }

    /// Whether a label looks like several that are separated by full stops, semicolons or tabs.
    static func looksLikeSeveral(_ name: String) -> Bool {
        if name.unicodeScalars.contains(where: { [";", "\u{FF1B}", "\u{61B}", "\t"].contains($0) }) { return true }
        let words = name.split(whereSeparator: \.isWhitespace)
        let isParted = words.dropLast().contains { $0.hasSuffix(".") || $0.hasSuffix("。") }
        return isParted || words.count > 1 && words.last == "."
    }

    private static func isBlank(_ scalar: Unicode.Scalar) -> Bool {
        // U+2800 BRAILLE PATTERN BLANK is no whitespace to Unicode.
        scalar.properties.isWhitespace || isUnseen(scalar) || scalar == "\u{2800}"
    }

    /// Invisible characters: byte-order marks, soft hyphens, zero-width spaces and bidi marks, which pasted text brings
    /// along; control characters other than space; interlinear annotation and object replacement characters.
    private static func isUnseen(_ scalar: Unicode.Scalar) -> Bool {
        let properties = scalar.properties
        return properties.isDefaultIgnorableCodePoint || properties.isNoncharacterCodePoint
            || properties.generalCategory == .control && !properties.isWhitespace
            || (0xFFF9...0xFFFC).contains(scalar.value)
    }

    /// Whether an invisible character changes how its neighbours look, and so is kept: variation selectors, joiners and
    /// tags of emoji and of scripts that use them.
    private static func isShaping(
        _ scalar: Unicode.Scalar, after previous: Unicode.Scalar?, before next: Unicode.Scalar?
    ) -> Bool {
        guard let previous, !previous.properties.isWhitespace else { return false }
        switch scalar.value {
        case 0x200C, 0x200D:
            // After a virama, or the joiner after an Arabic letter, it shapes the previous letter, whatever follows.
            if previous.properties.canonicalCombiningClass == .virama { return true }
            if scalar.value == 0x200D, (0x600...0x8FF).contains(previous.value) { return true }
            return isJoined(previous) && next.map(isJoined) == true
        case 0x34F: return next.map { [.nonspacingMark, .spacingMark].contains($0.properties.generalCategory) } == true
        case 0x180B...0x180D, 0x180F: return (0x1800...0x18AF).contains(previous.value)
        case 0xFE00...0xFE0D: return !previous.isASCII
        case 0xFE0E, 0xFE0F:
            return previous.properties.isEmoji && (!previous.isASCII || next == "\u{20E3}")
        case 0xE0020...0xE007F:
            return !previous.isASCII && previous.properties.isEmoji || (0xE0020...0xE007E).contains(previous.value)
        case 0xE0100...0xE01EF: return previous.properties.isIdeographic
        default: return false
        }
    }

    /// Whether a scalar may be joined to a neighbour: of a script from Hebrew on (U+0590), or an emoji; no space.
    private static func isJoined(_ scalar: Unicode.Scalar) -> Bool {
        scalar.value >= 0x590 && !isBlank(scalar) || scalar.value == 0xFE0F
    }
}
