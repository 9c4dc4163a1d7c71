import RPC
import Texts

/// Why a file could not be read or written.
package enum FileError: Error, Equatable, CustomStringConvertible {
    case cannotRead(path: String, reason: String)
    case tooLarge(path: String, limit: Int)
    /// A folder where a file is expected.
    case isFolder(path: String)
    case cannotWrite(path: String, reason: String)
    case exists(path: String)
    case noDirectory(path: String, canBeMade: Bool)
    /// A file, or a name like a file's, given as the output folder.
    case isNoFolder(path: String, what: String)
    /// Committing several files failed midway, and some could not be rolled back.
    case notAll(path: String, reason: String, written: [String])
    /// EPIPE on standard output.
    case readerGone

    package var description: String {
        switch self {
        case .cannotRead(let path, let reason):
            "cannot read \(Self.input(path)): \(reason)" + Self.hint(for: path)
        case .tooLarge(let path, let limit):
            "\(Self.input(path)) is over the limit of \(limit >> 20) MiB; scale the picture down first"
        case .isFolder(let path):
            "cannot read \(Self.input(path)): it is a folder; name the file in it"
        case .cannotWrite(let path, let reason):
            "cannot write \(Streams.printable(path)): \(reason)"
        case .exists(let path):
            "\(Streams.printable(path)) exists; type --force to overwrite it, or -o DIR for another folder"
        case .noDirectory(let path, let canBeMade):
            "there is no folder \(Streams.printable(path)) to write to; "
                + (canBeMade
                    ? "make it first: mkdir -p \(Streams.printable(ShellWord.quoted(path)))"
                    : "it cannot be made there, so name another one: -o DIR")
        case .isNoFolder(let path, let what):
            "-o names the folder to write to, and \(Streams.printable(path)) is \(what); type -o DIR, "
                + "or -o - > FILE.png for one picture alone"
        case .notAll(let path, let reason, let written):
            "cannot write \(Streams.printable(path)): \(reason); these were written and could not be taken back: "
                + written.map(Streams.printable).joined(separator: ", ")
        case .readerGone:
            "nobody reads standard output"
        }
    }

    private static func input(_ path: String) -> String {
        path == "-" ? "standard input" : Streams.printable(path)
    }

    /// A hint for a path that does not exist: a URL, or a pattern that the shell did not expand.
    private static func hint(for path: String) -> String {
        if FileStatus(path) != nil { return "" }
        if path.utf8.starts(with: "http://".utf8) || path.utf8.starts(with: "https://".utf8) {
            return "; dseg fetches nothing: curl URL | dseg mask - WORDS"
        }
        return path.utf8.contains(UInt8(ascii: "*")) ? "; nothing matches, or the shell was kept from it by quotes" : ""
    }
}
