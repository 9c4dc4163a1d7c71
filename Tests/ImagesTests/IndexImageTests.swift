import FoundationEssentials
import Images
import Support
import Testing

@Suite struct IndexImageTests {
    /// The pictures of make_images.py that hold indices.
    private static let pictures = Fixture.pictures.filter { name in
        let isGrey = name.hasPrefix("grey-") && !name.contains("alpha") && !name.contains("16")
        return name.hasSuffix(".png") && (name.hasPrefix("palette-") || isGrey)
    }

    /// indices.py writes pictures of each kind, and of each picture, also of those here, what Pillow reads.
    @Test func `indices are what Pillow reads`() throws {
        #expect(Self.pictures.count == 32)
        let folder = try TemporaryDirectory()
        let fixtures = Self.pictures.map { Fixture.directory.path + "/images/" + $0 }
        let names = try read(by: "indices.py", [folder.path] + fixtures).split(separator: "\n")
        #expect(names.count == 32 + 120)
        for name in names {
            let raw = try Repository.bytes("\(folder.path)/\(name).raw")
            let image = try IndexImage(decoding: Repository.bytes("\(folder.path)/\(name)"))
            #expect([image.width, image.height] == [Fixture.int32(raw, at: 0), Fixture.int32(raw, at: 4)], "\(name)")
            #expect(image.indices == Array(raw[8...]), "\(name)")
        }
    }

    @Test func `what dseg writes as indices is read as indices`() throws {
        var random = SeededGenerator(seed: 1821)
        let indices = random.bytes(31 * 18)
        for pixels in [PNGFile.Pixels.indexed(indices, .voc), .grey(indices)] {
            let file = try PNGFile(width: 31, height: 18, pixels, texts: []).encoded()
            let image = try IndexImage(decoding: file)
            #expect(image.width == 31 && image.height == 18 && image.indices == indices)
        }
    }

    @Test func `pixels that differ are counted, but for those that may`() throws {
        var random = SeededGenerator(seed: 1822)
        let truth = random.bytes(61 * 7).map { $0 % 4 == 3 ? 255 : $0 % 3 }
        let found = random.bytes(61 * 7).map { $0 % 3 }
        let image = try IndexImage(decoding: PNGFile(width: 61, height: 7, .grey(truth), texts: []).encoded())
        for unsure: UInt8 in [0, 2, 7, 255] {
            let differing = zip(truth, found).filter { $0 != unsure && $0 != $1 }.count
            #expect(image.differing(from: found, unsure: unsure) == differing)
            #expect(image.count(of: unsure) == truth.filter { $0 == unsure }.count)
        }
        #expect(image.differing(from: truth, unsure: 255) == 0)
    }

    @Test(arguments: [
        ("rgb-8.png", "RGB of 8 bits"), ("rgb-16-interlaced.png", "RGB of 16 bits"),
        ("rgb-trns-8.png", "RGB of 8 bits"), ("rgba-8.png", "RGB of 8 bits with alpha"),
        ("grey-alpha-8.png", "grey of 8 bits with alpha"), ("grey-16.png", "grey of 16 bits"),
        ("grey.jpg", "a JPEG file"), ("lossless.webp", "a WebP file"),
    ])
    func `colours are refused by what they are`(name: String, what: String) throws {
        let bytes = try Fixture.bytes("images/\(name)")
        let refusal = ImageError.coloursNotIndices(what: what)
        #expect(throws: refusal) { try IndexImage(decoding: bytes) }
        #expect(refusal.description.hasPrefix("the file has colours, not indices: it is \(what); save "))
    }

    @Test(arguments: pictures)
    func `a file cut short is an error, and the same error as of its picture`(name: String) throws {
        let bytes = try Fixture.bytes("images/\(name)")
        let end = try #require(bytes.last(Array("IEND".utf8))) - 4
        for count in stride(from: 0, to: end, by: 3) {
            let cut = Array(bytes.prefix(count))
            let found = Result { () throws(ImageError) in try IndexImage(decoding: cut).indices }
            let other = Result { () throws(ImageError) in try Image(decoding: cut).pixels }
            switch (found, other) {
            case (.failure(let error), .failure(let otherError)): #expect(error == otherError)
            case (.success(let indices), .success): #expect(indices == (try IndexImage(decoding: bytes).indices))
            default: Issue.record("cut to \(count) bytes, one is read and the other is not")
            }
        }
    }

    @Test(arguments: pictures)
    func `damaged bytes give a picture within the limit or an error`(name: String) throws {
        let bytes = try Fixture.bytes("images/\(name)")
        var random = SeededGenerator(seed: 1822)
        for _ in 0..<60 {
            var damaged = bytes
            for _ in 0..<Int.random(in: 1...4, using: &random) {
                damaged[Int.random(in: 0..<bytes.count, using: &random)] = UInt8.random(in: 0...255, using: &random)
            }
            // A flipped bit may promise a large picture; decoding it is legal but slow.
            guard let size = try? ImageSize(probing: damaged), size.width * size.height < 1 << 20,
                let image = try? IndexImage(decoding: damaged)
            else { continue }
            #expect(image.indices.count == image.width * image.height)
        }
    }

    @Test(arguments: [(8001, 8000), (0x7FFF_FFFF, 1), (1_000_001, 1)])
    func `a picture over the limit is refused with its size`(width: Int, height: Int) throws {
        var bytes = try Fixture.bytes("images/palette-4.png")
        let sides = [width, height].flatMap { side in [24, 16, 8, 0].map { UInt8(truncatingIfNeeded: side >> $0) } }
        bytes.replaceSubrange(8..<PNGBytes.behindHeader, with: PNGBytes.chunk("IHDR", sides + bytes[24..<29]))
        #expect(throws: ImageError.tooLarge(width: width, height: height)) { try IndexImage(decoding: bytes) }
    }

    @Test func `what is no picture is told as for any picture`() {
        #expect(throws: ImageError.empty) { try IndexImage(decoding: []) }
        #expect(throws: ImageError.unknownFormat(firstBytes: [1, 2])) { try IndexImage(decoding: [1, 2]) }
    }
}
