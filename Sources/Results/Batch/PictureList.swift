import Glibc
import RPC
import Texts

/// One of many pictures.
struct ListedPicture: Sendable {
    let path: String
    /// Where its files lie below the folder of all; "" for that itself.
    let folder: String
    /// Whether it was found in a folder, and not named.
    let isFound: Bool
}

/// The pictures that a run over many is about, in order, each once.
struct PictureList {
    private(set) var pictures: [ListedPicture] = []
    /// How many files of folders were left out as no pictures that can be read, by their extensions.
    private(set) var others: [String: Int] = [:]
    private var known: Set<ExactString> = []

    /// - Parameter arguments: pictures, folders, and patterns of glob(3)
    /// - Throws: `FileError` for what is none of them
    init(of arguments: [String]) throws {
        for argument in arguments {
            if FileStatus(argument)?.isFolder == true {
                addFolder(argument, below: "")
            } else if FileStatus(argument) != nil || !Self.isPattern(argument) {
                add(argument, below: "", isFound: false)
            } else {
                try addMatches(of: argument)
            }
        }
        if pictures.isEmpty { throw BatchError.noPictures(others: others) }
    }

    /// - Parameters:
    ///   - file: of names; "-" is standard input
    ///   - separator: after each name
    init(listedIn file: String, separatedBy separator: UInt8) throws {
        let names = try InputFile.bytes(at: file).split(separator: separator)
        for (place, name) in names.enumerated() {
            let path = PathText.text(of: name.last == UInt8(ascii: "\r") && separator != 0 ? name.dropLast() : name)
            let folder = PathText.folder(of: path)
            let parts = folder.utf8.split(separator: UInt8(ascii: "/")).filter { !$0.elementsEqual(".".utf8) }
            guard !parts.contains(where: { $0.elementsEqual("..".utf8) }) else {
                throw BatchError.aboveFolder(path, line: place + 1)
            }
            add(path, below: parts.map { String(Substring($0)) }.joined(separator: "/"), isFound: false)
        }
        if pictures.isEmpty { throw BatchError.noPictures(others: [:]) }
    }

    private mutating func add(_ path: String, below folder: String, isFound: Bool) {
        guard known.insert(ExactString(PathText.resolved(path))).inserted else { return }
        pictures.append(ListedPicture(path: path, folder: folder, isFound: isFound))
    }

    /// Whatever has a picture's name in a folder and its folders. Hidden ones are left out, and links to folders, which
    /// may lead in a circle.
    private mutating func addFolder(_ folder: String, below: String) {
        for name in PathText.names(in: folder).sorted(by: { ExactString($0) < ExactString($1) })
        where name.utf8.first != UInt8(ascii: ".") {
            let path = PathText.joined(folder, name)
            guard let status = FileStatus(path, followingLinks: false) else { continue }
            if status.isFolder {
                addFolder(path, below: PathText.joined(below, name))
            } else if FileStatus(path)?.isFile == true {
                if Self.isReadable(name) {
                    add(path, below: below, isFound: true)
                } else if MaskArguments.isNamedAsPicture(name) {
                    others[Self.ending(of: name), default: 0] += 1
                }
            }
        }
    }

    private mutating func addMatches(of pattern: String) throws {
        var found = glob_t()
        defer { unsafe globfree(&found) }
        let code = unsafe PathText.withName(of: pattern) { unsafe glob($0, GLOB_BRACE, nil, &found) }
        guard code == 0 else { throw FileError.cannotRead(path: pattern, reason: "nothing matches") }
        // Of the pattern's folders those without a sign of a pattern are not part of the tree.
        let whole = pattern.utf8.split(separator: UInt8(ascii: "/"), omittingEmptySubsequences: false)
        let depth = whole.prefix { !Self.isPattern(String(Substring($0))) }.count
        for place in 0..<Int(found.gl_pathc) {
            guard let name = unsafe found.gl_pathv[place] else { continue }
            let path = unsafe PathText.text(of: name)
            let parts = PathText.folder(of: path).unicodeScalars.split(separator: "/", omittingEmptySubsequences: false)
            let below = parts.dropFirst(depth).map { String($0) }.joined(separator: "/")
            if FileStatus(path)?.isFolder == true {
                addFolder(path, below: below)
            } else {
                add(path, below: below, isFound: true)
            }
        }
    }

    private static func isPattern(_ text: String) -> Bool {
        text.utf8.contains { "*?[{".utf8.contains($0) }
    }

    private static func ending(of name: String) -> String {
        let name = PathText.split(name).name
        return String(name.unicodeScalars.dropFirst(withoutExtension(name).unicodeScalars.count + 1)).lowercased()
    }

    private static func isReadable(_ name: String) -> Bool { Suggestions.pictureEndings.contains(ending(of: name)) }
}
