/// The marker segments of a JPEG file in their order, as far as they are whole.
///
/// A segment is `0xFF marker`, and for most markers a big-endian length that counts itself, then
/// the payload. Coded pixels follow a scan's segment; in them 0xFF is followed by 0, or by a
/// restart marker, so the next segment is found by looking for any other.
struct JPEGSegments: Sequence, IteratorProtocol {
    private static let endOfImage: UInt8 = 0xD9
    private static let startOfScan: UInt8 = 0xDA
    private static let application1: UInt8 = 0xE1

    private let bytes: [UInt8]
    private var position = 2

    init(_ bytes: [UInt8]) {
        self.bytes = bytes
    }

    /// The next segment, its payload without the length; `nil` after the last whole one.
    mutating func next() -> (marker: UInt8, payload: ArraySlice<UInt8>)? {
        while position + 1 < bytes.count {
            let marker = bytes[position + 1]
            guard bytes[position] == 0xFF, Self.beginsSegment(marker) else {
                position += 1
                continue
            }
            position += 2
            if marker == Self.endOfImage { return (marker, []) }
            guard bytes.count - position >= 2 else { return nil }
            let length = Int(bytes[position]) << 8 | Int(bytes[position + 1])
            guard length >= 2, length <= bytes.count - position else { return nil }
            defer { position += length }
            return (marker, bytes[position + 2..<position + length])
        }
        return nil
    }

    /// False for stuffed and filling bytes and for the markers that stand alone inside a scan.
    private static func beginsSegment(_ marker: UInt8) -> Bool {
        marker > 0x01 && marker != 0xFF && !(0xD0...0xD8).contains(marker)
    }

    /// The TIFF structure of the first EXIF segment before the pixels.
    static func exif(in bytes: [UInt8]) -> ArraySlice<UInt8>? {
        for segment in JPEGSegments(bytes) {
            if segment.marker == startOfScan { return nil }
            if segment.marker == application1,
                segment.payload.starts(with: Orientation.exifPrefix)
            {
                return segment.payload
            }
        }
        return nil
    }

    /// Whether the file goes on to its end marker; a file that is cut off does not.
    static func reachEnd(of bytes: [UInt8]) -> Bool {
        JPEGSegments(bytes).contains { $0.marker == endOfImage }
    }
}
