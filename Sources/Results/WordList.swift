package import RPC

/// What to look for, as a person types it.
///
/// Commas, lines and separate arguments part labels; `name=phrase|phrase` says a label in several ways. Space around a
/// name or phrase does not count, space inside it does. A backslash before a comma, `=`, `|`, a backslash or the end of
/// a line makes it part of the words.
///
///     dseg mask street.jpg "car, traffic light" road=street|asphalt 'Paris\, Texas'
package struct WordList: Sendable, Equatable {
    /// Indices of the mask are bytes and 0 is the background.
    package static let labelLimit = 255

    /// As they were typed, one argument each.
    package let given: [String]
    /// At least one, with distinct names.
    package let labels: [Label]

    package init(_ arguments: [String]) throws(WordError) {
        var labels: [Label] = []
        for argument in arguments {
            guard PathText.isUnicode(argument) else { throw .notText(argument: argument) }
            for entry in try Self.entries(of: argument) {
                let label = try Self.label(entry, in: argument)
                if labels.contains(where: { $0.name == label.name }) {
                    throw .repeatedLabel(label.name)
                }
                labels.append(label)
            }
        }
        if labels.isEmpty { throw .noLabels }
        if labels.count > Self.labelLimit { throw .tooManyLabels(labels.count) }
        given = arguments
        self.labels = labels
    }

    /// One label's name, as `--cut` gives it.
    static func name(_ text: String) -> String {
        WrittenWords.text(of: WrittenWords.marks(of: text)[...])
    }

    /// The labels that were taken as one though other tools part words there, as GroundingDINO does by full stops:
    /// what to say of them.
    package var notes: [String] {
        labels.map(\.name).filter(WrittenWords.looksLikeSeveral).map {
            "\"\(Streams.printable($0))\" was taken as one label; commas part labels: dog, grass"
        }
    }

    /// What stands between separators. A line that holds nothing is none, nor is one's end after a comma.
    private static func entries(of argument: String) throws(WordError) -> [ArraySlice<WrittenWords.Mark>] {
        let marks = WrittenWords.marks(of: argument)
        let ends = marks.indices.filter { marks[$0].partsLabels } + [marks.endIndex]
        var found: [ArraySlice<WrittenWords.Mark>] = []
        var start = marks.startIndex
        for end in ends {
            let entry = marks[start..<end]
            let followsLine = start > 0 && marks[start - 1] == .line
            let precedesLine = end < marks.endIndex && marks[end] == .line
            if !WrittenWords.isEmpty(entry) {
                found.append(entry)
            } else if !followsLine && !precedesLine {
                throw .emptyLabel(argument: argument)
            }
            start = end + 1
        }
        guard !found.isEmpty else { throw .emptyLabel(argument: argument) }
        return found
    }

    /// One label: `name`, or `name=phrase|phrase`.
    private static func label(
        _ entry: ArraySlice<WrittenWords.Mark>, in argument: String
    ) throws(WordError) -> Label {
        let parts = entry.split(separator: .equals, maxSplits: 1, omittingEmptySubsequences: false)
        let name = WrittenWords.text(of: parts[0])
        if name.isEmpty { throw .emptyLabel(argument: argument) }
        if parts[0].contains(.bar) { throw .namelessPhrases(name) }
        guard parts.count == 2 else { return Label(name: name, phrases: []) }
        let phrases = parts[1].split(separator: .bar, omittingEmptySubsequences: false).map(WrittenWords.text)
        if phrases.contains("") { throw .emptyPhrase(label: name, argument: argument) }
        return Label(name: name, phrases: phrases.map { Phrase(words: $0, prompt: "") })
    }
}

/// Words and the signs that part them.
enum WrittenWords {
    enum Mark: Equatable {
        case scalar(Unicode.Scalar)
        case comma(Unicode.Scalar)
        case line
        case equals
        case bar

        var partsLabels: Bool {
            switch self {
            case .comma, .line: true
            case .scalar, .equals, .bar: false
            }
        }

        fileprivate var scalar: Unicode.Scalar {
            switch self {
            case .scalar(let scalar), .comma(let scalar): scalar
            case .line: "\n"
            case .equals: "="
            case .bar: "|"
            }
        }
    }

    /// Of Latin, Arabic and East Asian writing, in all their widths.
    private static let commas: Set<Unicode.Scalar> = [
        ",", "\u{60C}", "\u{3001}", "\u{FE10}", "\u{FE11}", "\u{FE50}", "\u{FE51}", "\u{FF0C}", "\u{FF64}",
    ]
    private static let lineEnds: Set<Unicode.Scalar> = ["\n", "\r", "\u{85}", "\u{2028}", "\u{2029}"]

