/// A target of `Sources` and all that it may import. Downwards only.
struct Room: Sendable {
    let name: String
    let imports: Set<String>

    init(_ name: String, _ imports: [String]) {
        self.name = name
        self.imports = Set(imports)
    }

    private static let network = ["NIOCore", "NIOPosix", "Logging"]
    private static let tool = ["ArgumentParser", "FoundationEssentials"]

    static let all: [Room] = [
        Room("Limits", []),
        Room("Texts", ["Limits"]),
        Room("CKernels", ["COpenBLAS"]),
        Room("Kernels", ["CKernels", "CXXHash"]),
        Room("Networks", ["Kernels", "Texts", "FoundationEssentials"]),
        Room("CImages", ["CPNG", "CJPEG", "CWebP", "CZlib"]),
        Room("Images", ["Limits", "CImages", "CPNG", "CJPEG", "CWebP", "CZlib"]),
        Room("Segmentation", ["Limits", "Networks", "Kernels", "Images", "Texts", "FoundationEssentials"]),
        Room("Models", ["Segmentation", "Networks", "Kernels", "Texts", "FoundationEssentials"]),
        Room("CMessages", ["CProtobufC"]),
        Room("RPC", ["Limits", "Texts", "CMessages", "CProtobufC", "CZstd"]),
        Room("Results", ["Limits", "Images", "RPC", "Texts"] + tool),
        Room("Evaluation", ["Limits", "Results", "Images", "RPC", "Texts"] + tool),
        Room("Server", ["Limits", "RPC", "Segmentation", "Images", "Texts"] + network),
        Room("ServiceManager", ["Networks", "Results", "RPC", "Logging"]),
        Room(
            "LocalEngine",
            [
                "Models", "Server", "Segmentation", "Networks", "Kernels", "Images", "Results", "RPC", "Texts",
                "ArgumentParser",
            ]),
        Room(
            "dsegd",
            [
                "Limits", "LocalEngine", "Models", "Server", "ServiceManager", "Segmentation", "Results", "RPC",
                "Texts",
                "ArgumentParser", "Logging",
            ]),
        Room(
            "Benchmarks",
            ["Limits", "LocalEngine", "Server", "Segmentation", "Networks", "Kernels", "Results", "RPC", "Images"]
                + tool),
        Room("Verification", ["LocalEngine", "Segmentation", "Networks", "Kernels", "Results", "Images"] + tool),
        Room("dseg-bench", ["Benchmarks", "Verification", "Results", "RPC", "ArgumentParser"]),
        Room("dseg", ["Evaluation", "Results", "RPC", "Texts", "ArgumentParser"]),
    ]

    static let programs = ["dseg", "dsegd", "dseg-bench"]

    /// Part of the language and the C library: every room stands on them.
    static let ground: Set<String> = ["Glibc", "Musl", "Synchronization", "Swift"]

    static func named(_ name: String) -> Room? { all.first { $0.name == name } }
}

extension Rule {
    static let imports = Rule(name: "a room imports only what stands below it") { tree in
        tree.files.filter { $0.isSource && $0.kind == "swift" }.flatMap { file -> [Offence] in
            guard let name = file.room, let room = Room.named(name) else {
                return [Offence(file.path, "no such room", instead: "add its row to Room.all")]
            }
            let allowed = room.imports.union(Room.ground)
            return file.importedModules.filter { !allowed.contains($0.module) }.map {
                Offence(
                    file.path, $0.line, "\(name) may not import \($0.module)",
                    instead: "move the code to a room that may, or pass a value down")
            }
        }
    }

    static let tested = Rule(name: "each folder of tests is a target") { tree in
        guard let manifest = tree["Package.swift"] else { return [] }
        let declared = Set(manifest.lines.flatMap { $0[...].quoted })
        let folders = Set(tree.files.filter { $0.kind == "swift" && $0.isTest }.compactMap(\.room))
            // A package of its own says itself what it builds.
            .filter { !tree.holds("Tests/\($0)/Package.swift") }
        return folders.filter { !declared.contains($0) && !declared.contains("Tests/\($0)") }.sorted().map {
            Offence("Package.swift", "no target runs \($0)", instead: "declare a .testTarget of that name or path")
        }
    }

