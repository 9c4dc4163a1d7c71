package import RPC
import Texts

/// Parses the labels as a person types them.
///
/// Commas, line ends and separate arguments separate labels; `name=phrase|phrase` gives a label several phrases. Space
/// around a name or phrase is trimmed, space inside is kept. A backslash before a comma, `=`, `|`, a full stop, a
/// backslash or a line end makes it part of the words.
///
///     dseg mask street.jpg "car, traffic light" road=street|asphalt 'Paris\, Texas'
package struct WordList: Sendable, Equatable {
    /// The mask's indices are bytes, and 0 is the background.
    package static let labelLimit = 255

    /// The arguments as they were typed.
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

    /// The name in the argument of `--cut`.
    static func name(_ text: String) -> String {
        WrittenWords.text(of: WrittenWords.marks(of: text)[...])
    }

    /// Hints for labels that look like several, separated as other tools do, for example by GroundingDINO's full stops.
    package var notes: [String] {
        labels.map(\.name).filter(WrittenWords.looksLikeSeveral).map {
            "\"\(Streams.excerpt($0))\" was taken as one label; commas part labels: dog, grass"
        }
    }

    /// An argument's labels as possible file names, without those whose last full stop is escaped.
    static func fileNames(in argument: String) -> [String] {
        WrittenWords.marks(of: argument).split(whereSeparator: \.partsLabels).filter { entry in
            entry.last { $0 == .stop || $0 == .scalar(".") } != .scalar(".")
        }.map(WrittenWords.text)
    }

    /// The entries between separators. Empty lines are skipped, also the end of a line after a comma; any other empty
    /// entry is an error.
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
        if !StreamSafe.isSafe(name) { throw .tooManyMarks(name) }
        if parts[0].contains(.bar) { throw .namelessPhrases(name) }
        guard parts.count == 2 else { return Label(name: name, phrases: []) }
        let phrases = parts[1].split(separator: .bar, omittingEmptySubsequences: false).map(WrittenWords.text)
        if let phrase = phrases.first(where: { !StreamSafe.isSafe($0) }) { throw .tooManyMarks(phrase) }
        if phrases.contains(where: \.isEmpty) { throw .emptyPhrase(label: name, argument: argument) }
        return Label(name: name, phrases: phrases.map { Phrase(words: $0, prompt: "") })
    }
}

/// The lexer: scalars and separators, with backslashes resolved.
enum WrittenWords {
    enum Mark: Equatable {
        case scalar(Unicode.Scalar)
        case comma(Unicode.Scalar)
        case line
        case equals
        case bar
        /// An unescaped full stop, which may begin a file extension; otherwise part of the words.
        case stop

        var partsLabels: Bool {
            switch self {
            case .comma, .line: true
            case .scalar, .equals, .bar, .stop: false
            }
        }

        fileprivate var scalar: Unicode.Scalar {
            switch self {
            case .scalar(let scalar), .comma(let scalar): scalar
            case .line: "\n"
            case .equals: "="
            case .bar: "|"
            case .stop: "."
            }
        }
    }

    private static let lineEnds: Set<Unicode.Scalar> = [
        "\n", "\u{B}", "\u{C}", "\r", "\u{85}", "\u{2028}", "\u{2029}",
    ]

    /// Commas of any script and width, by their Unicode name ("ARABIC COMMA"); not letters such as Hawaiian's "MODIFIER
    /// LETTER TURNED COMMA".
    private static func isComma(_ scalar: Unicode.Scalar) -> Bool {
        if scalar.isASCII { return scalar == "," }
        let properties = scalar.properties
        return properties.generalCategory == .otherPunctuation && properties.name?.hasSuffix("COMMA") == true
    }

    static func marks(of text: String) -> [Mark] {
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
                case _ where lineEnds.contains(scalar): .line
                case "=": .equals
                case "|": .bar
                case ".": .stop
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

/// Why arguments are no labels, and what to type instead.
package enum WordError: Error, Equatable, CustomStringConvertible {
    case noLabels
    /// All arguments are pictures.
    case onlyPictures(Int)
    /// A picture's file among the words.
    case picture(String)
    /// An existing file or folder that is no picture, followed by words.
    case noPicture(String, what: String)
    /// A name with a picture's extension that does not exist.
    case missingPicture(String)
    case notText(argument: String)
    case emptyLabel(argument: String)
    case emptyPhrase(label: String, argument: String)
    case namelessPhrases(String)
    case repeatedLabel(String)
    /// More combining marks in a row than ``StreamSafe`` allows: comparing them takes quadratic time.
    case tooManyMarks(String)
    case tooManyLabels(Int)

    package var description: String {
        switch self {
        case .noLabels:
            return "no words to look for; type them after the picture: dog, grass"
        case .onlyPictures(let count):
            return "\(count) pictures and no words to look for; type them after the pictures: dog, grass"
        case .picture(let file):
            return "\(Streams.excerpt(file)) among the words is a picture; pictures come first, then words. "
                + Self.instead(of: file)
        case .noPicture(let file, let what):
            return "\(Streams.excerpt(file)) among the pictures is \(what); leave it out. " + Self.instead(of: file)
        case .missingPicture(let file):
            return "there is no such file. " + Self.instead(of: file)
        case .notText(let argument):
            return "\"\(Streams.excerpt(argument))\" is not UTF-8; type words in it"
        case .emptyLabel(let argument):
            return "a label in \"\(Streams.excerpt(argument))\" is empty; type a word between the commas: dog, grass"
        case .emptyPhrase(let label, let argument):
            let label = Streams.excerpt(label)
            return "a phrase of \"\(label)\" in \"\(Streams.excerpt(argument))\" is empty; "
                + "type \(label)=phrase|phrase, or \(label) alone"
        case .namelessPhrases(let phrases):
            let phrases = Streams.excerpt(phrases)
            return "\"\(phrases)\" are phrases without a name; type name=\(phrases)"
        case .repeatedLabel(let name):
            let name = Streams.excerpt(name)
            return "the label \"\(name)\" is there twice; to say it in several ways type \(name)=phrase|phrase"
        case .tooManyMarks(let words):
            return "\"\(Streams.excerpt(words))\" has over \(StreamSafe.limit) combining marks in a row, the limit; "
                + "leave some out"
        case .tooManyLabels(let count):
            return "\(count) labels are over the limit of \(WordList.labelLimit); ask in several runs"
        }
    }

    /// How to type a file's name as words.
    private static func instead(of file: String) -> String {
        let (directory, name) = PathText.split(file)
        guard let dot = name.utf8.lastIndex(of: UInt8(ascii: ".")) else {
            return "To look for these very words type \(Streams.excerpt(PathText.quoted("\(file)=\(file)")))"
        }
        let words = directory + String(name.unicodeScalars[..<dot]) + "\\" + String(name.unicodeScalars[dot...])
        return "To look for these very words type \(Streams.excerpt(PathText.quoted(words)))"
    }
}
