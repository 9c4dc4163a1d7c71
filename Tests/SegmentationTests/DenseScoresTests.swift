import FoundationEssentials
import Images
import Kernels
import Networks
import Support
import Testing

@testable import Segmentation

private let goldens = "\(Repository.root)/Tests/Fixtures/cliper"

/// What make_cliper.py was asked.
private struct Asked: Decodable {
    struct Case: Decodable {
        let folder: String
        let seed: UInt64
        let width: Int
        let height: Int
        let shortest: Int
        let scale: Float
        let cut: Float
        let layer: Int
        let classes: [[String]]
        let background: [String]

        var picture: Image {
            var random = SeededGenerator(seed: seed)
            let samples = (0..<width * height * 3).map { _ in UInt8(truncatingIfNeeded: random.next()) }
            return Image(width: width, height: height, pixels: samples, alpha: nil)
        }

        func filter(_ precision: Precision) throws -> LabelFilter {
            try Fixture.filter("\(Repository.root)/Tests/Fixtures/\(folder)", precision: precision)
        }
    }

    let templates: [String]
    let cases: [String: Case]

    static func read(_ name: String) throws -> (Case, DenseRule, TensorFile) {
        let asked = try JSONDecoder().decode(Asked.self, from: Data(Repository.bytes("\(goldens)/cliper.json")))
        let example = try #require(asked.cases[name])
        let side = try example.filter(.f32).clip.network.configuration.vision.side
        let rule = DenseRule(
            scale: example.scale, cut: example.cut, layer: example.layer,
            templates: asked.templates.map { PromptTemplate($0) }, background: example.background,
            enlargement: Float(example.shortest) / Float(side))
        return (example, rule, try TensorFile(path: "\(goldens)/\(name).safetensors"))
    }
}

extension LabelFilter {
    fileprivate func seedingSpace(_ rule: DenseRule, _ picture: Image, classes: Int) -> Int {
        MemoryEstimate.addressSpace(seedingBytes(rule, picture.size, classes: classes))
    }

    fileprivate func seeds(of picture: Image, _ classes: [[String]], by rule: DenseRule) throws -> (Grid, [[Float]]) {
        var arena = try Arena(reserving: seedingSpace(rule, picture, classes: classes.count))
        return try seeds(
            of: picture.pixels(as: reading(by: rule), .never), classes: classes, by: rule, for: 1,
            cancellation: .never, &arena)
    }
}

@Suite struct `seeds of labels by CLIP` {
    @Test(arguments: ["words", "tiny-odd"])
    func `each step is the authors', from the golden of the one before`(name: String) throws {
        let (example, rule, file) = try Asked.read(name)
        let filter = try example.filter(.f32)
        var arena = try Arena(reserving: 1 << 30)
        func expect(_ found: Matrix, _ tensor: String) throws {
            let error = Difference.relativeError(found.array, to: try file.values(of: tensor))
            #expect(error <= 1e-5, "\(tensor)")
        }
        func golden(_ tensor: String) throws -> Matrix {
            let shape = try #require(file.header.tensors.first { $0.name == tensor }).shape
            let columns = try #require(shape.last)
            let matrix = Matrix(stored: shape.dropLast().reduce(1, *), by: columns)
            matrix.fill(try file.values(of: tensor))
            return matrix
        }
        let vision = filter.clip.network.configuration.vision
        let map = try example.picture.map(as: rule.reading(filter.pictures, vision), .never)
        try expect(map.matrix, "pixel_values")
        #expect(map.height != map.width)
        let texts = try filter.texts(of: example.classes, by: rule, for: 1, cancellation: .never, &arena)
        try expect(texts, "texts")
        let (layers, embeddings) = (vision.sizes.layers, try golden("embeddings"))
        let patches = embeddings.rows / layers
        let scores = Matrix(stored: layers * example.classes.count, by: patches)
        LabelFilter.score(
            embeddings, against: try golden("texts"), by: rule, into: scores, layers: layers, &arena)
        try expect(scores, "scores")
        let links = try golden("links.\(layers - 1)").rows(1..<1 + patches).columns(1..<1 + patches)
        let (given, seeds) = (try golden("scores"), Matrix(stored: example.classes.count, by: patches))
        LabelFilter.spread(given, along: links, by: rule, into: seeds, layers: layers)
        let chosen = (layers - example.layer) * seeds.rows
        try expect(given.rows(chosen..<chosen + seeds.rows), "cut")
        try expect(seeds, "seeds")
    }

