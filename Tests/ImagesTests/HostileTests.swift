import Limits
import Images
import Support
import Testing

@Suite struct HostileTests {
    @Test(arguments: Fixture.pictures)
    func `damaged bytes give a picture within the limit or an error`(name: String) throws {
        let bytes = try Fixture.bytes("images/\(name)")
        var random = SeededGenerator(seed: 41)
        for _ in 0..<60 {
            var damaged = bytes
            for _ in 0..<Int.random(in: 1...4, using: &random) {
                damaged[Int.random(in: 0..<bytes.count, using: &random)] =
                    UInt8.random(in: 0...255, using: &random)
            }
            // A flipped bit may promise a large picture; decoding it is legal but slow.
            guard let size = try? ImageSize(probing: damaged), size.width * size.height < 1 << 20,
                let image = try? Image(decoding: damaged)
            else { continue }
            #expect(image.width == size.width && image.height == size.height)
        }
    }

    @Test func `what is no known file is told by its first bytes`() {
        #expect(throws: ImageError.empty) { try Image(decoding: []) }
        let bytes: [UInt8] = [1, 2, 3, 0x47, 0x0A, 6, 7, 8, 9]
        #expect(throws: ImageError.unknownFormat(firstBytes: Array(bytes.prefix(8)))) { try Image(decoding: bytes) }
        #expect(throws: ImageError.unknownFormat(firstBytes: [1])) { try ImageSize(probing: [1]) }
        #expect(ImageError.unknownFormat(firstBytes: [0x47, 0x0A]).description.contains("47 0a"))
    }

    @Test func `each refusal says what to do`() {
        let refusals: [ImageError] = [.malformed(.png, reason: "bad"), .outOfMemory(.jpeg), .cutOff(.webP, bytes: 9)]
        for error in refusals { #expect(error.description.contains("; ")) }
    }

    /// A PNG file with nothing after its header.
    private static func png(width: UInt32, height: UInt32) throws -> [UInt8] {
        var bytes = Array(try Fixture.bytes("images/rgb-8.png"))
        for i in 0..<4 {
            bytes[16 + i] = UInt8(truncatingIfNeeded: width >> (24 - 8 * i))
            bytes[20 + i] = UInt8(truncatingIfNeeded: height >> (24 - 8 * i))
        }
        return bytes.prefix(8) + PNGBytes.chunk("IHDR", Array(bytes[16..<29])) + bytes[33...]
    }

    @Test(arguments: [(8001, 8000), (0x7FFF_FFFF, 0x7FFF_FFFF), (0x7FFF_FFFF, 1), (1, 64_000_001)])
    func `a PNG over the limit is refused with its size`(width: Int, height: Int) throws {
        let bytes = try Self.png(width: UInt32(width), height: UInt32(height))
        let refusal = ImageError.tooLarge(width: width, height: height)
        #expect(throws: refusal) { try Image(decoding: bytes) }
        #expect(throws: refusal) { try ImageSize(probing: bytes) }
        #expect(refusal.description.contains("\(width) x \(height)"))
    }

    @Test func `a picture of exactly the limit passes its header`() throws {
        let size = try ImageSize(probing: Self.png(width: 8000, height: 8000))
        #expect(size.width * size.height == Limit.pixels)
    }

    @Test(arguments: [(0, 5), (5, 0), (0x8000_0000, 1), (1, 0xFFFF_FFFF)])
    func `a PNG without pixels or with an illegal side is damaged`(width: Int, height: Int) throws {
        let bytes = try Self.png(width: UInt32(width), height: UInt32(height))
        #expect(throws: ImageError.self) { try Image(decoding: bytes) }
        #expect(throws: ImageError.self) { try ImageSize(probing: bytes) }
    }

    @Test func `a JPEG of 65500 squared is refused with its size`() throws {
        var bytes = try Fixture.bytes("images/sampling-444.jpg")
        let frame = try #require(bytes.first([0xFF, 0xC0]))
        bytes.replaceSubrange(frame + 5..<frame + 9, with: [0xFF, 0xDC, 0xFF, 0xDC])
        #expect(throws: ImageError.tooLarge(width: 65500, height: 65500)) {
            try Image(decoding: bytes)
        }
        bytes.replaceSubrange(frame + 5..<frame + 9, with: [0, 0, 0, 0])
        #expect(throws: ImageError.self) { try Image(decoding: bytes) }
    }

    @Test(arguments: [(1_000_001, 1), (1, 1_000_001)])
    func `a PNG with a longer side than libpng reads is refused with its size`(width: Int, height: Int) throws {
        let bytes = try Self.png(width: UInt32(width), height: UInt32(height))
        let refusal = ImageError.tooLarge(width: width, height: height)
        #expect(throws: refusal) { try ImageSize(probing: bytes) }
        #expect(refusal.description.contains("\(Limit.side) pixels a side"))
        _ = try ImageSize(probing: Self.png(width: 1_000_000, height: 64))
    }

    @Test func `a chunk of text that unpacks to gigabytes is never unpacked`() throws {
        // The payload is not even a zlib stream; libpng would complain had it looked.
        var bytes = try Fixture.bytes("images/rgb-8.png")
        let payload: [UInt8] = Array("key\0\0".utf8) + [UInt8](repeating: 0xFF, count: 1 << 16)
        bytes.insert(contentsOf: PNGBytes.chunk("zTXt", payload), at: PNGBytes.behindHeader)
        #expect(try Image(decoding: bytes) == Fixture.expected("rgb-8.png"))
    }
}
