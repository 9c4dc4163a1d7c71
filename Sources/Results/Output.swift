import RPC
import Texts

/// How a mask's file holds its indices.
package enum MaskValues: String, CaseIterable, Sendable, Codable {
    /// An indexed PNG: people see colours, and Pillow and the VOC tools read the indices.
    case palette
    /// A grey PNG whose samples are the indices, for readers that expand palettes to colours, as OpenCV does.
    case grey
}

/// One kind of file that is made of an answer. Labels are given by their names.
package enum Output: Hashable, Sendable {
    /// The index mask: an indexed PNG, index k is the k-th label, 0 the background.
    case mask
    /// The index mask as a grey PNG, whose samples are the indices.
    case greyMask
    /// The picture, tinted with the mask's colours.
    case overlay
    /// A label's scores, black to white: a grey PNG.
    case heat(label: String)
    /// The picture's pixels where a region of the mask is, all others transparent.
    case cut(RegionExpression)
    /// A region's mask for inpainting, a grey PNG: 255 is painted anew, 0 stays.
    case inpaint(RegionExpression, RegionEdits)
    /// How much the picture's cells are looked at by that of a pixel, black to white: a grey PNG.
    case attention(x: UInt32, y: UInt32)
    /// A file of another program's format; of one label where ``FileFormat/isOfEachLabel`` says so.
    case format(FileFormat, label: String?)
    /// The JSON that `--json` prints.
    case json

    /// The score maps that it is drawn from.
    var maps: SegmentRequest.Maps {
        switch self {
        case .heat, .attention: .sized
        case .format(let format, _): format.maps
        case .mask, .greyMask, .overlay, .cut, .inpaint, .json: .none
        }
    }

    /// What it is drawn from beside those.
    var probes: [Probe] {
        if case .attention(let x, let y) = self { [.attention(x: x, y: y)] } else { [] }
    }

    /// The region that it shows; `nil`: what it shows is no region.
    var region: RegionExpression? {
        switch self {
        case .cut(let region), .inpaint(let region, _): region
        case .mask, .greyMask, .overlay, .heat, .attention, .format, .json: nil
        }
    }

    /// The labels of which at least one must be there, or it shows nothing; `nil`: it shows whatever there is.
    var subjects: [String]? {
        switch self {
        case .heat(let label): [label]
        case .format(_, let label): label.map { [$0] }
        case .cut, .inpaint: region?.included
        case .mask, .greyMask, .overlay, .attention, .json: nil
        }
    }

    /// The suffix that the output's file name adds to the picture's.
    fileprivate var suffix: String {
        switch self {
        case .mask, .greyMask: ".mask.png"
        case .overlay: ".overlay.png"
        case .heat(let label): ".\(fileNamePart(label)).heat.png"
        case .cut(let region): ".\(fileNamePart(region.name)).cut.png"
        case .inpaint(let region, _): ".\(fileNamePart(region.name)).inpaint.png"
        case .attention(let x, let y): ".\(x),\(y).attention.png"
        case .format(let format, let label): "\(label.map { ".\(fileNamePart($0))" } ?? "").\(format.suffix)"
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

/// A label or a region as part of a file's name: slashes, control characters and leading dots become "_", and it is cut
/// at 100 bytes, as a name has at most 255 (NAME_MAX).
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
