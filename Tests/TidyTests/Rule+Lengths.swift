extension Rule {
    static let fileLength = Rule(name: "no file is longer than 400 lines") { tree in
        tree.files.filter { $0.isHandwritten && $0.lines.count > 400 }.map {
            Offence($0.path, 401, "\($0.lines.count) lines", instead: "split it by idea")
        }
    }

    static let functionLength = Rule(name: "no function is longer than 70 lines") { tree in
        tree.files.filter(\.isHandwritten).flatMap { file in
            file.functions.filter { $0.count > 70 }.map {
                Offence(
                    file.path, $0.lowerBound, "a function of \($0.count) lines",
                    instead: "name its parts")
            }
        }
    }

    static let lineLength = Rule(name: "no line is longer than 120 columns") { tree in
        tree.files.filter(\.isHandwritten).flatMap { file in
            file.lines.enumerated().filter { $0.element.count > 120 }.map {
                Offence(
                    file.path, $0.offset + 1, "\($0.element.count) columns",
                    instead: "break the line")
            }
        }
    }
}

extension File {
    /// The lines of each function, first to last, counted from 1.
    var functions: [ClosedRange<Int>] {
        switch kind {
        case "swift":
            bracedFunctions {
                $0.containsWord("func") || $0.containsWord("deinit") || $0.opensInitializer || $0.opensProperty
            }
        case "go": bracedFunctions { $0.hasPrefix("func ") }
        case "c", "h": bracedFunctions { $0.opensCFunction }
        case "py": indentedFunctions
        default: []
        }
    }

    /// A function begins where `begins` says so and ends with the brace that closes its first one.
    /// A declaration without a body ends at the next declaration or closing brace.
    private func bracedFunctions(begins: (String) -> Bool) -> [ClosedRange<Int>] {
        var found: [ClosedRange<Int>] = []
        var open: [(line: Int, depth: Int)] = []
        var pending: Int?
        var depth = 0
        for (number, line) in code.enumerated() {
            if begins(line) { pending = number + 1 }
            for character in line.utf8 {
                if character == UInt8(ascii: ";") {
                    pending = nil
                } else if character == UInt8(ascii: "{") {
                    if let line = pending { open.append((line, depth)) }
                    pending = nil
                    depth += 1
                } else if character == UInt8(ascii: "}") {
                    pending = nil
                    depth -= 1
                    if let last = open.last, last.depth == depth {
                        found.append(last.line...(number + 1))
                        open.removeLast()
                    }
                }
            }
        }
        return found
    }

    private var indentedFunctions: [ClosedRange<Int>] {
        code.enumerated().compactMap { number, line in
            let indent = line.prefix { $0 == " " }.count
            guard line.dropFirst(indent).hasPrefix("def ") else { return nil }
            let body = code[(number + 1)...].prefix {
                $0.allSatisfy { $0 == " " || $0 == ")" || $0 == ":" }
                    || $0.prefix { $0 == " " }.count > indent
            }
            let last = body.lastIndex { !$0.allSatisfy { $0 == " " } } ?? number
            return (number + 1)...(last + 1)
        }
    }
}

extension String {
    /// `init(`, `init?(` or `init<`, declared rather than called.
    fileprivate var opensInitializer: Bool {
        occurrences(ofWord: "init").contains { !utf8.prefix($0).hasSuffix(".") }
    }

    /// `var name: Type {`, a computed property; what has a value is none.
    fileprivate var opensProperty: Bool {
        guard let brace = firstIndex(of: "{") else { return false }
        let head = String(self[..<brace])
        return head.containsWord("subscript") || (head.containsWord("var") && !head.contains("="))
    }

    /// C functions stand at the margin; what else stands there is no call.
    fileprivate var opensCFunction: Bool {
        guard let first = utf8.first, contains("("), !contains(";"), !contains("=") else {
            return false
        }
        return first.isWord && !hasPrefix("typedef")
    }
}

extension Substring.UTF8View {
    fileprivate func hasSuffix(_ mark: String) -> Bool {
        suffix(mark.utf8.count).elementsEqual(mark.utf8)
    }
}
