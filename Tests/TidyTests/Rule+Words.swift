/// A word or a call that has no place in the house, with what stands in its stead.
struct Banned: Sendable {
    enum Place {
        /// Outside comments and literals.
        case code
        /// Anywhere, in any case of letters; "no longer than" is a length, not a history.
        case prose
        /// Anywhere, spelled exactly so.
        case text
    }

    let word: String
    let place: Place
    let instead: String
    let applies: @Sendable (File) -> Bool

    init(
        _ word: String, in place: Place, instead: String,
        of applies: @escaping @Sendable (File) -> Bool = { _ in true }
    ) {
        self.word = word
        self.place = place
        self.instead = instead
        self.applies = applies
    }

    static let all: [Banned] =
        calls
        + ["TODO", "FIXME", "XXX", "HACK"].map {
            Banned($0, in: .text, instead: "do it, or open an issue")
        }
        + ["for now", "previously", "no longer", "legacy"].map {
            Banned($0, in: .prose, instead: "say how things are; history lives in git")
        }

    private static let calls: [Banned] = [
        Banned("print(", in: .code, instead: "return the text or log it", of: isLibrary),
        Banned(
            "exit(", in: .code, instead: "throw, and let the program choose its exit code",
            of: isLibrary),
        Banned("try!", in: .code, instead: "throw", of: isSwift),
        Banned("as!", in: .code, instead: "match with as? or switch", of: isSwift),
        Banned("fatalError", in: .code, instead: "precondition, with words", of: isSwift),
        Banned("DispatchQueue", in: .code, instead: "the engine's thread", of: isSwift),
        Banned(
            "fork(", in: .code, instead: "posix_spawn: OpenBLAS's threads and ours are not copied to the child",
            of: { $0.isSource }),
        Banned("malloc(", in: .code, instead: "scratch passed in by the caller", of: isKernel),
        Banned("calloc(", in: .code, instead: "scratch passed in by the caller", of: isKernel),
        Banned("alloca(", in: .code, instead: "scratch passed in by the caller", of: isKernel),
        Banned("-ffast-math", in: .text, instead: "-ffp-contract=fast alone"),
    ]

    private static let isSwift: @Sendable (File) -> Bool = { $0.kind == "swift" }
    private static let isKernel: @Sendable (File) -> Bool = { $0.room == "CKernels" }
    private static let isLibrary: @Sendable (File) -> Bool = {
        $0.isSource && $0.kind == "swift" && !Room.programs.contains($0.room ?? "")
    }

    /// The lines of `file`, from 1, on which the word stands.
    func lines(of file: File) -> [Int] {
        guard applies(file) else { return [] }
        let lines =
            switch place {
            case .code: file.code
            case .text: file.lines
            case .prose: file.lines.map { $0.lowercased().replacing("no longer than", with: "") }
            }
        return lines.indices.filter { lines[$0].containsWord(word) }.map { $0 + 1 }
    }
}

extension Rule {
    static let words = Rule(name: "a banned word or call has a replacement") { tree in
        tree.files.filter { $0.isProse && $0.room != "TidyTests" }.flatMap { file in
            Banned.all.flatMap { banned in
                banned.lines(of: file).map {
                    Offence(file.path, $0, "\"\(banned.word)\"", instead: banned.instead)
                }
            }
        }
    }

    static let forcedUnwraps = Rule(name: "nothing is unwrapped by force") { tree in
        tree.files.filter { $0.kind == "swift" }.flatMap { file in
            file.code.enumerated().filter { $0.element.unwrapsByForce }.map {
                Offence(
                    file.path, $0.offset + 1, "a forced unwrap",
                    instead: "guard let, or try #require")
            }
        }
    }

    static let uncheckedSendable = Rule(name: "one type at most is @unchecked Sendable") { tree in
        let places = tree.files.filter { $0.isSource && $0.kind == "swift" }.flatMap { file in
            file.code.enumerated().filter { $0.element.containsWord("@unchecked") }.map {
                (file.path, $0.offset + 1)
            }
        }
        return places.dropFirst().map {
            Offence(
                $0.0, $0.1, "another @unchecked Sendable", instead: "a value, an actor or a Mutex")
        }
    }

    static let vagueNames = Rule(name: "a name says what its thing is") { tree in
        let endings = [
            "Utils", "Utilities", "Helper", "Helpers", "Manager", "Common", "Extensions",
        ]
        let marks = ["_new", "_old", "_v2", "V2"]
        return tree.files.filter { $0.isHandwritten && $0.room != "TidyTests" }.flatMap { file in
            let stem = (name: String(file.name.prefix { $0 != "." }), line: 0)
            return ([stem] + file.declaredNames).filter { name, _ in
                (endings.contains { name.hasSuffix($0) } && name.first?.isUppercase == true)
                    || marks.contains { name.hasSuffix($0) }
            }.map {
                Offence(
                    file.path, $0.line, "the name \($0.name)", instead: "name the one thing it does"
                )
            }
        }
    }

    static let commentedOutCode = Rule(name: "no code sleeps in a comment") { tree in
        tree.files.filter(\.isHandwritten).flatMap { file in
            file.lines.enumerated().filter { $0.element.isSleepingCode(in: file.kind) }.map {
                Offence(
                    file.path, $0.offset + 1, "commented-out code",
                    instead: "delete it; git remembers")
            }
        }
    }
}

extension File {
    /// Names of our own making: what others call their things is not for us to say.
    fileprivate var declaredNames: [(name: String, line: Int)] {
        let keywords = [
            "struct", "class", "enum", "actor", "protocol", "typealias", "func", "let", "var",
            "case",
        ]
        return code.enumerated().flatMap { number, line in
            let words = line.identifiers
            return words.indices.filter { place in
                place > 0 && keywords.contains(words[place - 1])
                    || isC && words[place].hasPrefix("dseg_")
            }.map { (words[$0], number + 1) }
        }
    }
}

extension String {
    /// A `!` behind a value and not part of `!=`. `try!` and `as!` are banned by name.
    fileprivate var unwrapsByForce: Bool {
        let text = Array(utf8)
        return text.indices.dropFirst().contains { index in
            guard text[index] == UInt8(ascii: "!") else { return false }
            let before = text[index - 1]
            let value = before.isWord || before == UInt8(ascii: ")") || before == UInt8(ascii: "]")
            let unequal = index + 1 < text.count && text[index + 1] == UInt8(ascii: "=")
            let word = String(decoding: text[..<index], as: UTF8.self).identifiers.last
            return value && !unequal && !(before.isWord && (word == "try" || word == "as"))
        }
    }

    /// A comment that a compiler would take: it ends as a statement or opens a block.
    fileprivate func isSleepingCode(in kind: String) -> Bool {
        let line = drop { $0 == " " || $0 == "\t" }
        let mark = kind == "py" || kind == "sh" ? "#" : "//"
        guard line.hasPrefix(mark) else { return false }
        let words = line.drop { $0 == "/" || $0 == "#" || $0 == " " || $0 == "!" }
        let ended = words.hasSuffix(";") && (words.contains("(") || words.contains("="))
        let opened = words.hasSuffix(" {") || words.hasSuffix("){")
        let declared = (words.hasPrefix("let ") || words.hasPrefix("var ")) && words.contains(" = ")
        return ended || opened || declared
    }
}
