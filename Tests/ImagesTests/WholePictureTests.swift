import Images
import Support
import Testing

/// A file whose pixels are all there is read, whatever became of what stands behind them; one that lacks pixels is not.
@Suite struct WholePictureTests {
    private static let jpegs = Fixture.pictures.filter { $0.hasSuffix(".jpg") }
    private static let pngs = Fixture.pictures.filter { $0.hasSuffix(".png") }

    /// What cameras, phones and broken copies leave behind the coded pixels, in place of the end marker or behind it.
    private static let trailers: [[UInt8]] =
        [
            [], [0xFF], [0], [0xFF, 0x00], [UInt8](repeating: 0, count: 4096), Array("SEFT".utf8),
            Array("\0\0\0\u{1}\u{B}MotionPhoto_Data\0\0\0\u{18}ftypmp42".utf8) + (0..<4000).map { UInt8($0 % 251) },
            (0..<4000).map { UInt8(truncatingIfNeeded: $0 &* 97 ^ $0 >> 3) },
            [0xFF, 0xD8, 0xFF, 0xE1, 0x00, 0x04, 0x41, 0x42, 0xFF, 0xC0, 0x00, 0x03],
            [0xFF, 0xC4, 0x7F, 0xFF, 1, 2, 3],
        ] + frames

    /// What would be the header of a frame, of a coding or of samples that are not read.
    private static let frames: [[UInt8]] = [0xC0, 0xC2, 0xC3, 0xC5, 0xC9, 0xCB, 0xCF, 0xDE, 0xF7].flatMap {
        (marker: UInt8) -> [[UInt8]] in
        let frame: [UInt8] = [0xFF, marker, 0x00, 0x08, 12, 0, 16, 0, 16, 2]
        return [frame + [0, 0, 0, 0, 0, 0, 0], [0x6A, 0x75, 0x6E, 0x6B] + frame]
    }

    @Test(arguments: jpegs.filter { !$0.hasPrefix("arithmetic") })
    func `a JPEG needs no end marker, with or without something else in its place`(name: String) throws {
        let bytes = try Fixture.bytes("images/\(name)")
        let whole = try Image(decoding: bytes)
        #expect(Array(bytes.suffix(2)) == [0xFF, 0xD9])
        for trailer in Self.trailers {
            #expect(try Image(decoding: bytes.dropLast(2) + trailer) == whole, "\(trailer.prefix(16))")
            #expect(try Image(decoding: bytes + trailer) == whole, "\(trailer.prefix(16))")
        }
    }

