extension Rule {
    static let kernels = Rule(name: "each C function is called by the house and held by a test") { tree in
        let tests = tree.files.filter { $0.isTest && $0.room != "TidyTests" }
        let named = Set(tests.flatMap(\.testedNames))
        let swift = tree.files.filter { $0.isSource && $0.kind == "swift" }
        let faces = swift.filter { $0.types.contains { named.contains($0.name) } }
        let behindFaces = Set(faces.flatMap(\.kernelCalls))
        let called = Set(tree.files.filter(\.isSource).flatMap(\.kernelCalls))
        return tree.files.filter(\.declaresKernels).flatMap { header in
            header.declaredKernels.flatMap { name, line -> [Offence] in
                let isHeld = named.contains(name) || (header.room != "CKernels" && behindFaces.contains(name))
                let untested = isHeld ? [] : [
                    Offence(header.path, line, "\(name) is not tested", instead: "name it in a test")
                ]
                return untested + (called.contains(name) ? [] : [
                    Offence(header.path, line, "\(name) is never called", instead: "delete it")
                ])
            }
        }
    }

    static let deadRooms = Rule(name: "each type is mentioned outside its own file") { tree in
        let sources = tree.files.filter { $0.isSource && $0.kind == "swift" }
        let mentions = sources.map { ($0.path, Set($0.code.flatMap(\.identifiers))) }
        return sources.flatMap { file in
            file.types.filter { type in
                type.isOpen && !mentions.contains { $0.0 != file.path && $0.1.contains(type.name) }
            }.map {
                Offence(
                    file.path, $0.line, "\($0.name) is mentioned in no other file of Sources",
                    instead: "make it private, or delete it")
            }
        }
    }
}

extension File {
    fileprivate var declaresKernels: Bool { isSource && path.contains("/include/") && !isGenerated }

    fileprivate var declaredKernels: [(name: String, line: Int)] {
        code.enumerated().flatMap { number, line in
            line.identifiers.filter { $0.hasPrefix("dseg_") && line.containsWord($0 + "(") }.map { ($0, number + 1) }
        }
    }

    fileprivate var kernelNames: [String] {
        code.flatMap(\.identifiers).filter { $0.hasPrefix("dseg_") }
    }

    /// What a test names: in its code, or in its own name between backquotes.
    fileprivate var testedNames: [String] {
        lines.indices.flatMap { line in
            code[line].identifiers + (code[line].containsWord("func") ? lines[line].identifiers : [])
        }
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

    /// Types declared at the margin, the program itself excepted; a private one is not open.
    fileprivate var types: [(name: String, line: Int, isOpen: Bool)] {
        let kinds = ["struct", "class", "enum", "actor", "protocol"]
        let others = ["let", "var", "func", "extension", "import", "main"]
        return code.enumerated().compactMap { number, line in
            guard let first = line.utf8.first, first.isWord || first == UInt8(ascii: "@") else { return nil }
            let words = line.identifiers
            guard let place = words.firstIndex(where: kinds.contains), place + 1 < words.count,
                words[..<place].allSatisfy({ !others.contains($0) }),
                number == 0 || !code[number - 1].hasPrefix("@main")
            else { return nil }
            let isOpen = !words[..<place].contains("private") && !words[..<place].contains("fileprivate")
            return (words[place + 1], number + 1, isOpen)
        }
    }
}