    static func marks(of text: String) -> [Mark] {
        var marks: [Mark] = []
        var isEscaped = false
        for scalar in text.unicodeScalars {
            let mark: Mark =
                switch scalar {
                case _ where commas.contains(scalar): .comma(scalar)
                case _ where lineEnds.contains(scalar): .line
                case "=": .equals
                case "|": .bar
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

    static func isEmpty(_ marks: ArraySlice<Mark>) -> Bool { marks.allSatisfy { isBlank($0.scalar) } }

    /// The words, without what cannot be seen and without space around them.
    static func text(of marks: ArraySlice<Mark>) -> String {
        let scalars = marks.map(\.scalar)
        let seen = scalars.indices.filter { !isInvisible(at: $0, in: scalars) }.map { scalars[$0] }
        let isSpace: (Unicode.Scalar) -> Bool = { isBlank($0) && !$0.properties.isDefaultIgnorableCodePoint }
        guard let start = seen.firstIndex(where: { !isSpace($0) }), let end = seen.lastIndex(where: { !isSpace($0) })
        else { return "" }
        return String(String.UnicodeScalarView(seen[start...end]))
    }

    /// Whether a label reads as several that full stops, semicolons or tabulators part.
    static func looksLikeSeveral(_ name: String) -> Bool {
        if name.unicodeScalars.contains(where: { [";", "\u{FF1B}", "\u{61B}", "\t"].contains($0) }) { return true }
        let words = name.split(whereSeparator: \.isWhitespace)
        let isParted = words.dropLast().contains { $0.hasSuffix(".") || $0.hasSuffix("。") }
        return isParted || words.count > 1 && words.last == "."
    }

    private static func isBlank(_ scalar: Unicode.Scalar) -> Bool {
        let properties = scalar.properties
        // Braille's blank is a letter to Unicode.
        return properties.isWhitespace || properties.isDefaultIgnorableCodePoint || scalar == "\u{2800}"
    }

    /// Byte-order marks, soft hyphens, zero-width spaces and marks of direction, which pasted text brings along. What
    /// shapes the sign before it stays where it does: selectors and joiners of emoji and of scripts beyond ASCII.
    private static func isInvisible(at place: Int, in scalars: [Unicode.Scalar]) -> Bool {
        guard scalars[place].properties.isDefaultIgnorableCodePoint else { return false }
        func isShaped(_ place: Int) -> Bool {
            scalars.indices.contains(place) && !scalars[place].isASCII && !isPlainSpace(scalars[place])
        }
        switch scalars[place].value {
        case 0x200C, 0x200D: return !isShaped(place - 1) || !isShaped(place + 1)
        case 0x34F, 0x180B...0x180D, 0xFE00...0xFE0F, 0xE0020...0xE007F, 0xE0100...0xE01EF:
            return place == 0 || isPlainSpace(scalars[place - 1])
        default: return true
        }
    }

    private static func isPlainSpace(_ scalar: Unicode.Scalar) -> Bool {
        scalar.properties.isWhitespace || scalar.value == 0xFEFF || scalar.value == 0x200B
    }
}

/// Why words name no labels, and what to type instead.
package enum WordError: Error, Equatable, CustomStringConvertible {
    case noLabels
    /// All arguments are pictures.
    case onlyPictures(Int)
    /// A picture's file, where words are meant.
    case picture(String)
    case notText(argument: String)
    case emptyLabel(argument: String)
    case emptyPhrase(label: String, argument: String)
    case namelessPhrases(String)
    case repeatedLabel(String)
    case tooManyLabels(Int)

    package var description: String {
        switch self {
        case .noLabels:
            return "no words to look for; type them after the picture: dog, grass"
        case .onlyPictures(let count):
            return "\(count) pictures and no words to look for; type them after the pictures: dog, grass"
        case .picture(let file):
            let file = Streams.printable(file)
            return "\(file) among the words is a picture; pictures come first, then words. To look for these very "
                + "words type name=\(file)"
        case .notText(let argument):
            return "\"\(Streams.printable(argument))\" is not UTF-8; type words in it"
        case .emptyLabel(let argument):
            return "a label in \"\(Streams.printable(argument))\" is empty; type a word between the commas: dog, grass"
        case .emptyPhrase(let label, let argument):
            let label = Streams.printable(label)
            return "a phrase of \"\(label)\" in \"\(Streams.printable(argument))\" is empty; "
                + "type \(label)=phrase|phrase, or \(label) alone"
        case .namelessPhrases(let phrases):
            let phrases = Streams.printable(phrases)
            return "\"\(phrases)\" are phrases without a name; type name=\(phrases)"
        case .repeatedLabel(let name):
            let name = Streams.printable(name)
            return "the label \"\(name)\" is there twice; to say it in several ways type \(name)=phrase|phrase"
        case .tooManyLabels(let count):
            return "\(count) labels are over the limit of \(WordList.labelLimit); ask in several runs"
        }
    }
}
