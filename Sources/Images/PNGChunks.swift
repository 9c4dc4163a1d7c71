import CImages

/// The complete chunks of a PNG file, in order; their CRCs are not checked.
///
/// A chunk is `length(4) type(4) payload(length) crc(4)`, big-endian, after eight bytes of
/// signature. libpng decodes the pixels; this is for the metadata.
struct PNGChunks: Sequence, IteratorProtocol {
    static let signature: [UInt8] = [0x89, 0x50, 0x4E, 0x47, 0x0D, 0x0A, 0x1A, 0x0A]

    private let bytes: [UInt8]
    private var position: Int

    init(_ bytes: [UInt8]) {
        self.bytes = bytes
        position = bytes.starts(with: Self.signature) ? Self.signature.count : bytes.count
    }

    /// The next chunk; `nil` after the last complete one.
    mutating func next() -> PNGChunk? {
        guard bytes.count - position >= 12 else { return nil }
        let length = bytes[position..<position + 4].bigEndian
        guard length <= bytes.count - position - 12 else { return nil }
        let end = position + 8 + length
        defer { position = end + 4 }
        return PNGChunk(content: bytes[position + 4..<end], crc: bytes[end..<end + 4].bigEndian)
    }
}

extension FileNotes {
    /// The metadata of a PNG file.
    ///
    /// - Throws: `unsupported` for Apple's variant (CgBI), `tooManyParts`
    init(png bytes: [UInt8]) throws(ImageError) {
        var (isGrey, hasPixels, isFrame) = (false, false, false)
        var animated = 0
        var stated: [PNGChunk] = []
        defer {
            colours = ColourSpace(stated, isGrey: isGrey)
            // APNG: without fcTL before IDAT, the default image is no frame of the animation, but the one decoded here.
            if animated > 0 { frames = isFrame || !hasPixels ? animated : animated + 1 }
        }
        for (place, chunk) in PNGChunks(bytes).enumerated() {
            try Self.check(place + 1, of: "chunks", .png)
            switch chunk.type {
            case "IHDR": isGrey = (chunk.payload.dropFirst(9).first ?? 0) & 2 == 0
            case "IDAT": hasPixels = true
            case let type where ColourSpace.chunkTypes.contains(type) && !hasPixels:
                if chunk.isIntact, !stated.contains(where: { $0.type == type }) { stated.append(chunk) }
            case "eXIf" where exif == nil && chunk.isIntact: exif = chunk.payload
            case "acTL" where chunk.isIntact: animated = chunk.payload.prefix(4).bigEndian
            case "fcTL" where !hasPixels: isFrame = true
            case "IEND": return
            case "CgBI": throw .unsupported(.png, what: "is in Apple's form for devices (CgBI)")
            default: break
            }
        }
    }
}

/// One chunk; its CRC may be wrong, see ``isIntact``.
struct PNGChunk {
    /// The type and the payload.
    fileprivate let content: ArraySlice<UInt8>
    fileprivate let crc: Int

    var type: String { String(decoding: content.prefix(4), as: UTF8.self) }
    var payload: ArraySlice<UInt8> { content.dropFirst(4) }

    /// Encodes a chunk.
    static func bytes(_ type: String, _ payload: [UInt8]) -> [UInt8] {
        let content = Array(type.utf8) + payload
        let crc = unsafe dseg_crc(content, content.count)
        return UInt32(payload.count).bigEndianBytes + content + crc.bigEndianBytes
    }

    /// Whether the CRC is right. Like libpng, callers ignore damaged ancillary chunks.
    var isIntact: Bool {
        unsafe Int(dseg_crc(Array(content), content.count)) == crc
    }
}