    @Test(arguments: ["words", "tiny-odd"])
    func `are the authors', from the picture`(name: String) throws {
        let (example, rule, file) = try Asked.read(name)
        for (precision, limit) in [(Precision.f32, Float(1e-4)), (.int16, 5e-2)] {
            let (grid, maps) = try example.filter(precision).seeds(of: example.picture, example.classes, by: rule)
            let error = Difference.relativeError(maps.flatMap(\.self), to: try file.values(of: "seeds"))
            #expect(error <= limit, "\(precision)")
            let shape = try #require(file.header.tensors.first { $0.name == "pixel_values" }).shape
            #expect(grid.height * shape[1] == grid.width * shape[0])
        }
    }

    /// The law of labels: neither the order nor other users' requests say anything.
    @Test func `do not depend on the labels' order, bit for bit`() throws {
        let (example, rule, _) = try Asked.read("words")
        let filter = try example.filter(.f32)
        let labels = example.classes + [["ing"], ["cat", "red cat"]]
        let expected = try filter.seeds(of: example.picture, labels, by: rule).1
        #expect(Set(expected).count == labels.count)
        for order in [[4, 3, 2, 1, 0], [2, 0, 4, 1, 3]] {
            filter.forget()
            let found = try filter.seeds(of: example.picture, order.map { labels[$0] }, by: rule).1
            #expect(found == order.map { expected[$0] })
        }
    }

    @Test(arguments: [(1, 1), (64, 48), (1, 20_000), (300, 2)])
    func `are finite for one colour, whatever the shape`(width: Int, height: Int) throws {
        let (example, rule, _) = try Asked.read("words")
        let filter = try example.filter(.f32)
        for shade: UInt8 in [0, 128, 255] {
            let picture = Image(
                width: width, height: height, pixels: .init(repeating: shade, count: width * height * 3), alpha: nil)
            let (grid, maps) = try filter.seeds(of: picture, example.classes, by: rule)
            #expect(maps.count == example.classes.count && maps.allSatisfy { $0.count == grid.pixels })
            #expect(maps.joined().allSatisfy { $0.isFinite && $0 >= 0 })
        }
    }

    @Test func `of no label are none, of one are its own`() throws {
        let (example, rule, _) = try Asked.read("words")
        let filter = try example.filter(.f32)
        #expect(try filter.seeds(of: example.picture, [], by: rule).1.isEmpty)
        #expect(try filter.seeds(of: example.picture, [["dog"]], by: rule).1.count == 1)
    }

    @Test func `end with their answer`() throws {
        let (example, rule, _) = try Asked.read("words")
        let filter = try example.filter(.f32)
        let cancelled = Cancellation(deadline: nil)
        cancelled.cancel()
        var arena = try Arena(reserving: filter.seedingSpace(rule, example.picture, classes: 3))
        #expect(throws: Interruption.cancelled) {
            _ = try filter.seeds(
                of: example.picture.pixels(as: filter.reading(by: rule), .never), classes: example.classes, by: rule,
                for: 1, cancellation: cancelled, &arena)
        }
        try arena.reserve(1 << 20)
    }

    @Test func `published lists have what is published`() {
        #expect([PromptTemplate].car.count == 15 && Set([PromptTemplate].car).count == 15)
        #expect([PromptTemplate].openAI.count == 80 && Set([PromptTemplate].openAI).count == 80)
        #expect([PromptTemplate].openAI[35].prompt(for: "cat") == "a cat in a video game.")
        #expect([PromptTemplate].car[3].prompt(for: "cat") == "There is a cat in the scene")
        #expect(DenseRule.voc.background.count == 25 && DenseRule.coco.background.count == 23)
        #expect(PromptTemplate("the").prompt(for: " cat") == "the cat")
    }
}
