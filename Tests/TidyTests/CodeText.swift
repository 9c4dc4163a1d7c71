/// Blanks out what is not code, so that a rule about code never reads prose. It is no parser: it
/// knows comments, string literals with their interpolations, and raw identifiers, nothing else.
struct CodeText {
    enum Language {
        case swift, c, go, python, other

        init(path: String) {
            switch path.split(separator: ".").last {
            case "swift": self = .swift
            case "c", "h": self = .c
            case "go": self = .go
            case "py": self = .python
            default: self = .other
            }
        }
    }

    /// The text with every byte of a comment or literal a blank, newlines kept. The name between
    /// backquotes becomes underscores, for in Swift it is an identifier.
    static func blanked(_ text: String, as language: Language) -> String {
        guard language != .other else { return text }
        var scanner = CodeText(bytes: Array(text.utf8), language: language)
        scanner.scanCode(untilParenthesis: false)
        return String(decoding: scanner.bytes, as: UTF8.self)
    }

    private var bytes: [UInt8]
    private let language: Language
    private var position = 0

    private init(bytes: [UInt8], language: Language) {
        self.bytes = bytes
        self.language = language
    }

    private func starts(with mark: String) -> Bool {
        bytes[position...].starts(with: mark.utf8)
    }

    private mutating func blank(_ count: Int, with fill: Character = " ") {
        for _ in 0..<count where position < bytes.count {
            if bytes[position] != UInt8(ascii: "\n") { bytes[position] = fill.asciiValue ?? 32 }
            position += 1
        }
    }

    /// Inside an interpolation the scan ends at the parenthesis that closes it.
    private mutating func scanCode(untilParenthesis: Bool) {
        var depth = 0
        while position < bytes.count {
            if skipComment() || skipLiteral() { continue }
            if untilParenthesis, bytes[position] == UInt8(ascii: ")") {
                if depth == 0 { return }
                depth -= 1
            }
            if bytes[position] == UInt8(ascii: "(") { depth += 1 }
            position += 1
        }
    }

    private mutating func skipComment() -> Bool {
        if starts(with: language == .python ? "#" : "//") {
            while position < bytes.count, bytes[position] != UInt8(ascii: "\n") { blank(1) }
            return true
        }
        guard language != .python, starts(with: "/*") else { return false }
        var depth = 0
        repeat {
            if starts(with: "/*"), language == .swift || depth == 0 {
                depth += 1
                blank(2)
            } else if starts(with: "*/") {
                depth -= 1
                blank(2)
            } else {
                blank(1)
            }
        } while depth > 0 && position < bytes.count
        return true
    }

    private mutating func skipLiteral() -> Bool {
        if bytes[position] == UInt8(ascii: "`"), language != .c {
            blank(1, with: "_")
            while position < bytes.count, bytes[position] != UInt8(ascii: "`") {
                blank(1, with: "_")
            }
            blank(1, with: "_")
            return true
        }
        let hashes =
            language == .swift ? bytes[position...].prefix { $0 == UInt8(ascii: "#") }.count : 0
        let quote = position + hashes
        guard quote < bytes.count else { return false }
        let mark = Character(UnicodeScalar(bytes[quote]))
        guard mark == "\"" || (mark == "'" && language != .swift) else { return false }
        let triple = String(repeating: mark, count: 3)
        let isLong =
            (language == .swift || language == .python)
            && bytes[quote...].starts(with: triple.utf8)
        let fence = String(repeating: "#", count: hashes)
        let end = (isLong ? triple : String(mark)) + fence
        blank(hashes + (isLong ? 3 : 1))
        skipString(until: end, escape: "\\" + fence, mayBreak: isLong)
        return true
    }

    private mutating func skipString(until end: String, escape: String, mayBreak: Bool) {
        while position < bytes.count, !starts(with: end) {
            if !mayBreak, bytes[position] == UInt8(ascii: "\n") { return }
            if language == .swift, starts(with: escape + "(") {
                blank(escape.utf8.count)
                position += 1
                scanCode(untilParenthesis: true)
                position = min(position + 1, bytes.count)
            } else {
                blank(starts(with: escape) ? escape.utf8.count + 1 : 1)
            }
        }
        blank(end.utf8.count)
    }
}
