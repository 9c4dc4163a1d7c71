import CImages

/// Writes PNG files, and reads the texts of such a file.
package struct PNGFile: Sendable {
    /// Eight bits a sample, `[height, width, 1, 3 or 4]`.
    package enum Pixels: Sendable {
        case indexed([UInt8], Palette)
        case grey([UInt8])
        case rgb([UInt8])
        case rgba([UInt8])
    }

    private let width: Int
    private let height: Int
    private let pixels: Pixels
    private let colours: ColourSpace
    private let texts: [Text]

    /// One iTXt chunk. The key is 1 to 79 printable ASCII characters other than space, the value has no NUL.
    package struct Text: Sendable {
        package let key: String
        package let value: String

        package init(key: String, value: String) {
            precondition((1...79).contains(key.utf8.count), "a key has 1 to 79 characters")
            precondition(key.utf8.allSatisfy { (0x21...0x7E).contains($0) }, "a key is ASCII")
            precondition(!value.utf8.contains(0), "a text has no NUL")
            self.key = key
            self.value = value
        }
    }

    /// - Parameter colours: the colour metadata, where the samples are a picture's
    package init(width: Int, height: Int, _ pixels: Pixels, colours: ColourSpace = .unstated, texts: [Text]) {
        let (samples, channels) =
            switch pixels {
            case .indexed(let samples, _), .grey(let samples): (samples.count, 1)
            case .rgb(let samples): (samples.count, 3)
            case .rgba(let samples): (samples.count, 4)
            }
        precondition(width > 0 && height > 0, "a picture has at least one pixel")
        precondition(samples == width * height * channels, "pixels are [height, width, channels]")
        self.width = width
        self.height = height
        self.pixels = pixels
        self.colours = colours
        self.texts = texts
    }

    /// The file's bytes; the same picture and texts give the same bytes.
    package func encoded() throws(ImageError) -> [UInt8] {
        switch pixels {
        case .indexed(let samples, let palette):
            try write(DSEG_PNG_INDEXED, samples, palette: palette.colours)
        case .grey(let samples): try write(DSEG_PNG_GREY, samples, palette: nil)
        case .rgb(let samples): try write(DSEG_PNG_RGB, samples, palette: nil)
        case .rgba(let samples): try write(DSEG_PNG_RGBA, samples, palette: nil)
        }
    }

    private func write(
        _ kind: dseg_png_kind, _ samples: [UInt8], palette: [UInt8]?
    ) throws(ImageError) -> [UInt8] {
        let chunks = colours.chunks
        var shape = dseg_png_shape(
            kind: kind, width: UInt32(width), height: UInt32(height), text_count: texts.count,
            chunk_bytes: chunks.count)
        let strings = texts.flatMap { Array($0.key.utf8CString) + Array($0.value.utf8CString) }
        var file = unsafe dseg_bytes()
        defer { unsafe dseg_bytes_free(&file) }
        let ending = unsafe withReason { reason in
            unsafe dseg_png_write(&shape, samples, palette, chunks, strings, &file, reason)
        }
        switch ending.verdict {
        case DSEG_DONE:
            return unsafe Array(UnsafeBufferPointer(start: file.base, count: file.count))
        case DSEG_NO_MEMORY: throw .outOfMemory(.png)
        default: throw .malformed(.png, reason: ending.reason)
        }
    }

    /// The texts of a PNG file by their keys: of intact, uncompressed iTXt chunks, as `encoded()`
    /// writes them. Of two with the same key the first counts.
    ///
    /// Other programs may move chunks, so the whole file is read.
    ///
    /// - Throws: `cutOff` for a file without IEND, `unknownFormat` or `empty`
    package static func texts(in bytes: [UInt8]) throws(ImageError) -> [String: String] {
        guard bytes.starts(with: PNGChunks.signature) else {
            throw bytes.isEmpty ? .empty : .unknownFormat(firstBytes: Array(bytes.prefix(8)))
        }
        var texts: [String: String] = [:]
        for chunk in PNGChunks(bytes) where chunk.isIntact {
            if chunk.type == "IEND" { return texts }
            guard chunk.type == "iTXt", let text = Text(chunk.payload) else { continue }
            if texts[text.key] == nil { texts[text.key] = text.value }
        }
        throw .cutOff(.png, bytes: bytes.count)
    }
}

extension PNGFile.Text {
    /// Bytes of a keyword (PNG specification, 11.3.3.2).
    private static let keyLimit = 79

    /// Reads `key NUL compressed(1) method(1) language NUL translated-key NUL text`.
    fileprivate init?(_ payload: ArraySlice<UInt8>) {
        var fields = payload.split(separator: 0, maxSplits: 1, omittingEmptySubsequences: false)
        guard fields.count == 2, fields[0].count <= Self.keyLimit, fields[1].first == 0 else { return nil }
        let key = String(validating: fields[0], as: UTF8.self)
        fields = fields[1].dropFirst(2)
            .split(separator: 0, maxSplits: 2, omittingEmptySubsequences: false)
        guard let key, fields.count == 3,
            let value = String(validating: fields[2], as: UTF8.self)
        else { return nil }
        self.key = key
        self.value = value
    }
}

/// The 256 colours of an indexed picture.
package struct Palette: Sendable, Equatable {
    /// RGB, `[256, 3]`.
    package let colours: [UInt8]

    /// The colormap of the PASCAL VOC annotations: the bits of an index, three at a time from the lowest, set red,
    /// green and blue from their highest bit down. Index 0 is black.
    package static let voc = Palette(
        colours: (0..<256).flatMap { index in
            [vocColour(index), vocColour(index >> 1), vocColour(index >> 2)]
        })

    /// One channel: bits 0, 3 and 6 of `bits` become bits 7, 6 and 5.
    private static func vocColour(_ bits: Int) -> UInt8 {
        let (high, middle, low) = (bits & 1, bits >> 3 & 1, bits >> 6 & 1)
        return UInt8(high << 7 | middle << 6 | low << 5)
    }
}
