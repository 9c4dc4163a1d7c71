import Images
import Kernels
import Networks
import Segmentation
import Support
import Testing

/// What diffusers makes of a picture stretched to a latent that is not square (`Fixtures/shapes/make_shapes.py`).
struct ShapeGolden: Sendable, CustomTestStringConvertible {
    let checkpoint: String
    /// Sides of the latent.
    let height: Int
    let width: Int

    var testDescription: String { "\(checkpoint)-\(height)x\(width)" }

    static let all =
        [(24, 16), (16, 24), (8, 24), (8, 16)].map { ShapeGolden(checkpoint: "tiny", height: $0.0, width: $0.1) }
        + [(24, 16), (12, 16), (16, 12)].map { ShapeGolden(checkpoint: "tiny-odd", height: $0.0, width: $0.1) }

    func tensors() throws -> TensorFile {
        try TensorFile(path: "\(Repository.root)/Tests/Fixtures/shapes/\(testDescription).safetensors")
    }

    func model(_ precision: Precision) throws -> Model {
        try Fixture.model(checkpoint == "tiny" ? Fixture.tiny : Fixture.odd, precision)
    }

    /// The picture at the size that gives the latent, `[rows, columns, 3]` in 0...1.
    func picture() throws -> (rows: Int, columns: Int, samples: [Float]) {
        let image = try Image(decoding: Fixture.bytes("Tests/Fixtures/\(checkpoint)/golden/image.png"))
        let factor = checkpoint == "tiny" ? 8 : 4
        let (rows, columns) = (factor * height, factor * width)
        return (rows, columns, image.resized(width: columns, height: rows, by: .bilinear))
    }

    /// Of `rows` rows those that a golden has, as many as `kept`.
    static func kept(_ kept: Int, of rows: Int) throws -> StrideTo<Int> {
        let steps = [1, 5, 7, 11, 13, 17, 19, 23, 29, 31, 37, 41, 43, 47]
        return stride(from: 0, to: rows, by: try #require(steps.first { (rows + $0 - 1) / $0 == kept }))
    }
}

@Suite struct `a latent that is not square` {
    /// That of `dseg-bench verify`; in fixed point the least that PyTorch's bfloat16 loses in a layer of the square
    /// goldens (`Fixtures/bf16`).
    private static func limit(_ precision: Precision) -> Float { precision == .f32 ? 1e-4 : 0.018 }

    @Test(arguments: ShapeGolden.all) func `is of the picture stretched as torch does`(golden: ShapeGolden) throws {
        let expected = try golden.tensors().values(of: "picture")
        let picture = try golden.picture()
        let length = 3 * picture.columns
        let found = try ShapeGolden.kept(expected.count / length, of: picture.rows).flatMap {
            picture.samples[$0 * length..<($0 + 1) * length]
        }
        try #require(found.count == expected.count)
        #expect(zip(found, expected).allSatisfy { ($0 - $1).magnitude <= 4e-7 })
    }

    @Test(arguments: ShapeGolden.all, Precision.allCases)
    func `has the posterior's mean of diffusers`(golden: ShapeGolden, precision: Precision) throws {
        let model = try golden.model(precision)
        let picture = try golden.picture()
        var arena = try Arena(reserving: 1 << 36)
        let found = try arena.scope { arena in
            let x = arena.featureMap(height: picture.rows, width: picture.columns, channels: 3)
            x.matrix.fill(picture.samples)
            x.matrix.scale(by: 2, adding: -1)
            let moments = arena.featureMap(height: golden.height, width: golden.width, channels: 8)
            try model.autoencoder(x, into: moments, cancellation: Cancellation(deadline: nil), &arena)
            return moments.matrix.columns(0..<4).array
        }
        let expected = Matrix(stored: golden.height * golden.width, by: 4)
        expected.interleave(try golden.tensors().values(of: "mean"))
        let error = Difference.relativeError(found, to: expected.array)
        #expect(error <= Self.limit(precision), "\(error)")
    }

    @Test(arguments: ShapeGolden.all, Precision.allCases)
    func `is attended to as in diffusers, in every layer`(golden: ShapeGolden, precision: Precision) throws {
        let (model, tensors) = (try golden.model(precision), try golden.tensors())
        let text = try tensors.values(of: "context")
        let context = Matrix(
            stored: model.textEncoder.configuration.positions, by: model.textEncoder.configuration.width)
        context.fill(text)
        // A self-attention layer stands before the cross-attention of the same map.
        var pixels = 0
        let stores = try model.unet.attentionLayers.map { layer in
            let tensor = try #require(tensors.header.tensors.first { $0.name == "\(layer.name).processor" })
            if layer.kind == .selfAttention { pixels = tensor.shape[1] }
            return Matrix(stored: pixels, by: tensor.shape[1])
        }
        var arena = try Arena(reserving: 1 << 36)
        try arena.scope { arena in
            let latent = arena.featureMap(height: golden.height, width: golden.width, channels: 4)
            latent.matrix.interleave(try tensors.values(of: "noisy"))
            try model.unet(
                latent, timestep: 100, context: context,
                captures: zip(model.unet.attentionLayers, stores).map {
                    .mean(addingTo: $1, share: 1, heads: $0.heads)
                },
                cancellation: Cancellation(deadline: nil), &arena)
        }
        for (layer, store) in zip(model.unet.attentionLayers, stores) {
            let expected = try tensors.values(of: "\(layer.name).processor")
            let (array, columns) = (store.array, store.columns)
            let found = try ShapeGolden.kept(expected.count / columns, of: store.rows).flatMap {
                array[$0 * columns..<($0 + 1) * columns]
            }
            let error = Difference.relativeError(found, to: expected)
            #expect(error <= Self.limit(precision), "\(layer.name): \(error)")
        }
    }

    @Test(arguments: ShapeGolden.all) func `has the maps of diffusers' shared pass`(golden: ShapeGolden) throws {
        let (model, tensors) = (try golden.model(.f32), try golden.tensors())
        let configuration = model.textEncoder.configuration
        let empty = Matrix(stored: configuration.positions, by: configuration.width)
        empty.fill(try tensors.values(of: "context"))
        let recipe = Recipe.shared
        let fusion = try AttentionFusion(
            model.unet, recipe: recipe, Layout(Grid(height: golden.height, width: golden.width)))
        var arena = try Arena(reserving: 1 << 36)
        let features = try arena.scope { arena in
            let latent = arena.featureMap(height: golden.height, width: golden.width, channels: 4)
            latent.matrix.interleave(try tensors.values(of: "noisy"))
            return try model.features(
                of: latent, timestep: recipe.timestep, context: empty, capturing: fusion.captured, colours: nil,
                cancellation: Cancellation(deadline: nil), &arena)
        }
        for label in ["dog", "teddy bear", "grass"] {
            let prompt = recipe.template.prompt(for: label)
            let text = try EncodedText.reading(
                [ReadPrompt(prompt)], model, cancellation: Cancellation(deadline: nil), &arena)[0]
            let place = try #require(
                model.tokenizer.place(
                    of: label, in: prompt, from: recipe.template, length: configuration.positions))
            let asked = [[AskedPhrase(text: text, positions: place.positions.map(Int32.init))]]
            for (name, map) in [
                ("fused", fusion.fused(asked, in: [features], &arena)[0]),
                ("score", try fusion.scores(of: asked, in: [features], cancellation: .never, &arena)[0]),
            ] {
                let error = Difference.relativeError(map, to: try tensors.values(of: "\(label).\(name)"))
                #expect(error <= 1e-4, "\(label).\(name): \(error)")
            }
        }
    }
}
