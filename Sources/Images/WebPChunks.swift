/// The complete chunks of a WebP file, in order.
///
/// After `RIFF size(4) WEBP` a chunk is `type(4) length(4) payload(length)`, little-endian, padded to an even length.
/// libwebp decodes the pixels; this is for the metadata.
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

    /// The file with a RIFF size that covers all its chunks: where the stated size is too small or illegal, it is
    /// replaced by the largest legal one, as libwebp ignores whatever lies beyond it.
    static func sized(_ bytes: [UInt8]) -> [UInt8] {
        guard bytes.count >= 12 else { return bytes }
        let end = 8 + bytes[4..<8].littleEndian
        let known = ["VP8X", "VP8 ", "VP8L", "ALPH", "ANIM", "ANMF", "ICCP", "EXIF", "XMP "]
        let chunks = WebPChunks(bytes).prefix { known.contains($0.type) }
        let isLegal = end <= sizeLimit + 8 && !chunks.contains { $0.payload.endIndex > end }
        if isLegal { return bytes }
        return bytes.prefix(4) + UInt32(sizeLimit).bigEndianBytes.reversed() + bytes.dropFirst(8)
    }

    /// libwebp's MAX_CHUNK_PAYLOAD, the largest RIFF size that it accepts.
    private static let sizeLimit = 0xFFFF_FFF6
}

extension FileNotes {
    /// The metadata of a WebP file.
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
