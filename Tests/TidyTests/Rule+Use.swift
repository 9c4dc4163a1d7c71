extension Rule {
    /// A test holds a function of `CKernels` by naming it; one behind a Swift face by reaching a
    /// type that calls it.
    static let kernels = Rule(name: "each C function is called by the house and held by a test") {
        tree in
        let tests = tree.files.filter { $0.isTest && $0.room != "TidyTests" }
        let named = Set(tests.flatMap(\.testedNames))
        let behindFaces = Set(tree.faces(reachedFrom: named).flatMap(\.kernelCalls))
        let called = Set(tree.files.filter(\.isSource).flatMap(\.kernelCalls))
        return tree.files.filter(\.declaresKernels).flatMap { header in
            header.declaredKernels.flatMap { name, line in
                let isBehindFace = header.room != "CKernels" && behindFaces.contains(name)
                var offences: [Offence] = []
                if !named.contains(name) && !isBehindFace {
                    offences.append(
                        Offence(header.path, line, "\(name) has no test", instead: "write one"))
                }
                if !called.contains(name) {
                    offences.append(
                        Offence(header.path, line, "\(name) is never called", instead: "delete it"))
                }
                return offences
            }
        }
    }

    static let bounds = Rule(name: "each bound is named by a test") { tree in
        guard let table = tree["Sources/Limits/Limit.swift"] else { return [] }
        let tests = tree.files.filter { $0.isTest && $0.kind == "swift" && $0.room != "TidyTests" }
        let named = Set(tests.flatMap { $0.code.flatMap(\.identifiers) })
        return table.code.enumerated().flatMap { index, line -> [Offence] in
            let words = line.identifiers
            guard let place = words.firstIndex(of: "let"), place + 1 < words.count,
                !named.contains(words[place + 1])
            else { return [] }
            return [
                Offence(
                    table.path, index + 1, "\(words[place + 1]) has no test", instead: "reach it, and pass it by one")
            ]
        }
    }

    static let fuzzed = Rule(name: "each message of the wire is decoded by a fuzzer, too") { tree in
        guard let fuzzer = tree["Tests/Fuzz/Targets/Messages.swift"] else { return [] }
        let named = Set(fuzzer.code.flatMap(\.identifiers))
        return tree.files.filter { $0.room == "RPC" && $0.isSource }.flatMap { file in
            file.code.enumerated().compactMap { number, line -> Offence? in
                let words = line.identifiers
                // One that is private is a part of another.
                guard words.contains("PackedMessage"), words.contains("unsafe"), !words.contains("private"),
                    let type = words.first(where: { $0.first?.isUppercase == true }), !named.contains(type)
                else { return nil }
                return Offence(file.path, number + 1, "\(type) is not fuzzed", instead: "add it to Messages.all, last")
            }
        }
    }

    static let deadRooms = Rule(name: "each file with types has one that another file mentions") { tree in
        let sources = tree.files.filter { $0.isSource && $0.kind == "swift" }
        let mentions = sources.map { ($0.path, Set($0.code.flatMap(\.identifiers))) }
        return sources.flatMap { file -> [Offence] in
            let types = file.types.filter(\.isOpen)
            let isMentioned = mentions.contains { path, words in
                path != file.path && types.contains { words.contains($0.name) }
            }
            guard let first = types.first, !isMentioned else { return [] }
            return [
                Offence(
                    file.path, first.line, "\(first.name) is mentioned in no other file of Sources",
                    instead: "make it private, or delete it")
            ]
        }
    }
}

extension Tree {
    /// The Swift sources whose types these words name, and those that they name in turn.
    fileprivate func faces(reachedFrom words: Set<String>) -> [File] {
        var waiting = files.filter { $0.isSource && $0.kind == "swift" }
        var reached: [File] = []
        var words = words
        while true {
            let next = waiting.filter {
                !words.isDisjoint(with: $0.types.map(\.name) + $0.extensions)
            }
            if next.isEmpty { return reached }
            reached += next
            words = Set(next.flatMap { $0.code.flatMap(\.identifiers) })
            let paths = Set(next.map(\.path))
            waiting.removeAll { paths.contains($0.path) }
        }
    }
}

extension File {
    fileprivate var declaresKernels: Bool { isSource && path.contains("/include/") && !isGenerated }

    fileprivate var declaredKernels: [(name: String, line: Int)] {
        code.enumerated().flatMap { number, line in
            line.identifiers.filter { $0.hasPrefix("dseg_") && line.containsWord($0 + "(") }.map {
                ($0, number + 1)
            }
        }
    }

    fileprivate var kernelNames: [String] {
        code.flatMap(\.identifiers).filter { $0.hasPrefix("dseg_") }
    }

    /// What a test names: in its code, or in its own name between backquotes.
    fileprivate var testedNames: [String] {
        lines.indices.flatMap { line in
            code[line].identifiers
                + (code[line].containsWord("func") ? lines[line].identifiers : [])
        }
    }

    /// In Swift every mention is a use; in C what stands inside braces is, and a macro's body.
    fileprivate var kernelCalls: [String] {
        guard isC else { return kind == "swift" ? kernelNames : [] }
        var depth = 0
        return code.flatMap { line -> [String] in
            let isInside = depth > 0 || line.hasPrefix("#define")
            let body = isInside ? line : String(line.drop { $0 != "{" })
            depth += line.count { $0 == "{" } - line.count { $0 == "}" }
            return body.identifiers.filter { $0.hasPrefix("dseg_") }
        }
    }

    /// Types that the file extends at the margin.
    fileprivate var extensions: [String] {
        code.filter { $0.hasPrefix("extension ") }.compactMap { $0.identifiers.dropFirst().first }
    }

    /// Types declared at the margin, the program itself excepted; a private one is not open.
    fileprivate var types: [(name: String, line: Int, isOpen: Bool)] {
        let kinds = ["struct", "class", "enum", "actor", "protocol"]
        let others = ["let", "var", "func", "extension", "import", "main"]
        return code.enumerated().compactMap { number, line in
            guard let first = line.utf8.first, first.isWord || first == UInt8(ascii: "@") else {
                return nil
            }
            let words = line.identifiers
            guard let place = words.firstIndex(where: kinds.contains), place + 1 < words.count,
                words[..<place].allSatisfy({ !others.contains($0) }),
                number == 0 || !code[number - 1].hasPrefix("@main")
            else { return nil }
            let isOpen =
                !words[..<place].contains("private") && !words[..<place].contains("fileprivate")
            return (words[place + 1], number + 1, isOpen)
        }
    }
}
