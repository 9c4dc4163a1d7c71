package import Results

/// Why there is no data set, and what to do.
package enum DataSetError: Error, Equatable, CustomStringConvertible, ReasonedError {
    /// What is wrong with a file that a list names.
    package enum Fault: String, Sendable {
        case missing = "missing"
        case empty = "empty"
        case noFile = "no files"
        case unreadable = "not readable"
        case noPNG = "no PNG files"
        case colours = "colours, not indices"
    }

    /// A file of a picture, and what is wrong with it.
    package struct Finding: Sendable, Equatable {
        package let path: String
        /// What the file is: "picture", "truth".
        let kind: String
        let fault: Fault
    }

    case unknownSet(String)
    case noFolder(String)
    /// None of the folders by which the set is known.
    case noSet(String, of: String, marks: [String])
    case noSplit(String, names: [String])
    case noTruth(String, of: String, folders: [String])
    case unknownTruth(String, of: String, names: [String])
    case noList(String, of: String)
    case list(FileError)
    case emptyList(String)
    case identifier(String, path: String, line: Int)
    case repeated(String, path: String, line: Int, first: Int)
    case classes(VocabularyError)
    case noClasses(String)
    case classCount(Int, path: String, of: String, needed: Int)
    case tooManyClasses(Int)
    /// Of the split's pictures, in the order of its list; at least one.
    case incomplete([Finding], of: String)
    case truth(path: String, reason: String)
    case value(Int, path: String, classes: Int)

    package var exitReason: ExitReason {
        switch self {
        case .unknownSet, .noSplit, .unknownTruth, .classCount, .tooManyClasses: .usage
        case .noFolder, .noSet, .noTruth, .noList, .noClasses, .incomplete: .missingInput
        case .list(let error): ExitReason(error, picture: nil)
        case .classes(let error): error.exitReason
        case .emptyList, .identifier, .repeated, .truth, .value: .badData
        }
    }

    package var description: String {
        switch self {
        case .unknownSet(let name):
            return "\"\(Streams.excerpt(name))\" is no data set; name one of \(Self.list(DataSet.names))"
        case .noFolder(let path):
            return "there is no folder \(Streams.printable(path)); name the data set's: --root DIR"
        case .noSet(let root, let name, let marks):
            return "\(Streams.printable(root)) is not the folder of \(name), nor one that holds it: there is no "
                + "\(Self.list(marks)) in it; name the data set's own: --root DIR"
        case .noSplit(let split, let names):
            return "\"\(Streams.excerpt(split))\" is no split; name "
                + (names.isEmpty ? "a list without its ending: --split val" : "one of \(Self.list(names))")
        case .noTruth(let root, let name, let folders):
            return "\(Streams.printable(root)) has no truth of \(name): there is no \(Self.list(folders)) with files "
                + "in it; fetch or convert it first"
        case .unknownTruth(let truth, let name, let names):
            return "\"\(Streams.excerpt(truth))\" is no truth of \(name); name one of \(Self.list(names)): --truth NAME"
        case .noList(let path, let name):
            return "there is no \(Streams.printable(path)), the list of the pictures of \(name); fetch it, or name "
                + "another split: --split NAME"
        case .list(let error):
            return error.description
        case .emptyList(let path):
            return "\(Streams.printable(path)) names no pictures; name another split: --split NAME"
        case .identifier, .repeated:
            return listDescription
        case .classes(let error):
            return error.description
        case .noClasses(let path):
            return "there is no \(Streams.printable(path)), the names of the classes in the order of their indices; "
                + "write one a line, name or name=phrase|phrase, or name another file: --classes FILE"
        case .classCount(let count, let path, let name, let needed):
            return "\(Streams.printable(path)) has \(count) classes, and the truth of \(name) has \(needed); name "
                + "as many, in the truth's order"
        case .tooManyClasses(let count):
            return
                "\(count) classes are over the limit of \(DataSet.classLimit), as a truth's indices are bytes; leave "
                + "some out"
        case .incomplete(let findings, let name):
            return Self.description(of: findings, name)
        case .truth(let path, let reason):
            return "the truth \(Streams.printable(path)) cannot be read: \(reason)"
        case .value(let value, let path, let classes):
            return "the truth \(Streams.printable(path)) holds the index \(value), and there are \(classes) classes; "
                + "name the right truth, --truth NAME, or all its classes, --classes FILE"
        }
    }

    private var listDescription: String {
        switch self {
        case .identifier(let text, let path, let line):
            "\(Streams.printable(path)), line \(line): \"\(Streams.excerpt(text))\" is no picture's name; write its "
                + "file's name without folder and ending"
        case .repeated(let id, let path, let line, let first):
            "\(Streams.printable(path)), line \(line): \(Streams.excerpt(id)) is there twice, first in line \(first); "
                + "leave one out"
        default: ""
        }
    }

    /// How many files there are of each kind and fault, and the first five of them.
    private static func description(of findings: [Finding], _ name: String) -> String {
        var groups: [(finding: Finding, paths: [String])] = []
        for finding in findings {
            if let place = groups.firstIndex(where: {
                $0.finding.kind == finding.kind && $0.finding.fault == finding.fault
            }) {
                groups[place].paths.append(finding.path)
            } else {
                groups.append((finding, [finding.path]))
            }
        }
        let sentences = groups.map { group in
            let paths = group.paths.prefix(5).map(Streams.printable).joined(separator: ", ")
            let rest = group.paths.count > 5 ? ", ..." : ""
            let noun = group.paths.count == 1 ? group.finding.kind : "\(group.finding.kind)s"
            return "\(group.paths.count) \(noun) (\(group.finding.fault.rawValue)): \(paths)\(rest)"
        }
        return "\(name) is incomplete: \(sentences.joined(separator: "; ")); fetch or copy these first"
    }

    private static func list(_ names: [String]) -> String { names.joined(separator: ", ") }
}
