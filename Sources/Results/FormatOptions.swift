package import ArgumentParser
import RPC
import Texts

/// The option `--format`.
package struct FormatOptions: ParsableArguments {
    private static let help = FileFormat.allCases.map { "\($0.rawValue): \($0.about)" }.joined(separator: "; ")

    @Option(
        name: .customLong("format"), parsing: .singleValue,
        help: ArgumentHelp(
            "Also write files for other programs, in formats that are parted by commas.",
            discussion: "\(help). May be given several times.", valueName: "name,..."),
        completion: .list(FileFormat.allCases.map(\.rawValue)), transform: { try FormatOptions.formats($0) })
    package var lists: [[FileFormat]] = []

    package init() {}

    /// Each once, in the order in which they were typed.
    var formats: [FileFormat] {
        lists.joined().reduce(into: []) { formats, format in
            if !formats.contains(format) { formats.append(format) }
        }
    }

    private static func formats(_ text: String) throws -> [FileFormat] {
        try text.split(separator: ",", omittingEmptySubsequences: false).map { name in
            let format = FileFormat.allCases.first { ExactString($0.rawValue) == ExactString(String(name)) }
            guard let format else {
                let names = FileFormat.allCases.map(\.rawValue).joined(separator: ", ")
                throw ValidationError("\"\(Streams.excerpt(String(name)))\" is no format; type some of \(names)")
            }
            return format
        }
    }
}
