extension Rule {
    static let kernels = Rule(name: "each C function is called by the house and named by a test") { tree in
        let tested = Set(tree.files.filter { $0.isTest && $0.room != "TidyTests" }.flatMap(\.kernelNames))
        let called = Set(tree.files.filter(\.isSource).flatMap(\.kernelCalls))
        return tree.files.filter { $0.isSource && $0.path.contains("/include/") }.flatMap { header in
            header.code.enumerated().flatMap { number, line in
                line.identifiers.filter { $0.hasPrefix("dseg_") && line.containsWord($0 + "(") }.flatMap { name in
                    (tested.contains(name) ? [] : [
                        Offence(header.path, number + 1, "\(name) is not tested", instead: "name it in a test")
                    ]) + (called.contains(name) ? [] : [
                        Offence(header.path, number + 1, "\(name) is never called", instead: "delete it")
                    ])
                }
            }
        }
    }

    static let deadRooms = Rule(name: "each type is mentioned outside its own file") { tree in
        let sources = tree.files.filter { $0.isSource && $0.kind == "swift" }
        let mentions = sources.map { ($0.path, Set($0.code.flatMap(\.identifiers))) }
        return sources.flatMap { file in
            file.openTypes.filter { type in
                !mentions.contains { $0.0 != file.path && $0.1.contains(type.name) }
            }.map {
                Offence(
                    file.path, $0.line, "\($0.name) is mentioned in no other file of Sources",
                    instead: "make it private, or delete it")
            }
        }
    }
}

extension File {
    fileprivate var kernelNames: [String] {
        code.flatMap(\.identifiers).filter { $0.hasPrefix("dseg_") }
    }

    /// In Swift every mention is a use; in C the ones inside braces are, and a macro's body.
    fileprivate var kernelCalls: [String] {
        guard isC else { return kind == "swift" ? kernelNames : [] }
        var depth = 0
        return code.flatMap { line -> [String] in
            let inside = depth > 0 || line.hasPrefix("#define") || line.contains("{")
            depth += line.utf8.reduce(0) {
                $0 + ($1 == UInt8(ascii: "{") ? 1 : $1 == UInt8(ascii: "}") ? -1 : 0)
            }
            guard inside, !(line.hasPrefix("extern") && line.contains("{")) else { return [] }
            return line.identifiers.filter { $0.hasPrefix("dseg_") }
        }
    }

    /// Types declared at the margin, neither private nor the program itself.
    fileprivate var openTypes: [(name: String, line: Int)] {
        let kinds = ["struct", "class", "enum", "actor", "protocol"]
        return code.enumerated().compactMap { number, line in
            guard let first = line.utf8.first, first.isWord || first == UInt8(ascii: "@") else { return nil }
            let words = line.identifiers
            guard let place = words.firstIndex(where: kinds.contains), place + 1 < words.count,
                words[..<place].allSatisfy({ !["private", "fileprivate", "main", "import"].contains($0) }),
                words[..<place].allSatisfy({ $0 != "let" && $0 != "var" && $0 != "func" && $0 != "extension" }),
                number == 0 || !code[number - 1].hasPrefix("@main")
            else { return nil }
            return (words[place + 1], number + 1)
        }
    }
}
