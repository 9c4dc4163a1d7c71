import FoundationEssentials
import Support

/// One file of the repository: where it lies, what it says, how big it is.
struct File: Sendable {
    /// Relative to the repository's root, `/` between the parts.
    let path: String
    let byteCount: Int
    /// None for a file that nobody wrote by hand.
    let lines: [String]
    /// The lines with comments and string literals replaced by blanks.
    let code: [String]

    init(path: String, text: String, byteCount: Int? = nil) {
        self.path = path
        self.byteCount = byteCount ?? text.utf8.count
        self.lines = text.splitLines
        self.code = CodeText.blanked(text, as: CodeText.Language(path: path)).splitLines
    }

    var name: String { path.split(separator: "/").last.map(String.init) ?? path }
    var kind: String {
        name.split(separator: ".", omittingEmptySubsequences: false).last.map(String.init) ?? ""
    }
    /// The target the file belongs to: the folder below `Sources` or `Tests`.
    var room: String? {
        let parts = path.split(separator: "/")
        return parts.count > 2 && (parts[0] == "Sources" || parts[0] == "Tests")
            ? String(parts[1]) : nil
    }
    var isSource: Bool { path.hasPrefix("Sources/") }
    var isTest: Bool { path.hasPrefix("Tests/") && !path.hasPrefix("Tests/Fixtures/") }
    var isC: Bool { kind == "c" || kind == "h" }
    var isGenerated: Bool { name.contains(".pb-c.") }
    /// Written by hand in a programming language, so held to lengths and words.
    var isHandwritten: Bool {
        ["swift", "c", "h", "py", "go", "sh"].contains(kind) && !isGenerated
    }
    /// Whatever people write here: code, units, schemas, manuals.
    var isProse: Bool {
        isHandwritten || ["proto", "md", "service", "socket", "Makefile", "run"].contains(kind)
    }
}

/// The repository, or a small one written inside a test.
struct Tree: Sendable {
    let files: [File]

    init(_ texts: [String: String]) {
        files = texts.sorted { $0.key < $1.key }.map { File(path: $0.key, text: $0.value) }
    }

    init(files: [File]) { self.files = files }

    subscript(path: String) -> File? { files.first { $0.path == path } }

    /// A file or a folder of this name exists.
    func holds(_ path: String) -> Bool {
        let folder = path.hasSuffix("/") ? path : path + "/"
        return files.contains { $0.path == path || $0.path.hasPrefix(folder) }
    }

    /// What git keeps or would keep: ignored files are nobody's business.
    static func repository() throws -> Tree {
        let root = Repository.root
        let list = shell("git -c safe.directory='*' -C '\(root)' ls-files -z -co --exclude-standard")
        guard list.status == 0 else {
            throw TreeError(message: "git ls-files in \(root): \(list.output)")
        }
        let paths = Set(list.output.split(separator: "\0").map(String.init))
        return Tree(files: paths.sorted().compactMap(read))
    }

    /// Nothing for a file that git remembers and the disk does not.
    private static func read(_ path: String) -> File? {
        guard let bytes = FileManager.default.contents(atPath: Repository.root + "/" + path) else {
            return nil
        }
        let isWritten = File(path: path, text: "").isProse
        let text = isWritten ? String(decoding: bytes, as: UTF8.self) : ""
        return File(path: path, text: text, byteCount: bytes.count)
    }
}

struct TreeError: Error { let message: String }

extension String {
    /// Lines without their ends; a last empty line is not a line.
    var splitLines: [String] {
        var lines = split(separator: "\n", omittingEmptySubsequences: false).map(String.init)
        if lines.last == "" { lines.removeLast() }
        return lines
    }
}
