/// A rule of the safetensors format that a header breaks; offsets count from its first byte.
package enum SafetensorsFault: Error, Equatable {
    /// The file is shorter than the eight bytes that state the header's length.
    case noLength(fileBytes: Int)
    /// The file is larger than any this program reads.
    case fileTooLarge(bytes: Int, limit: Int)
    /// The stated length exceeds ``SafetensorsHeader/lengthLimit``.
    case headerTooLarge(bytes: UInt64, limit: Int)
    /// The stated length runs past the end of the file.
    case headerPastEnd(bytes: UInt64, fileBytes: Int)
    /// The JSON is broken at `offset`: `expected` says what must stand there.
    case malformed(offset: Int, expected: String)
    case tooManyTensors(limit: Int)
    case duplicate(name: String)
    case unknownType(tensor: String, type: String)
    case tooManyDimensions(tensor: String, limit: Int)
    /// The shape's elements do not fit any file.
    case shapeOverflow(tensor: String)
    case invertedOffsets(tensor: String, start: Int, end: Int)
    /// The offsets span another number of bytes than shape and type need.
    case wrongByteCount(tensor: String, found: Int, needed: Int)
    /// The tensor does not start where the one before it ends.
    case notContiguous(tensor: String, start: Int, expected: Int)
    /// The tensors cover another number of bytes than the file holds after its header.
    case wrongDataSize(covered: Int, found: Int)
}

extension SafetensorsFault: CustomStringConvertible {
    package var description: String {
        switch self {
        case .noLength(let bytes):
            "\(bytes) bytes are too few for a safetensors file"
        case .fileTooLarge(let bytes, let limit):
            "the file has \(bytes) bytes, the limit is \(limit)"
        case .headerTooLarge(let bytes, let limit):
            "a header of \(bytes) bytes, the limit is \(limit)"
        case .headerPastEnd(let bytes, let fileBytes):
            "a header of \(bytes) bytes in a file of \(fileBytes)"
        case .malformed(let offset, let expected):
            "broken JSON at byte \(offset): expected \(expected)"
        case .tooManyTensors(let limit):
            "more than \(limit) tensors"
        case .duplicate(let name):
            "\"\(name)\" stands twice in the header"
        case .unknownType(let tensor, let type):
            "unknown element type \"\(type)\" at \"\(tensor)\""
        case .tooManyDimensions(let tensor, let limit):
            "more than \(limit) dimensions at \"\(tensor)\""
        case .shapeOverflow(let tensor):
            "the shape's size overflows at \"\(tensor)\""
        case .invertedOffsets(let tensor, let start, let end):
            "offsets [\(start), \(end)] are inverted at \"\(tensor)\""
        case .wrongByteCount(let tensor, let found, let needed):
            "offsets span \(found) bytes, shape and type need \(needed) at \"\(tensor)\""
        case .notContiguous(let tensor, let start, let expected):
            "data starts at \(start), expected \(expected) at \"\(tensor)\""
        case .wrongDataSize(let covered, let found):
            "tensors cover \(covered) bytes of data, the file holds \(found)"
        }
    }
}
