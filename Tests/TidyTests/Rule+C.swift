/// How the files of C rooms depend on each other.
extension Rule {
    static let includes = Rule(name: "a C file includes its room's headers and what the room may import") { tree in
        tree.files.filter { $0.isSource && $0.isC && !$0.isGenerated }.flatMap { file -> [Offence] in
            // A system library's folder holds a module map and what that includes.
            guard let name = file.room, tree["Sources/\(name)/module.modulemap"] == nil else { return [] }
            guard let room = Room.named(name) else {
                return [Offence(file.path, "no such room", instead: "add its row to Room.all")]
            }
            return file.includes.compactMap { include, line in
                let isAllowed =
                    include.isOwn
                    ? tree.header(include.name, from: file) != nil
                    : library(include.name).map(room.imports.contains) ?? system.contains(include.name)
                return isAllowed
                    ? nil
                    : Offence(
                        file.path, line, "\(name) may not include \(include.name)",
                        instead: "include a header of the room, or of a library that it may import")
            }
        }
    }

    /// Headers of the C library and of the processor, which every room may include.
    private static let system: Set<String> = [
        "cpuid.h", "fcntl.h", "immintrin.h", "malloc.h", "math.h", "pthread.h", "sched.h", "setjmp.h", "stdalign.h",
        "stdatomic.h", "stdbool.h", "stddef.h", "stdint.h", "stdio.h", "stdlib.h", "string.h", "sys/mman.h",
    ]

    /// The system target whose headers lie there; `nil` for others.
    static func library(_ header: String) -> String? {
        let libraries = [
            "cblas.h": "COpenBLAS", "png.h": "CPNG", "jpeglib.h": "CJPEG", "jerror.h": "CJPEG", "webp/": "CWebP",
            "zlib.h": "CZlib", "zstd": "CZstd", "protobuf-c/": "CProtobufC",
        ]
        return libraries.first { header.hasPrefix($0.key) }?.value
    }

    /// Files that include or call each other in a circle can only be read together.
    static let circles = Rule(name: "no files of C lead back to themselves") { tree in
        let files = tree.files.filter { $0.isSource && $0.isC && !$0.isGenerated }
        let homes = files.filter { $0.kind == "c" }.flatMap { file in file.definedFunctions.map { ($0, file.path) } }
        let home = Dictionary(homes) { first, _ in first }
        var next: [String: Set<String>] = [:]
        for file in files {
            let included = file.includes.filter(\.include.isOwn).compactMap { tree.header($0.include.name, from: file) }
            let called = Set(file.calledFunctions).compactMap { home[$0] }
            next[file.path] = Set(included + called.filter { $0 != file.path })
        }
        let reached = next.keys.map { ($0, reachable(from: $0, next)) }
        let circles = Dictionary(uniqueKeysWithValues: reached).filter { $0.value.contains($0.key) }
        return circles.keys.sorted().compactMap { path in
            let others = circles[path, default: []].filter { circles[$0]?.contains(path) == true }.sorted()
            return others.first == path
                ? Offence(
                    path, "\(others.joined(separator: ", ")) need each other",
                    instead: "put what all need in a file below them")
                : nil
        }
    }

    private static func reachable(from start: String, _ next: [String: Set<String>]) -> Set<String> {
        var seen: Set<String> = []
        var waiting = [start]
        while let path = waiting.popLast() {
            for other in next[path, default: []] where seen.insert(other).inserted { waiting.append(other) }
        }
        return seen
    }
}

extension Tree {
    /// The header that a file of C means: beside it, or among those that its room shows to others.
    fileprivate func header(_ name: String, from file: File) -> String? {
        guard let room = file.room else { return nil }
        return ["Sources/\(room)/\(name)", "Sources/\(room)/include/\(name)"].first { self[$0] != nil }
    }
}

extension File {
    /// Each include: whether it stands between quotes, and what stands there.
    var includes: [(include: (isOwn: Bool, name: String), line: Int)] {
        lines.enumerated().compactMap { number, line in
            let words = line.drop { $0 == " " }
            guard words.first == "#", words.dropFirst().drop(while: { $0 == " " }).hasPrefix("include") else {
                return nil
            }
            if let name = line[...].quoted.first { return ((true, name), number + 1) }
            let name = line.drop { $0 != "<" }.dropFirst().prefix { $0 != ">" }
            return ((false, String(name)), number + 1)
        }
    }

    /// The functions defined here that other files can call.
    fileprivate var definedFunctions: [String] {
        functions.compactMap { range in
            let head = code[range.lowerBound - 1]
            guard !head.hasPrefix("static") else { return nil }
            return head.prefix { $0 != "(" }.split { !$0.isLetter && !$0.isNumber && $0 != "_" }.last.map(String.init)
        }
    }

    /// What is called, or handed on, inside of functions.
    fileprivate var calledFunctions: [String] {
        functions.flatMap { range in code[range.lowerBound..<range.upperBound].flatMap(\.identifiers) }
    }
}
