import Images
import Support
import Testing

@Suite struct PNGFileTests {
    private static func samples(_ count: Int) -> [UInt8] {
        var random = SeededGenerator(seed: UInt64(count))
        return (0..<count).map { _ in UInt8.random(in: 0...255, using: &random) }
    }

    @Test(arguments: [(1, 1), (7, 3), (300, 1), (1, 300), (64, 65)])
    func `what is written is read back`(width: Int, height: Int) throws {
        let count = width * height
        func image(_ pixels: PNGFile.Pixels) throws -> Image {
            try Image(decoding: PNGFile(width: width, height: height, pixels, texts: []).encoded())
        }
        let rgb = Self.samples(count * 3)
        #expect(try image(.rgb(rgb)).pixels == rgb)
        let grey = Self.samples(count)
        #expect(try image(.grey(grey)).pixels == grey.flatMap { [$0, $0, $0] })
        let colours = Self.samples(count * 3)
        let alpha = Self.samples(count)
        var both: [UInt8] = []
        for i in 0..<count {
            both += colours[3 * i..<3 * i + 3]
            both.append(alpha[i])
        }
        let rgba = try image(.rgba(both))
        #expect(rgba.pixels == colours)
        #expect(rgba.alpha == alpha)
        let indexed = try image(.indexed(grey, .voc))
        #expect(
            indexed.pixels == grey.flatMap { Palette.voc.colours[Int($0) * 3..<Int($0) * 3 + 3] })
    }

    @Test func `an indexed file keeps indices, not colours`() throws {
        let bytes = try PNGFile(
            width: 2, height: 2, .indexed([0, 1, 2, 255], .voc), texts: []
        ).encoded()
        #expect(bytes[25] == 3 && bytes[24] == 8)
    }

    /// The first colours of the VOC development kit's `VOClabelcolormap`.
    @Test func `the palette is that of PASCAL VOC`() {
        let known: [UInt8] = [
            0, 0, 0, 128, 0, 0, 0, 128, 0, 128, 128, 0, 0, 0, 128, 128, 0, 128, 0, 128, 128,
            128, 128, 128, 64, 0, 0, 192, 0, 0, 64, 128, 0, 192, 128, 0, 64, 0, 128,
        ]
        #expect(Array(Palette.voc.colours.prefix(known.count)) == known)
        #expect(Array(Palette.voc.colours.suffix(3)) == [224, 224, 192])
        #expect(Palette.voc.colours.count == 768)
    }

    @Test func `texts come back by their keys, whatever they hold`() throws {
        let texts = [
            PNGFile.Text(key: "dseg", value: "{\"words\": \"Hündin, 犬, 🐕\", \"n\": [1,\n2]}"),
            PNGFile.Text(key: "Empty", value: ""),
            PNGFile.Text(
                key: String(repeating: "k", count: 79),
                value: String(repeating: "é", count: 9999)),
        ]
        let bytes = try PNGFile(width: 3, height: 1, .grey([1, 2, 3]), texts: texts).encoded()
        let read = try PNGFile.texts(in: bytes)
        #expect(read.count == 3)
        for text in texts { #expect(read[text.key] == text.value) }
        #expect(try Image(decoding: bytes).pixels == [1, 1, 1, 2, 2, 2, 3, 3, 3])
    }

    @Test func `the same picture and texts give the same bytes`() throws {
        let file = PNGFile(
            width: 40, height: 30, .rgb(Self.samples(3600)),
            texts: [PNGFile.Text(key: "a", value: "b")])
        #expect(try file.encoded() == file.encoded())
    }

    @Test func `a text whose bytes were changed is not believed`() throws {
        let text = PNGFile.Text(key: "dseg", value: "seed 17")
        var bytes = try PNGFile(width: 1, height: 1, .grey([0]), texts: [text]).encoded()
        let at = try #require(bytes.indices.first { bytes[$0...].starts(with: Array("17".utf8)) })
        bytes[at] ^= 1
        #expect(try PNGFile.texts(in: bytes).isEmpty)
    }

    @Test func `texts of a file cut off or of no PNG are an error`() throws {
        let text = PNGFile.Text(key: "dseg", value: "seed 17")
        let bytes = try PNGFile(width: 2, height: 1, .grey([0, 9]), texts: [text]).encoded()
        for length in 0..<bytes.count {
            #expect(throws: ImageError.self) { try PNGFile.texts(in: Array(bytes.prefix(length))) }
        }
        #expect(throws: ImageError.self) { try PNGFile.texts(in: Array("GIF89a".utf8)) }
    }
}
