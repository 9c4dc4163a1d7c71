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
    /// - Throws: `unsupported` for a coding that is not read, `tooManyParts`
    init(jpeg bytes: [UInt8]) throws(ImageError) {
        var components: UInt8 = 0
        var pieces = ProfilePieces()
        for (place, (marker, payload)) in JPEGSegments(bytes).enumerated() {
            try Self.check(place + 1, of: "segments", .jpeg)
            switch marker {
            case 0xC4, 0xC8, 0xCC: break  // Tables, and what is reserved.
            // Behind coded pixels a trailer, or pixels in place of an end marker, may look like a frame's header.
            case 0xC0...0xCF, 0xDE, 0xF7:
                if scans > 0 { break }
                try Self.checkCoding(marker, payload)
                components = payload.dropFirst(5).first ?? 0
            case 0xDA: scans += 1
            case 0xE1 where scans == 0 && exif == nil && payload.starts(with: Orientation.exifPrefix): exif = payload
            case 0xE2 where scans == 0: pieces.add(payload)
            default: break
            }
        }
        if components == 3, let profile = pieces.profile { colours = ColourSpace(profile: profile) }
    }

    /// Of the ways to code a picture (ITU-T T.81, table B.1) those of eight bits a sample are read that are sequential
    /// or progressive, by Huffman's code or the arithmetic one.
    private static func checkCoding(_ marker: UInt8, _ frame: ArraySlice<UInt8>) throws(ImageError) {
        switch marker {
        case 0xC3, 0xCB: throw .unsupported(.jpeg, what: "is coded without loss")
        case 0xF7: throw .unsupported(.jpeg, what: "is coded without loss (JPEG-LS)")
        case 0xC5...0xC7, 0xCD...0xCF, 0xDE: throw .unsupported(.jpeg, what: "is coded hierarchically")
        default: break
        }
        let fields = Array(frame.prefix(6))
        guard fields.count == 6 else { return }
        if fields[0] != 8 { throw .unsupported(.jpeg, what: "has \(fields[0]) bits a sample") }
        if fields[1...2] == [0, 0] { throw .unsupported(.jpeg, what: "gives its height behind its pixels (DNL)") }
        if ![1, 3, 4].contains(fields[5]) { throw .unsupported(.jpeg, what: "has \(fields[5]) colours a pixel") }
    }
}
