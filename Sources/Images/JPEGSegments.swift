import CImages

/// The marker segments of a JPEG file in their order, as far as they are whole.
///
/// A segment is `0xFF marker`, and for most markers a big-endian length that counts itself, then
/// the payload. Coded pixels follow a scan's segment; in them 0xFF is followed by 0, or by a
/// restart marker, so the next segment is found by looking for any other.
private struct JPEGSegments: Sequence, IteratorProtocol {
    private static let endOfImage: UInt8 = 0xD9

    private let bytes: [UInt8]
    private var position = 2
    private var hasEnded = false

    init(_ bytes: [UInt8]) {
        self.bytes = bytes
    }

    /// The next segment, its payload without the length; `nil` after the end marker or the last whole one.
    mutating func next() -> (marker: UInt8, payload: ArraySlice<UInt8>)? {
        var segment = dseg_jpeg_segment()
        guard !hasEnded, unsafe dseg_jpeg_next(bytes, bytes.count, position, &segment) != 0 else { return nil }
        position = segment.start + segment.count
        hasEnded = segment.marker == Self.endOfImage
        return (segment.marker, bytes[segment.start..<position])
    }
}

extension FileNotes {
    /// What the segments of a JPEG file say.
    ///
    /// - Throws: `tooManyParts`
    init(jpeg bytes: [UInt8]) throws(ImageError) {
        var parts = 0
        for (marker, payload) in JPEGSegments(bytes) {
            try Self.count(&parts, of: "segments", .jpeg)
            switch marker {
            case 0xDA: scans += 1
            case 0xE1 where scans == 0 && exif == nil && payload.starts(with: Orientation.exifPrefix): exif = payload
            default: break
            }
        }
    }
}
