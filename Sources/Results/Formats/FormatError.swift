/// Why a file's format cannot hold what it should.
package enum FormatError: Error, Equatable, CustomStringConvertible {
    /// A part of a file, or the whole, is longer than the format can say.
    case tooLong(what: String, bytes: Int, limit: Int)
    case tooManyMembers(limit: Int)
    case outOfMemory(what: String)

    package var description: String {
        switch self {
        case .tooLong(let what, let bytes, let limit):
            "\(Streams.printable(what)) has \(bytes) bytes, over the format's limit of \(limit); "
                + "write fewer or smaller maps into one file"
        case .tooManyMembers(let limit):
            "the archive has more than \(limit) members, the format's limit; write fewer maps into one file"
        case .outOfMemory(let what):
            "no memory to compress \(Streams.printable(what)); write fewer or smaller maps into one file"
        }
    }
}
