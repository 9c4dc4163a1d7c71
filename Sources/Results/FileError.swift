/// Why a file could not be read or written.
package enum FileError: Error, Equatable, CustomStringConvertible {
    case cannotRead(path: String, reason: String)
    case tooLarge(path: String, limit: Int)
    case cannotWrite(path: String, reason: String)
    case exists(path: String)
    case noDirectory(path: String)
    /// Whoever read standard output went away.
    case readerGone

    package var description: String {
        switch self {
        case .cannotRead(let path, let reason):
            "cannot read \(path == "-" ? "standard input" : path): \(reason)"
        case .tooLarge(let path, let limit):
            "\(path == "-" ? "standard input" : path) is over the limit of \(limit >> 20) MiB"
        case .cannotWrite(let path, let reason):
            "cannot write \(path): \(reason)"
        case .exists(let path):
            "\(path) exists; type --force to overwrite it, or -o DIR for another folder"
        case .noDirectory(let path):
            "there is no folder \(path) to write to; make it first: mkdir -p \(path)"
        case .readerGone:
            "nobody reads standard output"
        }
    }
}
