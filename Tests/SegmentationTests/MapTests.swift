import Images
import Kernels
import Networks
import Segmentation
import Testing

@Suite struct `score maps and masks` {
    private let segmenter: Segmenter

    init() throws {
        segmenter = try Fixture.segmenter(Fixture.odd)
    }

    /// Bilinear with half-pixel centres, then min-max, in double precision.
    private func expected(_ map: LabelScores, width: Int, height: Int) -> [Double] {
        func taps(_ index: Int, _ count: Int, _ source: Int) -> (Int, Int, Double) {
            let place = max(0, (Double(index) + 0.5) * Double(source) / Double(count) - 0.5)
            let first = min(Int(place), source - 1)
            return (first, min(first + 1, source - 1), place - Double(first))
        }
        func value(_ x: Int, _ y: Int) -> Double { Double(map.scores[y * map.width + x]) }
        let columns = (0..<width).map { taps($0, width, map.width) }
        var resized: [Double] = []
        for y in 0..<height {
            let (top, bottom, down) = taps(y, height, map.height)
            for (left, right, across) in columns {
                let above = value(left, top) * (1 - across) + value(right, top) * across
                let below = value(left, bottom) * (1 - across) + value(right, bottom) * across
                resized.append(above * (1 - down) + below * down)
            }
        }
        let (least, most) = (resized.min() ?? 0, resized.max() ?? 0)
        return resized.map { ($0 - least) / (most - least) }
    }

    @Test(arguments: [(1, 7), (48, 48), (24, 24), (37, 91), (9, 3)])
    func `a sized map is the latent one, resized, from 0 to 1`(width: Int, height: Int) throws {
        let question = try RequestBuilder("dog", "bird")
        let latent = try segmenter.ask(question)
        let sized = try segmenter.ask(question.with(\.maps, .sized(width: width, height: height)))
        for (map, small) in zip(sized.scores, latent.scores) {
            #expect((small.width, small.height, small.scores.count) == (24, 24, 576))
            #expect((map.width, map.height, map.scores.count) == (width, height, width * height))
            #expect((map.scores.min(), map.scores.max()) == (0, 1))
            let errors = zip(map.scores, expected(small, width: width, height: height)).map {
                abs(Double($0) - $1)
            }
            #expect(errors.allSatisfy { $0 < 1e-4 })
        }
        #expect(sized.report.answerHash == Self.digest(sized.scores))
    }

    @Test func `one pixel is a constant map: zero`() throws {
        let sized = try segmenter.ask(RequestBuilder("dog").with(\.maps, .sized(width: 1, height: 1)))
        #expect(sized.scores[0].scores == [0])
    }

    @Test func `a map of the picture's size is the sized one of that size`() throws {
        let question = try RequestBuilder("dog").with(\.maps, .picture)
        let whole = try segmenter.ask(question)
        let sized = try segmenter.ask(question.with(\.maps, .sized(width: 190, height: 150)))
        #expect((whole.scores[0].width, whole.scores[0].height) == (190, 150))
        #expect(whole.bits == sized.bits)
    }

    @Test(arguments: [0, 0.25, 0.5, 0.9, 1] as [Float])
    func `a mask gives each pixel the best label above the threshold`(threshold: Float) throws {
        let question = try RequestBuilder("dog", "bird", "grass").with(\.threshold, threshold).with(\.wantsMask, true)
        let reply = try segmenter.ask(question.with(\.maps, .picture))
        let mask = try #require(reply.mask)
        #expect((mask.width, mask.height, mask.indices.count) == (190, 150, 190 * 150))
        let maps = reply.scores.map(\.scores)
        let expected = mask.indices.indices.map { pixel in
            var best = (label: UInt8(0), score: threshold)
            for (label, map) in maps.enumerated() where map[pixel] > best.score {
                best = (UInt8(label + 1), map[pixel])
            }
            return best.label
        }
        #expect(mask.indices == expected)
        #expect(mask.labels == 3)
        if threshold == 1 { #expect(mask.indices.allSatisfy { $0 == 0 }) }
    }

    /// A picture with a strip of nothing, a strip half seen, and the same picture as it is seen on white.
    private static func pictures() throws -> (withAlpha: [UInt8], onWhite: [UInt8], alpha: [UInt8]) {
        let image = try Image(decoding: Fixture.bytes(Fixture.picture))
        let (width, height) = (image.width, image.height)
        let alpha = (0..<width * height).map { pixel -> UInt8 in
            pixel % width < 60 ? 0 : pixel % width < 90 ? 51 : 255
        }
        var (rgba, seen): ([UInt8], [UInt8]) = ([], [])
        for (pixel, opacity) in alpha.enumerated() {
            let own = image.pixels[3 * pixel..<3 * pixel + 3]
            rgba += own + [opacity]
            seen += own.map { UInt8((Double($0) * Double(opacity) / 255 + 255 - Double(opacity)).rounded()) }
        }
        return (
            try PNGFile(width: width, height: height, .rgba(rgba), texts: []).encoded(),
            try PNGFile(width: width, height: height, .rgb(seen), texts: []).encoded(), alpha
        )
    }

    @Test func `a picture with alpha is looked at on white, and where it is transparent no label is`() throws {
        let pictures = try Self.pictures()
        let question = try RequestBuilder("dog", "bird", "grass").with(\.threshold, 0.1).with(\.wantsMask, true)
        let onWhite = try segmenter.ask(question.with(\.picture, .file(pictures.onWhite)))
        let expected = try #require(onWhite.mask)
        let hidden = zip(expected.indices, pictures.alpha).count { $0 != 0 && $1 == 0 }
        try #require(hidden > 0 && hidden < expected.indices.count { $0 != 0 })
        // The second answer is of the picture's latent, the third of what was remembered of the second.
        for _ in 0..<3 {
            let reply = try segmenter.ask(question.with(\.picture, .file(pictures.withAlpha)))
            #expect(reply.bits == onWhite.bits)
            let mask = try #require(reply.mask)
            #expect(mask.indices == zip(expected.indices, pictures.alpha).map { $1 == 0 ? 0 : $0 })
        }
    }

    @Test func `the transparent pixels of a picture are counted as its bytes`() throws {
        let pictures = try Self.pictures()
        let (plain, clear) = (try Fixture.segmenter(Fixture.odd), try Fixture.segmenter(Fixture.odd))
        _ = try plain.look(at: pictures.onWhite, owner: 1, cancellation: .never)
        _ = try clear.look(at: pictures.withAlpha, owner: 1, cancellation: .never)
        #expect(
            clear.workspace.memory.picturesBytes - pictures.withAlpha.count
                == plain.workspace.memory.picturesBytes - pictures.onWhite.count + (pictures.alpha.count + 7) / 8)
    }

