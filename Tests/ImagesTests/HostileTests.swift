import Images
import Testing

@Suite struct HostileTests {
    @Test(arguments: Fixture.pictures)
    func `a file cut off anywhere is an error`(name: String) throws {
        let bytes = try Fixture.bytes("images/\(name)")
        for length in 0..<bytes.count {
            #expect(throws: ImageError.self, "\(length) of \(bytes.count) bytes") {
                try Image(decoding: Array(bytes.prefix(length)))
            }
        }
    }

    @Test(arguments: ["rgb-8.png", "grey-1-interlaced.png", "sampling-420.jpg", "progressive.jpg"])
    func `a file cut off in its pixels says so`(name: String) throws {
        let bytes = try Fixture.bytes("images/\(name)")
        let cut = Array(bytes.dropLast(20))
        do throws(ImageError) {
            _ = try Image(decoding: cut)
            Issue.record("decoded")
        } catch {
            guard case .cutOff(_, bytes: cut.count) = error else {
                Issue.record("\(error)")
                return
            }
            #expect(error.description.contains("cut off"))
        }
    }

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

    @Test func `what is no picture is told by its first bytes`() {
        #expect(throws: ImageError.empty) { try Image(decoding: []) }
        #expect(throws: ImageError.unknownFormat(firstBytes: Array("GIF89a12".utf8))) {
            try Image(decoding: Array("GIF89a1234".utf8))
        }
        #expect(throws: ImageError.unknownFormat(firstBytes: [0])) { try ImageSize(probing: [0]) }
        #expect(ImageError.unknownFormat(firstBytes: [0x47, 0x0A]).description.contains("47 0a"))
    }

    /// A PNG file with nothing after its header.
    private static func png(width: UInt32, height: UInt32) throws -> [UInt8] {
        var bytes = Array(try Fixture.bytes("images/rgb-8.png"))
        for i in 0..<4 {
            bytes[16 + i] = UInt8(truncatingIfNeeded: width >> (24 - 8 * i))
            bytes[20 + i] = UInt8(truncatingIfNeeded: height >> (24 - 8 * i))
        }
        let crc = CyclicCode.of(bytes[12..<29])
        for i in 0..<4 { bytes[29 + i] = UInt8(truncatingIfNeeded: crc >> (24 - 8 * i)) }
        return bytes
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
        #expect(size.width * size.height == Image.pixelLimit)
    }

    @Test(arguments: [(0, 5), (5, 0), (0x8000_0000, 1), (1, 0xFFFF_FFFF)])
    func `a PNG without pixels or with an illegal side is damaged`(width: Int, height: Int) throws {
        let bytes = try Self.png(width: UInt32(width), height: UInt32(height))
        #expect(throws: ImageError.self) { try Image(decoding: bytes) }
        #expect(throws: ImageError.self) { try ImageSize(probing: bytes) }
    }

    @Test func `a JPEG of 65500 squared is refused with its size`() throws {
        var bytes = try Fixture.bytes("images/sampling-444.jpg")
        let frame = try #require(Self.index(of: [0xFF, 0xC0], in: bytes))
        bytes.replaceSubrange(frame + 5..<frame + 9, with: [0xFF, 0xDC, 0xFF, 0xDC])
        #expect(throws: ImageError.tooLarge(width: 65500, height: 65500)) {
            try Image(decoding: bytes)
        }
        bytes.replaceSubrange(frame + 5..<frame + 9, with: [0, 0, 0, 0])
        #expect(throws: ImageError.self) { try Image(decoding: bytes) }
    }

    @Test func `a JPEG whose only end marker stands in a segment is cut off`() throws {
        var bytes = try Fixture.bytes("images/sampling-444.jpg")
        bytes.insert(contentsOf: [0xFF, 0xFE, 0x00, 0x04, 0xFF, 0xD9], at: 2)
        #expect(try Image(decoding: bytes).width == 34)
        let cut = Array(bytes.dropLast(10))
        #expect(throws: ImageError.cutOff(.jpeg, bytes: cut.count)) { try Image(decoding: cut) }
    }

    @Test func `a chunk of text that unpacks to gigabytes is never unpacked`() throws {
        // The payload is not even a zlib stream; libpng would complain had it looked.
        var bytes = try Fixture.bytes("images/rgb-8.png")
        let payload: [UInt8] = Array("zTXtkey\0\0".utf8) + [UInt8](repeating: 0xFF, count: 1 << 16)
        let crc = CyclicCode.of(payload[...])
        let length = payload.count - 4
        let chunk = Self.bigEndian(UInt32(length)) + payload + Self.bigEndian(crc)
        bytes.insert(contentsOf: chunk, at: 33)
        #expect(try Image(decoding: bytes) == Fixture.expected("rgb-8.png"))
    }

    private static func bigEndian(_ value: UInt32) -> [UInt8] {
        (0..<4).map { UInt8(truncatingIfNeeded: value >> (24 - 8 * $0)) }
    }

    private static func index(of pattern: [UInt8], in bytes: [UInt8]) -> Int? {
        bytes.indices.first { bytes[$0...].starts(with: pattern) }
    }
}

/// The CRC of PNG chunks, by its polynomial.
enum CyclicCode {
    static func of(_ bytes: ArraySlice<UInt8>) -> UInt32 {
        ~bytes.reduce(0xFFFF_FFFF as UInt32) { crc, byte in
            (0..<8).reduce(crc ^ UInt32(byte)) { crc, _ in
                crc & 1 == 1 ? crc >> 1 ^ 0xEDB8_8320 : crc >> 1
            }
        }
    }
}
