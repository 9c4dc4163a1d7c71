/// The EXIF orientation (tag 0x0112) of the stored pixels.
///
///     1 upright   2 mirrored   3 upside down   4 mirrored upside down
///     5 transposed   6 top is at the right   7 transposed upside down   8 top is at the left
enum Orientation: UInt8, CaseIterable {
    case upright = 1
    case mirrored
    case upsideDown
    case flipped
    case transposed
    case topAtRight
    case transverse
    case topAtLeft

    static let exifPrefix: [UInt8] = Array("Exif\0\0".utf8)

    /// Whether width and height are swapped.
    var isTransposed: Bool { rawValue >= Self.transposed.rawValue }

    /// Reads the tag from an EXIF block: a TIFF structure, which `Exif\0\0` may precede.
    ///
    /// Upright where the block is missing or damaged or the number illegal: no picture is refused for
    /// its metadata.
    init(exif block: ArraySlice<UInt8>?) {
        self = block.flatMap(Self.init(tag:)) ?? .upright
    }

    private init?(tag block: ArraySlice<UInt8>) {
        let hasPrefix = block.starts(with: Self.exifPrefix)
        guard let directory = TIFFDirectory(block.dropFirst(hasPrefix ? Self.exifPrefix.count : 0)),
            let number = directory.number(of: 0x0112),
            let raw = UInt8(exactly: number)
        else { return nil }
        self.init(rawValue: raw)
    }
}

/// The first directory of a TIFF structure: entries of `tag(2) type(2) count(4) value(4)`.
private struct TIFFDirectory {
    private static let entryBytes = 12

    private let bytes: [UInt8]
    private let isBigEndian: Bool
    private var entries = 0..<0

    /// `nil` without a byte order mark, magic number and a directory within the bytes.
    init?(_ block: ArraySlice<UInt8>) {
        bytes = Array(block)
        switch bytes.prefix(4) {
        case [0x49, 0x49, 0x2A, 0x00]: isBigEndian = false
        case [0x4D, 0x4D, 0x00, 0x2A]: isBigEndian = true
        default: return nil
        }
        guard let start = read(4, at: 4), let count = read(2, at: start) else { return nil }
        entries = start + 2..<start + 2 + count * Self.entryBytes
    }

    /// An entry's value; `nil` if it is missing, truncated, or not a single 16- or 32-bit integer.
    func number(of tag: Int) -> Int? {
        for entry in stride(from: entries.lowerBound, to: entries.upperBound, by: Self.entryBytes) {
            guard let found = read(2, at: entry) else { return nil }
            guard found == tag else { continue }
            guard let type = read(2, at: entry + 2), read(4, at: entry + 4) == 1 else { return nil }
            switch type {
            case 3: return read(2, at: entry + 8)
            case 4: return read(4, at: entry + 8)
            default: return nil
            }
        }
        return nil
    }

    /// The integer of `count` bytes at an offset; `nil` out of bounds.
    private func read(_ count: Int, at offset: Int) -> Int? {
        guard offset <= bytes.count - count else { return nil }
        let field = bytes[offset..<offset + count]
        return isBigEndian ? field.bigEndian : field.littleEndian
    }
}
