import Testing

@testable import Images

@Suite struct OrientationTests {
    /// A TIFF structure with one entry, each field as the caller wants it.
    private static func block(
        bigEndian: Bool, magic: Int = 42, directory: Int = 8, entries: Int = 1, tag: Int = 0x0112,
        type: Int = 3, count: Int = 1, value: Int
    ) -> [UInt8] {
        func field(_ value: Int, _ bytes: Int) -> [UInt8] {
            let little = (0..<bytes).map { UInt8(truncatingIfNeeded: value >> (8 * $0)) }
            return bigEndian ? little.reversed() : little
        }
        let inline = type == 3 ? field(value, 2) + [0, 0] : field(value, 4)
        return Array((bigEndian ? "MM" : "II").utf8) + field(magic, 2) + field(directory, 4)
            + field(entries, 2) + field(tag, 2) + field(type, 2) + field(count, 4) + inline
    }

    @Test(arguments: [true, false], [3, 4])
    func `the tag is read in both byte orders and both widths`(bigEndian: Bool, type: Int) {
        for orientation in Orientation.allCases {
            let block = Self.block(
                bigEndian: bigEndian, type: type, value: Int(orientation.rawValue))
            #expect(Orientation(exif: block[...]) == orientation)
            #expect(Orientation(exif: (Orientation.exifPrefix + block)[...]) == orientation)
        }
    }

    @Test(arguments: [0, 9, 256 + 6, 65535])
    func `a number outside 1 to 8 is upright`(value: Int) {
        for type in [3, 4] {
            let block = Self.block(bigEndian: false, type: type, value: value)
            #expect(Orientation(exif: block[...]) == .upright)
        }
    }

    @Test func `a directory that lies is upright`() {
        let lies = [
            Self.block(bigEndian: true, magic: 43, value: 6),
            Self.block(bigEndian: true, directory: 0xFFFF_FFFF, value: 6),
            Self.block(bigEndian: false, directory: 22, value: 6),
            Self.block(bigEndian: true, entries: 0, value: 6),
            Self.block(bigEndian: true, tag: 0x0113, value: 6),
            Self.block(bigEndian: true, entries: 65535, tag: 0x0113, value: 6),
            Self.block(bigEndian: true, type: 2, value: 6),
            Self.block(bigEndian: true, count: 0xFFFF_FFFF, value: 6),
        ]
        for block in lies { #expect(Orientation(exif: block[...]) == .upright) }
        #expect(Orientation(exif: nil) == .upright)
    }

    @Test func `a directory that claims too many entries still gives those it has`() {
        let block = Self.block(bigEndian: true, entries: 65535, value: 8)
        #expect(Orientation(exif: block[...]) == .topAtLeft)
    }

    @Test func `a block cut off anywhere is upright`() {
        let block = Orientation.exifPrefix + Self.block(bigEndian: true, type: 4, value: 6)
        for length in 0..<block.count {
            #expect(Orientation(exif: block.prefix(length)) == .upright)
        }
    }
}
