/// Why bytes are no picture that dseg can look at.
package enum ImageError: Error, Equatable, CustomStringConvertible {
    case empty
    /// Neither a PNG nor a JPEG file; carries the first bytes, at most 8.
    case unknownFormat(firstBytes: [UInt8])
    /// The header promises more pixels than `Image.pixelLimit`.
    case tooLarge(width: Int, height: Int)
    /// The file ends before the picture does; carries its length.
    case cutOff(ImageFormat, bytes: Int)
    /// The decoder's own sentence.
    case malformed(ImageFormat, reason: String)
    case outOfMemory(ImageFormat)

    package var description: String {
        switch self {
        case .empty:
            return "the picture is empty (0 bytes)"
        case .unknownFormat(let firstBytes):
            let shown = firstBytes.map { byte in
                (byte < 16 ? "0" : "") + String(byte, radix: 16)
            }
            return "not a PNG or JPEG file: it begins with \(shown.joined(separator: " ")); "
                + "convert it to one of the two first"
        case .tooLarge(let width, let height):
            return "the picture has \(width) x \(height) pixels, over the limit of "
                + "\(Image.pixelLimit / 1_000_000) megapixels; scale it down first"
        case .cutOff(let format, let bytes):
            return "the \(format) file is cut off: it ends after \(bytes) bytes, before the "
                + "picture does; fetch or copy it again"
        case .malformed(let format, let reason):
            return "the \(format) file is damaged: \(reason)"
        case .outOfMemory(let format):
            return "no memory to decode the \(format) file"
        }
    }
}
