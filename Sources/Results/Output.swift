import RPC
import Texts

/// How a mask's file holds its indices.
package enum MaskValues: String, CaseIterable, Sendable, Codable {
    /// An indexed PNG: people see colours, and Pillow and the VOC tools read the indices.
    case palette
    /// A grey PNG whose samples are the indices, for readers that expand palettes to colours, as OpenCV does.
    case grey
}

/// One kind of file that is drawn of an answer. Labels are given by their names.
package enum Output: Hashable, Sendable {
    /// The index mask: an indexed PNG, index k is the k-th label, 0 the background.
    case mask
    /// The index mask as a grey PNG, whose samples are the indices.
    case greyMask
    /// The picture, tinted with the mask's colours.
    case overlay
    /// A label's scores, black to white: a grey PNG.
    case heat(label: String)
    /// The picture's pixels under a label's part of the mask, all others transparent.
    case cut(label: String)
    /// The JSON that `--json` prints.
    case json

    /// Whether it is drawn from the scores, not from the mask.
    var drawsScores: Bool {
        if case .heat = self { true } else { false }
    }

    /// The suffix that the output's file name adds to the picture's.
    fileprivate var suffix: String {
        switch self {
        case .mask, .greyMask: ".mask.png"
        case .overlay: ".overlay.png"
        case .heat(let label): ".\(fileNamePart(label)).heat.png"
        case .cut(let label): ".\(fileNamePart(label)).cut.png"
        case .json: ".json"
        }
    }
}

/// An output and its file.
package struct OutputFile: Sendable, Equatable, Codable {
    package let output: Output
    package let path: String

    /// Names the files of a picture: its name without the extension, then the output's suffix. Where two labels give
    /// the same name, the index in `outputs` is added.
    static func named(
        _ outputs: [Output], after picture: String, in directory: String
    ) -> [OutputFile] {
        var taken: Set<ExactString> = []
        return outputs.enumerated().map { place, output in
            let suffix = output.suffix
            var stem = picture
            while !taken.insert(ExactString(stem + suffix)).inserted { stem += ".\(place)" }
            return OutputFile(output: output, path: PathText.joined(directory, stem + suffix))
        }
    }
}

/// A file's name without its last extension; a name that only begins with a dot has none.
func withoutExtension(_ name: String) -> String {
    guard let dot = name.utf8.lastIndex(of: UInt8(ascii: ".")), dot > name.startIndex else { return name }
    return String(name.unicodeScalars[..<dot])
}

/// A label as part of a file's name: slashes, control characters and leading dots become "_", and it is cut at 100
/// bytes, as a name has at most 255 (NAME_MAX).
private func fileNamePart(_ label: String) -> String {
    var leads = true
    var part = String.UnicodeScalarView()
    var length = 0
    for character in label {
        let kept = character.unicodeScalars.map { scalar -> Unicode.Scalar in
            let isUnsafe = scalar == "/" || Streams.isObeyed(scalar) || leads && scalar == "."
            leads = leads && scalar == "."
            return isUnsafe ? "_" : scalar
        }
        length += kept.reduce(0) { $0 + $1.utf8.count }
        if length > 100 { break }
        part.append(contentsOf: kept)
    }
    return String(part)
}