    /// Arithmetic decoding goes on for ever, so that only a marker shows that its data were whole.
    @Test(arguments: jpegs.filter { $0.hasPrefix("arithmetic") })
    func `an arithmetic JPEG needs its end marker`(name: String) throws {
        let bytes = try Fixture.bytes("images/\(name)")
        let whole = try Image(decoding: bytes)
        for trailer in Self.trailers { #expect(try Image(decoding: bytes + trailer) == whole) }
        for trailer in [[], [0], [UInt8](repeating: 0, count: 4096), Array("SEFT".utf8)] {
            #expect(throws: ImageError.self) { try Image(decoding: bytes.dropLast(2) + trailer) }
        }
    }

    @Test(arguments: pngs)
    func `a PNG needs no end chunk, nor a right one`(name: String) throws {
        let bytes = try Fixture.bytes("images/\(name)")
        let whole = try Image(decoding: bytes)
        #expect(Array(bytes.suffix(12)) == PNGBytes.chunk("IEND"))
        for kept in 0..<12 { #expect(try Image(decoding: Array(bytes.dropLast(12 - kept))) == whole) }
        var wrong = bytes
        wrong[wrong.count - 1] ^= 1
        #expect(try Image(decoding: wrong) == whole)
        for end in [PNGBytes.chunk("IENX"), [UInt8](repeating: 0, count: 99), [UInt8](repeating: 0xFF, count: 99)] {
            #expect(try Image(decoding: bytes.dropLast(12) + end) == whole)
            #expect(try Image(decoding: bytes + end) == whole)
        }
    }

    @Test(arguments: Fixture.pictures.filter { $0.hasSuffix(".webp") })
    func `a WebP needs nothing behind its picture`(name: String) throws {
        let bytes = try Fixture.bytes("images/\(name)")
        let whole = try Image(decoding: bytes)
        for trailer in Self.trailers {
            #expect(try Image(decoding: bytes + trailer) == whole, "\(trailer.prefix(16))")
        }
    }

    /// A size that runs past the end is what a file has whose last chunks were cut off.
    @Test(arguments: Fixture.pictures.filter { $0.hasSuffix(".webp") })
    func `a WebP is read whatever size its head gives`(name: String) throws {
        let bytes = try Fixture.bytes("images/\(name)")
        let whole = try Image(decoding: bytes)
        let size = Fixture.int32(bytes, at: 4)
        for wrong in [0, 1, 4, size / 2, size - 2, size - 1, size + 1, size + 256, 0x7FFF_FFFF, 0xFFFF_FFFF] {
            let head = (0..<4).map { UInt8(truncatingIfNeeded: wrong >> (8 * $0)) }
            let stated = bytes.prefix(4) + head + bytes.dropFirst(8)
            #expect(try Image(decoding: Array(stated)) == whole, "\(wrong) for \(size)")
            #expect(try ImageSize(probing: Array(stated)) == ImageSize(probing: bytes))
            #expect(throws: ImageError.self) { try Image(decoding: Array(stated.prefix(40))) }
        }
    }

    @Test func `a PNG is read over chunks of no pixels whose CRC is wrong`() throws {
        let bytes = try Fixture.bytes("images/rgb-8.png")
        let whole = try Image(decoding: bytes)
        for type in ["tEXt", "eXIf", "tIME", "iCCP", "gAMA", "teSt"] {
            var broken = PNGBytes.chunk(type, Array("a\0bcdefg".utf8))
            broken[broken.count - 1] ^= 1
            var early = bytes
            early.insert(contentsOf: broken, at: PNGBytes.behindHeader)
            #expect(try Image(decoding: early) == whole)
            #expect(try Image(decoding: bytes.dropLast(12) + broken + bytes.suffix(12)) == whole)
        }
    }

    /// The checksum says nothing that the CRCs of the chunks have not said of the same bytes.
    @Test(arguments: pngs)
    func `a PNG is read over a wrong checksum behind its pixels`(name: String) throws {
        let bytes = try Fixture.bytes("images/\(name)")
        let head = try #require(bytes.last(Array("IDAT".utf8))) - 4
        let end = head + 12 + bytes[head..<head + 4].reduce(0) { $0 << 8 | Int($1) }
        var payload = Array(bytes[head + 8..<end - 4])
        for place in payload.indices.suffix(4) { payload[place] ^= 0x55 }
        let wrong = Array(bytes.prefix(head)) + PNGBytes.chunk("IDAT", payload) + Array(bytes[end...])
        #expect(try Image(decoding: wrong) == Image(decoding: bytes))
    }

    /// As other readers do; a suggested palette is not needed to show true colours or grey.
    @Test(arguments: ["rgb-8.png", "rgba-16.png", "grey-8-interlaced.png", "grey-alpha-8.png"])
    func `a PNG is read over critical chunks that make no pixels`(name: String) throws {
        let bytes = try Fixture.bytes("images/\(name)")
        let whole = try Image(decoding: bytes)
        for (type, length) in [("PLTE", 30), ("PLTE", 0), ("PLTE", 7), ("JUNK", 4), ("PLTE", 900), ("JUNK", 0)] {
            var chunk = PNGBytes.chunk(type, [UInt8](repeating: 9, count: length))
            for wrong in [0, 1] as [UInt8] {
                chunk[chunk.count - 1] ^= wrong
                var early = bytes
                early.insert(contentsOf: chunk, at: PNGBytes.behindHeader)
                #expect(try Image(decoding: early) == whole, "\(type) \(length) \(wrong)")
                #expect(try Image(decoding: bytes.dropLast(12) + chunk + bytes.suffix(12)) == whole)
            }
        }
    }

    @Test func `a palette that the pixels need must be right`() throws {
        var bytes = try Fixture.bytes("images/palette-4.png")
        let palette = try #require(bytes.first(Array("PLTE".utf8)))
        bytes[palette + 4] ^= 1
        #expect(throws: ImageError.self) { try Image(decoding: bytes) }
    }

    /// The bytes behind the last pixel are the end marker of a JPEG file; of a PNG file the end of the compressed data
    /// with its checksum, some bytes, then whole chunks; of a WebP file, whose pixels come first here, whole chunks.
    @Test(arguments: Fixture.pictures)
    func `a file cut off anywhere is an error or the whole picture, and an error before its last pixels`(
        name: String
    ) throws {
        let bytes = try Fixture.bytes("images/\(name)")
        let whole = try Image(decoding: bytes)
        let last =
            switch name.split(separator: ".").last {
            case "jpg": bytes.count - 2
            case "png": try #require(bytes.last(Array("IDAT".utf8)))
            default: try #require(bytes.first(Array("VP8".utf8)))
            }
        for length in 0..<bytes.count {
            // A late EXIF chunk is cut off with the rest; the picture then stands as it is stored.
            if ["exif-5-late.png", "exif-6.webp"].contains(name) { continue }
            if let image = try? Image(decoding: Array(bytes.prefix(length))) {
                #expect(image == whole, "\(length) of \(bytes.count) bytes")
                #expect(length >= last, "\(length) of \(bytes.count) bytes")
            }
        }
    }

    @Test(arguments: ["rgb-8.png", "sampling-420.jpg", "sampling-444.jpg"])
    func `a file cut off in its pixels says how many rows it has`(name: String) throws {
        let bytes = try Fixture.bytes("images/\(name)")
        let height = try ImageSize(probing: bytes).height
        let pixels = try #require(bytes.last(name.hasSuffix(".png") ? Array("IDAT".utf8) : [0xFF, 0xDA]))
        var most = 0
        for length in stride(from: pixels + 40, to: bytes.count - 40, by: 5) {
            do throws(ImageError) {
                _ = try Image(decoding: Array(bytes.prefix(length)))
                Issue.record("decoded \(length) bytes")
            } catch {
                guard case .lacksRows(_, bytes: length, let rows, of: height) = error else {
                    Issue.record("\(error)")
                    return
                }
                #expect(rows >= most && rows < height)
                let words = error.description
                #expect(words.contains("cut off") && words.contains("\(rows) of \(height) rows"))
                most = rows
            }
        }
        #expect(most > 0)
    }

    @Test(arguments: [
        ("grey-1-interlaced.png", ImageFormat.png), ("progressive.jpg", .jpeg), ("animated-corner.webp", .webP),
    ])
    func `a file whose rows cannot be counted is cut off all the same`(name: String, format: ImageFormat) throws {
        let bytes = try Fixture.bytes("images/\(name)")
        let cut = format == .webP ? Array(bytes.prefix(bytes.count / 4)) : Array(bytes.dropLast(40))
        #expect(throws: ImageError.cutOff(format, bytes: cut.count)) { try Image(decoding: cut) }
        #expect(ImageError.cutOff(format, bytes: cut.count).description.contains("cut off"))
    }

    @Test(arguments: ["sampling-444.jpg", "progressive.jpg", "grey.jpg"])
    func `an end marker makes no pixels`(name: String) throws {
        let bytes = try Fixture.bytes("images/\(name)")
        let start = try #require(bytes.last([0xFF, 0xDA])) + 20
        #expect(throws: ImageError.self) { try Image(decoding: bytes.prefix(start) + [0xFF, 0xD9]) }
    }

    /// Behind what there is of the pixels stands a table, a frame, a scan, a note, a marker alone, the whole picture.
    @Test(arguments: jpegs.filter { !$0.hasPrefix("arithmetic") })
    func `no marker makes pixels`(name: String) throws {
        let bytes = try Fixture.bytes("images/\(name)")
        let start = try #require(bytes.first([0xFF, 0xDA]))
        let markers: [UInt8] = [0x01, 0xC0, 0xC4, 0xD8, 0xD9, 0xDA, 0xDB, 0xE1, 0xFE]
        for trailer in [bytes] + markers.map({ [0xFF, $0, 0, 4, 1, 2] }) {
            for kept in stride(from: 20, through: 40, by: 4) {
                #expect(throws: ImageError.self, "\(trailer.prefix(2)) behind \(kept) bytes") {
                    try Image(decoding: bytes.prefix(start + kept) + trailer)
                }
            }
        }
    }

    @Test func `an end marker before the last of the colours' scans makes no pixels`() throws {
        let bytes = try Fixture.bytes("images/separate-scans.jpg")
        let (first, last) = (try #require(bytes.first([0xFF, 0xDA])), try #require(bytes.last([0xFF, 0xDA])))
        for length in first..<last {
            #expect(throws: ImageError.self, "\(length) of \(bytes.count) bytes") {
                try Image(decoding: bytes.prefix(length) + [0xFF, 0xD9])
            }
        }
    }

    /// What a download leaves that was given its size before its bytes.
    @Test(arguments: jpegs + ["rgb-8.png", "rgba-16.png", "palette-4.png", "grey-8-interlaced.png"])
    func `zero bytes make no pixels`(name: String) throws {
        let bytes = try Fixture.bytes("images/\(name)")
        let pixels = try #require(bytes.first(name.hasSuffix(".png") ? Array("IDAT".utf8) : [0xFF, 0xDA]))
        let half = (pixels + bytes.count) / 2
        for zeros in [400, 4000, 100_000] {
            #expect(throws: ImageError.self) {
                try Image(decoding: bytes.prefix(half) + [UInt8](repeating: 0, count: zeros))
            }
        }
    }

    @Test func `an end marker inside a segment ends nothing`() throws {
        var bytes = try Fixture.bytes("images/sampling-444.jpg")
        let whole = try Image(decoding: bytes)
        bytes.insert(contentsOf: [0xFF, 0xFE, 0x00, 0x04, 0xFF, 0xD9], at: 2)
        #expect(try Image(decoding: bytes) == whole)
        #expect(throws: ImageError.self) { try Image(decoding: Array(bytes.dropLast(10))) }
    }
}
