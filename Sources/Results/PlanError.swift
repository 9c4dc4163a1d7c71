import RPC

/// Why options contradict each other, and what to type instead.
package enum PlanError: Error, Equatable, CustomStringConvertible {
    case words(WordError)
    case region(RegionError)
    case twoOnStandardOutput
    case severalOnStandardOutput(Int)
    case severalPicturesOnStandardOutput
    /// Where one is looked at.
    case severalPictures(Int)
    /// A file of each label that is chosen: as many as stay.
    case filesOfChosen
    case bytesForTerminal
    /// Outputs of two pictures would have the same path.
    case sameFile(String, of: String, and: String)
    /// Two outputs of one picture are links to the same file.
    case linkedFiles(String, String)
    /// An output would overwrite one of the pictures.
    case picturesPlace(String, picture: String)

    package var description: String {
        switch self {
        case .words(let error):
            return error.description
        case .region(let error):
            return error.description
        case .twoOnStandardOutput:
            return "--json and a file cannot both go to standard output; type -o DIR for the files"
        case .severalOnStandardOutput(let count):
            return "\(count) files cannot all go to standard output; type -o DIR, or ask for one"
        case .severalPicturesOnStandardOutput:
            return "the masks of several pictures cannot all go to standard output; type -o DIR, or ask about one"
        case .severalPictures(let count):
            return "\(count) pictures are named, and explain looks at one; type one"
        case .filesOfChosen:
            return "it is not known how many labels have files of their own before they are found, and standard output "
                + "takes one; type -o DIR"
        case .bytesForTerminal:
            return "a file would go to the terminal; type > FILE, -o DIR, or -o - if it is meant"
        case .sameFile(let path, let one, let other):
            let (path, one, other) = (Streams.printable(path), Streams.printable(one), Streams.printable(other))
            return "\(one) and \(other) would both be written to \(path); ask in two runs, each with its own -o DIR"
        case .linkedFiles(let one, let other):
            return "\(Streams.printable(one)) and \(Streams.printable(other)) are links to one file; "
                + "remove one of them, or type -o DIR for another folder"
        case .picturesPlace(let path, let picture):
            return "\(Streams.printable(path)) would take the place of the picture \(Streams.printable(picture)); "
                + "leave that one out, or type -o DIR for another folder"
        }
    }
}
