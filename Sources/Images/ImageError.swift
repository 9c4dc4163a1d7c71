import Limits

/// Why a file cannot be decoded.
package enum ImageError: Error, Equatable, CustomStringConvertible {
    case empty
    /// A known format that is not supported; carries its name, what to do, and ``ForeignFormat/Remedy/makesPicture``.
    case foreign(name: String, remedy: String, makesPicture: Bool = true)
    /// An unsupported variant of a supported format; `what` completes "the file …".
    case unsupported(ImageFormat, what: String)
    /// A picture that holds no indices where labels are expected; `what` completes "it is …".
    case coloursNotIndices(what: String)
    /// No known format; carries the first bytes, at most 8.
    case unknownFormat(firstBytes: [UInt8])
    /// The header states more pixels than `Limit.pixels`, or a side over `Limit.side`.
    case tooLarge(width: Int, height: Int)
    /// A JPEG file has more scans than `Image.scanLimit` of its size.
    case tooManyScans(Int, width: Int, height: Int, limit: Int)
    /// More segments or chunks than `FileNotes.partLimit`.
    case tooManyParts(ImageFormat, what: String)
    /// The file is truncated; carries its length.
    case cutOff(ImageFormat, bytes: Int)
    /// The same, where it is known how many rows are complete.
    case lacksRows(ImageFormat, bytes: Int, rows: Int, of: Int)
    /// Carries the decoder library's message.
    case malformed(ImageFormat, reason: String)
    case outOfMemory(ImageFormat)
    /// The caller cancelled the decoding.
    case interrupted

    package var description: String {
        switch self {
        case .empty:
            return "the picture is empty (0 bytes)"
        case .foreign(let name, let remedy, _):
            return "not a PNG, JPEG or WebP file: it is \(name); \(remedy)"
        case .unsupported(let format, let what):
            return "the \(format) file \(what), which is not supported; save it again as an ordinary \(format) file"
        case .coloursNotIndices(let what):
            return "the file has colours, not indices: it is \(what); save the labels' indices as a PNG file with a "
                + "palette or with grey of 8 bits, as the VOC annotations are"
        case .unknownFormat(let firstBytes):
            let shown = firstBytes.map { byte in
                (byte < 16 ? "0" : "") + String(byte, radix: 16)
            }
            return "not a PNG, JPEG or WebP file: it begins with \(shown.joined(separator: " ")); "
                + "convert it to one of the three first"
        case .tooLarge(let width, let height):
            return "the picture has \(width) x \(height) pixels, over the limit of "
                + "\(Limit.pixels / 1_000_000) megapixels and \(Limit.side) pixels a side; scale it down first"
        case .tooManyScans(let scans, let width, let height, let limit):
            return "the JPEG file goes over its \(width) x \(height) pixels in \(scans) scans, over the limit of "
                + "\(limit) at that size; save it again as a baseline JPEG, without progressive scans"
        case .tooManyParts(let format, let what):
            return "the \(format) file has more than \(FileNotes.partLimit) \(what), the limit; save it again with any "
                + "program"
        case .cutOff(let format, let bytes):
            return "the \(format) file is cut off: it ends after \(bytes) bytes, before the "
                + "picture does; fetch or copy it again"
        case .lacksRows(let format, let bytes, let rows, let height):
            return "the \(format) file is cut off: it ends after \(bytes) bytes, with \(rows) of \(height) rows; "
                + "fetch or copy it again"
        case .malformed(let format, let reason):
            return "the \(format) file is damaged: \(reason); fetch or copy it again"
        case .outOfMemory(let format):
            return "no memory to decode the \(format) file; try again later, or scale it down first"
        case .interrupted:
            return "the decoding of the picture was cancelled"
        }
    }
}