    static let manifest = Rule(name: "Package.swift declares what the rooms import, and no more") {
        tree in
        guard let file = tree["Package.swift"] else { return [] }
        return file.declaredTargets.flatMap { target -> [Offence] in
            guard let room = Room.named(target.name) else { return unusedByTests(target, tree) }
            let excess = target.dependencies.subtracting(room.imports).sorted().map {
                Offence(
                    file.path, target.line, "\(target.name) may not depend on \($0)",
                    instead: "remove the dependency")
            }
            let sources = tree.files.filter { $0.isSource && $0.room == target.name }
            let modules =
                sources.filter { $0.kind == "swift" }.flatMap(\.importedModules).map(\.module)
                + sources.filter(\.isC).flatMap(\.includes).compactMap { Rule.library($0.include.name) }
            let undeclared = Set(modules).intersection(room.imports)
                .subtracting(target.dependencies).subtracting(["FoundationEssentials"])
            let accidents = undeclared.sorted().map {
                Offence(
                    file.path, target.line, "\(target.name) imports \($0) by accident",
                    instead: "declare the dependency")
            }
            return excess + accidents + unused(target, modules)
        }
    }

    /// A test target may depend on anything, and on a program so that it is built, but on no library for nothing.
    private static func unusedByTests(_ target: DeclaredTarget, _ tree: Tree) -> [Offence] {
        let files = tree.files.filter { $0.isTest && $0.kind == "swift" && $0.room == target.folder }
        return unused(target, files.flatMap(\.importedModules).map(\.module) + Room.programs)
    }

    private static func unused(_ target: DeclaredTarget, _ modules: [String]) -> [Offence] {
        target.dependencies.subtracting(modules).sorted().map {
            Offence(
                "Package.swift", target.line, "no file of \(target.name) imports \($0)",
                instead: "remove the dependency")
        }
    }
}

/// A target of the manifest, and the names of its dependencies.
struct DeclaredTarget {
    let name: String
    /// The last part of its path, which is its name unless the manifest says another.
    let folder: String
    let line: Int
    let dependencies: Set<String>
}

extension File {
    /// Each `import`, whatever stands before it: `package`, `@testable`, `struct`.
    var importedModules: [(module: String, line: Int)] {
        code.enumerated().compactMap { number, line in
            let words = line.split(whereSeparator: { " \t;".contains($0) })
            guard let place = words.firstIndex(of: "import"), place + 1 < words.count,
                words[..<place].allSatisfy({ $0.hasPrefix("@") || Self.access.contains(String($0)) }
                )
            else { return nil }
            let kinds = ["struct", "class", "enum", "protocol", "func", "var", "let", "typealias"]
            let name = words[(place + 1)...].first { !kinds.contains(String($0)) } ?? ""
            return (String(name.prefix { $0 != "." }), number + 1)
        }
    }

    private static let access = ["package", "public", "internal", "private", "fileprivate"]

    /// The targets a manifest declares.
    var declaredTargets: [DeclaredTarget] {
        let marks = [".target(", ".executableTarget(", ".testTarget("]
        return lines.enumerated().compactMap { number, line in
            guard marks.contains(where: { line.contains($0) }) else { return nil }
            let rest = lines[number...].joined(separator: "\n")
            guard let start = rest.firstRange(of: "arget("),
                let name = rest[start.upperBound...].quoted.first
            else { return nil }
            let body = rest[start.upperBound...].enclosed(by: "(", ")")
            let path = body.firstRange(of: "path: ").flatMap { body[$0.upperBound...].quoted.first } ?? name
            let folder = path.split(separator: "/").last.map(String.init) ?? name
            guard let list = body.firstRange(of: "dependencies: [") else {
                return DeclaredTarget(name: name, folder: folder, line: number + 1, dependencies: [])
            }
            let entries = body[list.upperBound...].enclosed(by: "[", "]")
            let packages = entries.split(separator: "package: ").dropFirst().compactMap {
                $0.quoted.first
            }
            return DeclaredTarget(
                name: name, folder: folder, line: number + 1, dependencies: Set(entries.quoted).subtracting(packages))
        }
    }
}

extension Substring {
    /// The literals between plain quotes.
    var quoted: [String] {
        split(separator: "\"", omittingEmptySubsequences: false).enumerated()
            .filter { $0.offset % 2 == 1 }.map { String($0.element) }
    }

    /// What stands before the bracket that closes one already open.
    func enclosed(by open: Character, _ close: Character) -> Substring {
        var depth = 1
        for index in indices {
            if self[index] == open { depth += 1 }
            if self[index] == close { depth -= 1 }
            if depth == 0 { return self[..<index] }
        }
        return self
    }
}
