import Limits
import Images
import Support
import Testing

/// A small file asks for no more work than its picture is worth, and none that cannot be stopped.
@Suite struct WorkTests {
    /// The bytes of a JPEG file, said to have another size.
    ///
    /// - Parameter marker: of its frame: 0xC0, or 0xC2 where it is progressive
    private static func jpeg(_ name: String, _ marker: UInt8, width: Int, height: Int) throws -> [UInt8] {
        var bytes = try Fixture.bytes("images/\(name)")
        let frame = try #require(bytes.first([0xFF, marker]))
        let size = [height >> 8, height & 0xFF, width >> 8, width & 0xFF].map { UInt8($0) }
        bytes.replaceSubrange(frame + 5..<frame + 9, with: size)
        return bytes
    }

    /// The bytes of progressive.jpg, said to have another size, its last scan repeated.
    private static func progressive(width: Int, height: Int, scans: Int) throws -> [UInt8] {
        let bytes = try jpeg("progressive.jpg", 0xC2, width: width, height: height)
        let last = try #require(bytes.last([0xFF, 0xDA]))
        let own = bytes.indices.count { bytes[$0...].starts(with: [0xFF, 0xDA]) }
        let repeated = [[UInt8]](repeating: Array(bytes[last...].dropLast(2)), count: scans - own)
        return bytes.dropLast(2) + repeated.joined() + [0xFF, 0xD9]
    }

    @Test(arguments: [(8000, 8000), (8000, 7900), (3000, 4000), (65500, 900)])
    func `a JPEG of more scans than its size allows is refused by its header`(width: Int, height: Int) throws {
        let limit = Image.scanLimit(width: width, height: height)
        let size = try ImageSize(probing: Self.progressive(width: width, height: height, scans: limit))
        #expect(size.width == width && size.height == height)
        let bomb = try Self.progressive(width: width, height: height, scans: limit + 1)
        let refusal = ImageError.tooManyScans(limit + 1, width: width, height: height, limit: limit)
        #expect(throws: refusal) { try ImageSize(probing: bomb) }
        #expect(throws: refusal) { try Image(decoding: bomb) }
        for part in ["\(limit + 1) scans", "limit of \(limit)", "\(width) x \(height)"] {
            #expect(refusal.description.contains(part))
        }
    }

    /// The scripts of libjpeg's `jpeg_simple_progression` have 6, 10 and 18 scans.
    @Test func `the scans of common encoders are let pass at every size`() {
        for (width, height) in [(8000, 8000), (9001, 7110), (65_500, 977), (977, 65_500), (1, 1), (1, 65_500)] {
            #expect(Image.scanLimit(width: width, height: height) >= 20)
        }
    }

    /// Pixels are decoded in whole blocks, so that a picture one pixel wide costs as much as a wider one.
    @Test(arguments: [(1, 65_500), (65_500, 1), (33, 33), (8000, 8000)])
    func `scans times pixels in whole blocks are bounded`(width: Int, height: Int) {
        let padded = { (side: Int) in (side + 31) / 32 * 32 }
        let work = Image.scanLimit(width: width, height: height) * padded(width) * padded(height)
        #expect(work <= 24 * Limit.pixels)
    }

    @Test func `scans behind a whole picture cost nothing`() throws {
        let bytes = try Self.progressive(width: 34, height: 21, scans: 5000)
        var questions = (own: 0, repeated: 0)
        let whole = try Image(decoding: Fixture.bytes("images/progressive.jpg")) {
            questions.own += 1
            return true
        }
        let image = try Image(decoding: bytes) {
            questions.repeated += 1
            return true
        }
        #expect(image == whole)
        #expect(questions.own > 0 && questions.own == questions.repeated)
    }

