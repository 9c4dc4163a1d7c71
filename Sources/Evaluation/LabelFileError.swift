package import Results

/// Why a file does not say which classes are in which picture, and what to do.
package enum LabelFileError: Error, Equatable, CustomStringConvertible, ReasonedError {
    case unreadable(FileError)
    case empty(path: String)
    case noPicture(String, path: String, line: Int?)
    case repeated(String, path: String, line: Int, first: Int)
    case twoPaths(String, String, path: String)
    case index(String, path: String, line: Int, classes: Int)
    /// JSON of another kind.
    case noLists(path: String)
    case noList(String, path: String, names: [String])
    case unknownNames([String], path: String)
    /// Pictures of the set, at least one.
    case missing([String], of: String)

    package var exitReason: ExitReason {
        switch self {
        case .unreadable(let error): ExitReason(error, picture: nil)
        default: .badData
        }
    }

    package var description: String {
        switch self {
        case .unreadable(let error):
            return error.description
        case .empty(let path):
            return "\(Streams.printable(path)) holds no labels; write a line for each picture: ID INDEX INDEX ..."
        case .noPicture(let text, let path, let line):
            let place = line.map { ", line \($0)" } ?? ""
            return
                "\(Streams.printable(path))\(place): \"\(Streams.excerpt(text))\" names no picture of the set's kind; "
                + "a line is ID INDEX INDEX ..., with indices from 0"
        case .repeated(let id, let path, let line, let first):
            return "\(Streams.printable(path)), line \(line): \(Streams.excerpt(id)) is there twice, first in line "
                + "\(first); leave one out"
        case .twoPaths(let one, let other, let path):
            return
                "\(Streams.printable(path)): \(Streams.excerpt(one)) and \(Streams.excerpt(other)) are pictures of one "
                + "name; leave one out"
        case .index(let text, let path, let line, let classes):
            return
                "\(Streams.printable(path)), line \(line): \"\(Streams.excerpt(text))\" is no index of a class; write "
                + "0 to \(classes - 1)"
        case .noLists(let path):
            return "\(Streams.printable(path)) is JSON without lists of labels; it must be an object of "
                + "\(Self.list(ImageLabels.List.allCases.map(\.rawValue))), each with names by a picture's path"
        case .noList(let name, let path, let names):
            return "\(Streams.printable(path)) has no list \(name), but \(Self.list(names)); name those that are to be "
                + "read: --label-lists"
        case .unknownNames(let names, let path):
            let rest = names.count > 5 ? ", ..." : ""
            let noun = names.count == 1 ? "name" : "names"
            return "\(Streams.printable(path)) has \(names.count) \(noun) of no class, or of several: "
                + "\(Self.list(names.prefix(5).map(Streams.excerpt)))\(rest); name the classes it was made for: "
                + "--classes FILE"
        case .missing(let ids, let path):
            let rest = ids.count > 5 ? ", ..." : ""
            let noun = ids.count == 1 ? "picture" : "pictures"
            return "\(Streams.printable(path)) says nothing of \(ids.count) \(noun): "
                + "\(Self.list(ids.prefix(5).map(Streams.excerpt)))\(rest); give each a line, also one without labels"
        }
    }

    private static func list(_ names: [String]) -> String { names.joined(separator: ", ") }
}
