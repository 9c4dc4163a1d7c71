import Images
import RPC
import Testing

@testable import Results

@Suite struct DrawingTests {
    @Test func `the mask shows each index in its VOC colour`() throws {
        let example = try Example()
        let bytes = try example.drawing().bytes(of: .mask)
        #expect(Array(bytes[24...25]) == [8, 3], "8 bits, indexed")
        let image = try Image(decoding: bytes)
        #expect(image.width == Example.width && image.height == Example.height)
        let colours: [[UInt8]] = [[0, 0, 0], [128, 0, 0], [0, 128, 0]]
        #expect(image.pixels == example.indices.flatMap { colours[Int($0)] })
    }

    @Test func `a grey mask's samples are the indices`() throws {
        let example = try Example()
        let bytes = try example.drawing().bytes(of: .greyMask)
        #expect(Array(bytes[24...25]) == [8, 0], "8 bits, grey")
        #expect(try Image(decoding: bytes).pixels == example.indices.flatMap { [$0, $0, $0] })
    }

    /// As the network and every viewer see it; what lies under alpha 0 may be anything, and was hidden on purpose.
    @Test(arguments: [true, false])
    func `the overlay is the picture on white, half covered where a label is`(hasAlpha: Bool) throws {
        var example = try Example()
        if !hasAlpha {
            example.picture = try PNGFile(
                width: Example.width, height: Example.height, .rgb(example.image.pixels), texts: []
            ).encoded()
        }
        let alpha = hasAlpha ? try #require(example.image.alpha) : example.indices.map { _ in 255 }
        let image = try Image(decoding: example.drawing().bytes(of: .overlay))
        #expect(image.alpha == nil)
        for (i, sample) in image.pixels.enumerated() {
            let (index, opacity) = (Int(example.indices[i / 3]), Double(alpha[i / 3]) / 255)
            let own = Int((Double(example.image.pixels[i]) * opacity + 255 * (1 - opacity)).rounded())
            let colour = Int(Palette.voc.colours[3 * index + i % 3])
            #expect(Int(sample) == (index == 0 ? own : (own + colour + 1) / 2))
        }
    }

    @Test func `an overlay shows nothing of what is hidden under alpha 0`() throws {
        var example = try Example()
        let files = try [0, 200].map { hidden in
            try PNGFile(
                width: Example.width, height: Example.height,
                .rgba((0..<Example.width * Example.height * 4).map { $0 % 4 == 3 ? 0 : hidden }), texts: []
            ).encoded()
        }
        let overlays = try files.map { file in
            example.picture = file
            return try Image(decoding: example.drawing().bytes(of: .overlay))
        }
        #expect(overlays[0] == overlays[1])
    }

    @Test(arguments: [("dog", 1), ("grass", 2)])
    func `a cut-out keeps the label's pixels and nothing else`(label: String, index: UInt8) throws {
        let example = try Example()
        let image = try Image(decoding: example.drawing().bytes(of: .cut(RegionExpression(label: label))))
        let alpha = try #require(image.alpha)
        let own = try #require(example.image.alpha)
        for i in example.indices.indices {
            let isKept = example.indices[i] == index
            #expect(alpha[i] == (isKept ? own[i] : 0))
            let kept = Array(example.image.pixels[3 * i..<3 * i + 3])
            #expect(Array(image.pixels[3 * i..<3 * i + 3]) == (isKept ? kept : [0, 0, 0]))
        }
    }

    /// Whoever gives a cut-out another alpha finds the picture's own colours where it was transparent.
    @Test func `a cut-out keeps the colours of transparent pixels, which no label has`() {
        let count = 5
        let image = Image(
            width: count, height: 1, pixels: (1...15).map { UInt8($0) }, alpha: [255, 0, 0, 7, 255])
        let region = Region(width: count, height: 1, of: [1, 0, 1, 2, 0], where: (0..<256).map { $0 == 1 })
        let cut = Compositing.cut(image, to: region)
        #expect(cut == [1, 2, 3, 255, 4, 5, 6, 0, 7, 8, 9, 0, 0, 0, 0, 0, 0, 0, 0, 0])
    }

    /// A viewer that heeds the picture's profile must heed it in what shows the picture, and in nothing else.
    @Test func `the picture's colour space goes with its colours alone`() throws {
        var example = try Example()
        let gamma = Array("gAMA\0\0\u{1}\u{2}".utf8)
        // Behind the header of 33 bytes, the chunk's CRC by zlib's own crc32.
        example.picture.insert(contentsOf: [0, 0, 0, 4] + gamma + [0x7C, 0x30, 0x30, 0x20], at: 33)
        let drawing = try example.drawing(["--overlay", "--heat", "--cut", "dog"])
        for output in [Output.overlay, .cut(RegionExpression(label: "dog")), .mask, .heat(label: "dog")] {
            let bytes = try drawing.bytes(of: output)
            let isKept = bytes.indices.contains { bytes[$0...].starts(with: gamma) }
            #expect(isKept == (output == .overlay || output == .cut(RegionExpression(label: "dog"))))
        }
    }

    @Test func `a heat map is the resized scores from black to white`() throws {
        let example = try Example()
        let image = try Image(decoding: example.drawing().bytes(of: .heat(label: "dog")))
        // Columns 0 to 5 of the 3 x 2 map [[3, 1, 1], [2, 1, 1]] stand at -0.25, 0.25, ... 2.25.
        let rows: [[Double]] = [[3, 2.5, 1.5, 1, 1, 1], [2, 1.75, 1.25, 1, 1, 1]]
        for (y, lower) in [0, 0.25, 0.75, 1].enumerated() {
            for x in 0..<Example.width {
                let score = rows[0][x] * (1 - lower) + rows[1][x] * lower
                let grey = Double(image.pixels[3 * (y * Example.width + x)])
                // Half a step of the grey, and what 16 bits lose of the scores.
                #expect(abs(grey - (score - 1) / 2 * 255) < 0.51)
            }
        }
        #expect(image.pixels.max() == 255 && image.pixels.min() == 0)
    }

    @Test func `a heat map of equal scores is black`() throws {
        let image = try Image(
            decoding: try Example().drawing().bytes(of: .heat(label: "grass")))
        #expect(image.pixels.allSatisfy { $0 == 0 })
    }

    @Test func `a drawing that the answer cannot give is refused`() throws {
        let example = try Example()
        #expect(throws: DrawingError.noScores) {
            try example.drawing([]).bytes(of: .heat(label: "dog"))
        }
        #expect(throws: DrawingError.noLabel("cat")) {
            try example.drawing().bytes(of: .cut(RegionExpression(label: "cat")))
        }
        let request = try example.plan().request(.handle(""), requestID: "")
        let other = try PNGFile(width: 1, height: 1, .grey([0]), texts: []).encoded()
        let drawing = try Drawing(
            example.answer(to: request), words: [], picturePath: "", picture: InputPicture(other), files: [],
            explains: false)
        #expect(throws: DrawingError.otherPicture) { try drawing.bytes(of: .overlay) }
    }
}