    /// The byte behind zlib's two of header begins the first deflate block; here it states the reserved type, 3.
    @Test func `a damaged PNG is decoded no more than once`() throws {
        let grey = PNGFile(width: 500, height: 500, .grey([UInt8](repeating: 7, count: 250_000)), texts: [])
        var bytes = try grey.encoded()
        let pixels = try #require(bytes.first(Array("IDAT".utf8))) + 4
        bytes[pixels + 2] |= 0b110
        var questions = 0
        let error = #expect(throws: ImageError.self) {
            try Image(decoding: bytes) {
                questions += 1
                return true
            }
        }
        #expect(error?.description.contains("damaged") == true)
        #expect(questions == 1)
    }

    private static func png(chunks: Int) throws -> [UInt8] {
        var bytes = try Fixture.bytes("images/rgb-8.png")
        let many = [[UInt8]](repeating: PNGBytes.chunk("teSt"), count: chunks)
        bytes.insert(contentsOf: many.joined(), at: PNGBytes.behindHeader)
        return bytes
    }

    private static func jpeg(segments: Int) throws -> [UInt8] {
        var bytes = try Fixture.bytes("images/grey.jpg")
        let many = [[UInt8]](repeating: [0xFF, 0xE5, 0x00, 0x02], count: segments)
        bytes.insert(contentsOf: many.joined(), at: 2)
        return bytes
    }

    @Test func `a PNG of more chunks than its largest file needs is refused by its header`() throws {
        #expect(try Image(decoding: Self.png(chunks: 32_768 + 8)) == Fixture.expected("rgb-8.png"))
        let bomb = try Self.png(chunks: 131_072)
        let refusal = ImageError.tooManyParts(.png, what: "chunks")
        #expect(throws: refusal) { try ImageSize(probing: bomb) }
        #expect(throws: refusal) { try Image(decoding: bomb) }
        #expect(refusal.description.contains("131072 chunks"))
    }

    @Test func `a JPEG of as many segments is refused by its header`() throws {
        #expect(try Image(decoding: Self.jpeg(segments: 60_000)) == Image(decoding: Fixture.bytes("images/grey.jpg")))
        let bomb = try Self.jpeg(segments: 131_072)
        #expect(throws: ImageError.tooManyParts(.jpeg, what: "segments")) { try ImageSize(probing: bomb) }
    }

    @Test func `a WebP of as many chunks is refused by its header`() throws {
        let bytes = try Fixture.bytes("images/exif-6.webp")
        let chunk = Array("teSt\0\0\0\0".utf8)
        func file(_ count: Int) -> [UInt8] {
            let body = bytes[8...] + [[UInt8]](repeating: chunk, count: count).joined()
            return Array("RIFF".utf8) + (0..<4).map { UInt8(truncatingIfNeeded: body.count >> (8 * $0)) } + body
        }
        #expect(try Image(decoding: file(1000)) == Image(decoding: bytes))
        #expect(throws: ImageError.tooManyParts(.webP, what: "chunks")) { try ImageSize(probing: file(131_072)) }
    }

    /// The canvas is given as `width - 1` and `height - 1`, three bytes each, 24 bytes into the file.
    @Test func `a WebP canvas over the limit is refused with its size`() throws {
        var bytes = try Fixture.bytes("images/animated-corner.webp")
        bytes.replaceSubrange(24..<30, with: [0xFF, 0x3F, 0, 0xFF, 0x3F, 0])
        let refusal = ImageError.tooLarge(width: 16384, height: 16384)
        #expect(throws: refusal) { try ImageSize(probing: bytes) }
        #expect(throws: refusal) { try Image(decoding: bytes) }
    }

    @Test(arguments: Fixture.pictures)
    func `a picture that nobody wants is not decoded`(name: String) throws {
        let bytes = try Fixture.bytes("images/\(name)")
        #expect(throws: ImageError.interrupted) { try Image(decoding: bytes) { false } }
    }

    @Test(arguments: [false, true])
    func `decoding ends wherever the word arrives`(isProgressive: Bool) throws {
        let grey = PNGFile(width: 2000, height: 2000, .grey([UInt8](repeating: 7, count: 4_000_000)), texts: [])
        let bytes = isProgressive ? try Fixture.bytes("images/progressive.jpg") : try grey.encoded()
        var all = 0
        _ = try Image(decoding: bytes) {
            all += 1
            return true
        }
        #expect(all > 20)
        for limit in [1, 2, 3, all / 2, all] {
            var questions = 0
            #expect(throws: ImageError.interrupted) {
                try Image(decoding: bytes) {
                    questions += 1
                    return questions < limit
                }
            }
            #expect(questions == limit)
        }
    }

    /// What libjpeg makes up for the rest of a picture takes as long as that picture.
    @Test(arguments: [("sampling-444.jpg", 0xC0 as UInt8), ("progressive.jpg", 0xC2)])
    func `a JPEG whose data end long before its picture is not decoded to the end`(name: String, marker: UInt8) throws {
        let bytes = try Self.jpeg(name, marker, width: 8000, height: 8000)
        var questions = 0
        let refusal = #expect(throws: ImageError.self) {
            try Image(decoding: bytes) {
                questions += 1
                return true
            }
        }
        #expect(refusal?.description.contains("cut off") == true, "\(refusal?.description ?? "")")
        #expect(questions < 10)
    }
}
