import CImages

/// The complete marker segments of a JPEG file, in order.
///
/// A segment is `0xFF marker`, and for most markers a big-endian length that counts itself, then
/// the payload. Entropy-coded data follow a scan's segment; in them 0xFF is followed by 0 (byte
/// stuffing) or is a restart marker, so the next segment begins at any other 0xFF.
private struct JPEGSegments: Sequence, IteratorProtocol {
    private static let endOfImage: UInt8 = 0xD9

    private let bytes: [UInt8]
    private var position = 2
    private var hasEnded = false

    init(_ bytes: [UInt8]) {
        self.bytes = bytes
    }

    /// The next segment, its payload without the length; `nil` after EOI or the last complete one.
    mutating func next() -> (marker: UInt8, payload: ArraySlice<UInt8>)? {
        var segment = dseg_jpeg_segment()
        guard !hasEnded, unsafe dseg_jpeg_next(bytes, bytes.count, position, &segment) != 0 else { return nil }
        position = segment.start + segment.count
        hasEnded = segment.marker == Self.endOfImage
        return (segment.marker, bytes[segment.start..<position])
    }
}

extension FileNotes {
    /// The metadata of a JPEG file.
    ///
    /// - Throws: `unsupported` for a coding process that is not decoded, `tooManyParts`
    init(jpeg bytes: [UInt8]) throws(ImageError) {
        var components: UInt8 = 0
        var pieces = ProfilePieces()
        for (place, (marker, payload)) in JPEGSegments(bytes).enumerated() {
            try Self.check(place + 1, of: "segments", .jpeg)
            switch marker {
            case 0xC4, 0xC8, 0xCC: break  // DHT, JPG (reserved) and DAC: no frame headers.
            // After the first scan, bytes of a trailer or of damaged data may look like a frame header.
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

    /// Refuses what is not sequential or progressive with eight bits a sample (ITU-T T.81, table B.1); Huffman and
    /// arithmetic coding are both decoded.
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
