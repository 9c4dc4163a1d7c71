/// The chunks of a WebP file in their order, as far as they are whole.
///
/// After `RIFF size(4) WEBP` a chunk is `type(4) length(4) payload(length)`, little-endian, and a byte that makes the
/// length even. The pixels are libwebp's affair; this reads what stands beside them.
struct WebPChunks: Sequence, IteratorProtocol {
    private let bytes: [UInt8]
    private var position = 12

    init(_ bytes: [UInt8]) {
        self.bytes = bytes
    }

    mutating func next() -> (type: String, payload: ArraySlice<UInt8>)? {
        guard bytes.count - position >= 8 else { return nil }
        let length = bytes[position + 4..<position + 8].littleEndian
        let start = position + 8
        guard length <= bytes.count - start else { return nil }
        defer { position = start + length + length % 2 }
        return (String(decoding: bytes[position..<position + 4], as: UTF8.self), bytes[start..<start + length])
    }

    /// The file, of the largest size where its own ends before its chunks do, or is over the format's limit: libwebp
    /// looks at nothing behind that size, though each chunk has its own.
    static func sized(_ bytes: [UInt8]) -> [UInt8] {
        guard bytes.count >= 12 else { return bytes }
        let end = 8 + bytes[4..<8].littleEndian
        let known = ["VP8X", "VP8 ", "VP8L", "ALPH", "ANIM", "ANMF", "ICCP", "EXIF", "XMP "]
        let chunks = WebPChunks(bytes).prefix { known.contains($0.type) }
        let isLegal = end <= sizeLimit + 8 && !chunks.contains { $0.payload.endIndex > end }
        if isLegal { return bytes }
        return bytes.prefix(4) + UInt32(sizeLimit).bigEndianBytes.reversed() + bytes.dropFirst(8)
    }

    /// The largest even size that leaves room for the head of the file and of a chunk in 32 bits.
    private static let sizeLimit = 0xFFFF_FFF6
}

extension FileNotes {
    /// What the chunks of a WebP file say.
    ///
    /// - Throws: `tooManyParts`
    init(webP bytes: [UInt8]) throws(ImageError) {
        var animated = 0
        for (place, (type, payload)) in WebPChunks(bytes).enumerated() {
            try Self.check(place + 1, of: "chunks", .webP)
            switch type {
            case "EXIF" where exif == nil: exif = payload
            case "ICCP" where colours == .unstated: colours = ColourSpace(profile: payload)
            case "ANMF": animated += 1
            default: break
            }
        }
        frames = max(animated, 1)
    }
}