    @Test func `a score that is the threshold goes to the background`() throws {
        let question = try RequestBuilder("dog").with(\.wantsMask, true).with(\.threshold, 0)
        let mask = try #require(try segmenter.ask(question).mask)
        #expect(mask.indices.contains(1))
        #expect(mask.indices.contains(0), "a map's least score is 0, which is not above the threshold 0")
    }

    /// SHA-256 of score maps, f32 in little-endian order.
    private static func digest(_ maps: [LabelScores]) -> String {
        SHA256.hexadecimal(
            of: maps.flatMap(\.scores).flatMap { score in
                (0..<4).map { UInt8(truncatingIfNeeded: score.bitPattern >> ($0 * 8)) }
            })
    }

    @Test func `without maps the mask is the same, and the hash its own`() throws {
        let question = try RequestBuilder("dog", "bird").with(\.wantsMask, true)
        let with = try segmenter.ask(question.with(\.maps, .picture))
        let without = try segmenter.ask(question.with(\.maps, .none))
        #expect(without.scores.isEmpty)
        #expect(without.mask?.indices == with.mask?.indices)
        #expect(with.report.answerHash == Self.digest(with.scores))
        #expect(without.report.answerHash == SHA256.hexadecimal(of: try #require(without.mask).indices))
        let neither = try segmenter.ask(question.with(\.maps, .none).with(\.wantsMask, false))
        #expect(neither.mask == nil)
        #expect(neither.report.answerHash == Self.digest(try segmenter.ask(question.with(\.wantsMask, false)).scores))
    }

    @Test func `the answer's hash is SHA-256 of the maps in the labels' order`() throws {
        let reply = try segmenter.ask(RequestBuilder("dog", "bird"))
        #expect(reply.report.answerHash == Self.digest(reply.scores))
        let masked = try segmenter.ask(RequestBuilder("dog", "bird").with(\.wantsMask, true))
        #expect(masked.report.answerHash == reply.report.answerHash)
        let permuted = try segmenter.ask(RequestBuilder("bird", "dog"))
        #expect(permuted.report.answerHash != reply.report.answerHash)
    }

    @Test(arguments: Recipe.all.filter { $0.dense == nil }.map(\.name))
    func `a label's map is the mean of its phrases' maps`(recipe: String) throws {
        let question = try RequestBuilder("dog", "puppy", "small animal")
            .with(\.recipe, Recipe(named: recipe, settings: ["gamma=off"]))
        let alone = try segmenter.ask(question).scores.map(\.scores)
        let phrases = ["dog", "puppy", "small animal"].map { Phrase(words: $0, prompt: nil) }
        let label = Label(name: "dog", phrases: phrases)
        let joint = try segmenter.ask(question.with(\.labels, [label])).scores[0].scores
        for (index, score) in joint.enumerated() {
            let mean = alone.reduce(0) { $0 + Double($1[index]) } / 3
            #expect(abs(Double(score) - mean) < 1e-6)
        }
    }

    @Test func `255 labels are answered`() throws {
        let labels = (1...255).map { Label(name: "\($0)", phrases: [Phrase(words: "thing \($0)", prompt: nil)]) }
        let question = try RequestBuilder().with(\.labels, labels).with(\.wantsMask, true).with(\.maps, .none)
        let mask = try #require(try segmenter.ask(question).mask)
        #expect(mask.labels == 255 && mask.indices.contains { $0 > 0 })
        #expect(mask.indices.count == 190 * 150)
    }
}
