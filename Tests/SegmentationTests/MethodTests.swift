import Kernels
import Networks
import Testing

@testable import Segmentation

/// A map of the definition, `[side, side]` row by row.
typealias DoubleMap = [Double]

/// Bilinear with half-pixel centres and repeated edges.
func resized(_ map: DoubleMap, from side: Int, to newSide: Int) -> DoubleMap {
    func neighbours(_ place: Int) -> (first: Int, second: Int, part: Double) {
        let position = max(0, (Double(place) + 0.5) * Double(side) / Double(newSide) - 0.5)
        let first = min(Int(position), side - 1)
        return (first, min(first + 1, side - 1), position - Double(first))
    }
    return (0..<newSide * newSide).map { pixel in
        let (y, x) = (neighbours(pixel / newSide), neighbours(pixel % newSide))
        func row(_ y: Int) -> Double {
            map[y * side + x.first] * (1 - x.part) + map[y * side + x.second] * x.part
        }
        return row(y.first) * (1 - y.part) + row(y.second) * y.part
    }
}

func minMax(_ map: DoubleMap) -> DoubleMap {
    let (least, most) = (map.min() ?? 0, map.max() ?? 0)
    return map.map { ($0 - least) / (most - least) }
}

extension Model {
    /// Pixels along a side of a layer's maps, for the square that the U-Net was trained on.
    func side(_ layer: AttentionLayer) -> Int { latentSizes.trained.level(layer.level).width }
}

/// Noise in place of a picture's latent.
func noised(_ model: Model, _ arena: inout Arena) -> FeatureMap {
    let side = model.unet.configuration.sampleSize
    let map = arena.featureMap(height: side, width: side, channels: model.unet.configuration.inChannels)
    map.matrix.fill(TorchNoise.normals(seed: 3, count: side * side * map.channels))
    return map
}

/// One pass, whose attention probabilities the definition reads and whose features the program scores.
private final class ObservedPass {
    let model: Model
    private let text: EncodedText
    /// The mean over heads, `[pixels, pixels]` or `[pixels, tokens]`, by the layer's name.
    private let probabilities: [String: Matrix]
    private let positions: [Int32] = [4, 5]
    private static let timestep = 100
    private var arena: Arena

    init(_ folder: String) throws {
        let model = try Fixture.model(folder)
        var arena = try model.scratch()
        let prompt = ReadPrompt("a photograph of a dog")
        let text = try EncodedText.reading([prompt], model, cancellation: .never, &arena)[0]
        let layers = model.unet.attentionLayers
        let store = MatrixStore(
            layers.map { layer in
                let pixels = model.side(layer) * model.side(layer)
                return (pixels, layer.kind == .selfAttention ? pixels : text.context.rows)
            })
        probabilities = Dictionary(uniqueKeysWithValues: zip(layers.map(\.name), store.matrices))
        try arena.scope { arena in
            try model.unet(
                noised(model, &arena), timestep: Self.timestep, context: text.context,
                captures: zip(layers, store.matrices).map { .mean(addingTo: $1, share: 1, heads: $0.heads) },
                cancellation: .never, &arena)
        }
        (self.model, self.text) = (model, text)
        self.arena = arena
    }

    /// What the program makes of it.
    func scores(_ recipe: Recipe) throws -> (map: [Float], affinity: Affinity) {
        let fusion = try AttentionFusion(model.unet, recipe: recipe, Layout(model.latentSizes.trained))
        return try arena.scope { arena in
            let features = try model.features(
                of: noised(model, &arena), timestep: Self.timestep, context: text.context,
                capturing: fusion.captured, colours: nil, cancellation: .never, &arena)
            let asked = AskedPhrase(text: text, positions: positions)
            guard case .matrix(let affinity) = features.affinity else { throw Disorder() }
            return (try fusion.scores(of: [[asked]], in: [features], cancellation: .never, &arena)[0], affinity)
        }
    }

    /// The mean of some layers' probabilities, row by row.
    func mean(_ names: [String]) throws -> DoubleMap {
        let all = try names.map { try #require(probabilities[$0]).array.map(Double.init) }
        return all[0].indices.map { place in all.reduce(0) { $0 + $1[place] } / Double(names.count) }
    }

    /// The map as the published method defines it, in doubles.
    ///
    /// - Parameters:
    ///   - weights: coarse to fine
    ///   - captured: names of self-attention layers of the same size
    func expected(weights: [Double], rounds: Int, captured: [String]) throws -> DoubleMap {
        let side = model.unet.configuration.sampleSize
        let cross = model.unet.attentionLayers.filter { $0.kind == .crossAttention }
        var sum = DoubleMap(repeating: 0, count: side * side)
        for (weight, resolution) in zip(weights, Set(cross.map(model.side)).sorted()) {
            let all = try mean(cross.filter { model.side($0) == resolution }.map(\.name))
            let attention = (0..<resolution * resolution).map { pixel in
                positions.reduce(0) { $0 + all[pixel * text.context.rows + Int($1)] } / Double(positions.count)
            }
            let map = minMax(resized(attention, from: resolution, to: side))
            sum = zip(sum, map).map { $0 + weight * $1 }
        }
        guard rounds > 0 else { return sum }
        let affinity = try mean(captured)
        let pixels = Int(Double(affinity.count).squareRoot())
        let grid = Int(Double(pixels).squareRoot())
        var map = resized(sum, from: side, to: grid)
        for _ in 0..<rounds {
            let last = map
            map = (0..<pixels).map { row in
                (0..<pixels).reduce(0) { $0 + affinity[row * pixels + $1] * last[$1] }
            }
        }
        return resized(map, from: grid, to: side)
    }
}

@Suite struct `a recipe's maps are those of its definition` {
    private static func names(_ blocks: String...) -> [String] {
        blocks.map { "\($0).transformer_blocks.0.attn1" }
    }

    /// What a recipe says, and the layers that it means of the tiny U-Net.
    private static let captures: [(SelfAttentionCaptures, [String])] = [
        (
            .finest,
            names(
                "down_blocks.0.attentions.0", "down_blocks.0.attentions.1", "up_blocks.3.attentions.0",
                "up_blocks.3.attentions.1", "up_blocks.3.attentions.2")
        ),
        (.firstUp, names("up_blocks.3.attentions.0", "up_blocks.3.attentions.1")),
        (
            .coarser,
            names(
                "down_blocks.1.attentions.0", "up_blocks.2.attentions.0", "up_blocks.2.attentions.1",
                "up_blocks.2.attentions.2")
        ),
        (.middle, names("mid_block.attentions.0")),
    ]

    @Test func `for every choice of captured layers, weights and rounds`() throws {
        let pass = try ObservedPass(Fixture.tiny)
        let weights: [Float] = [0.1, 0.2, 0.3, 0.4]
        for (captures, layers) in Self.captures {
            let means = try pass.mean(layers)
            for rounds in 0...2 {
                let recipe = Recipe.variant(
                    captures: captures, weights: [[0.5, 0.5], weights], rounds: rounds)
                let found = try pass.scores(recipe)
                let expected = try pass.expected(
                    weights: weights.map(Double.init), rounds: rounds, captured: layers)
                let error = zip(found.map, expected).map { abs(Double($0) - $1) }.max() ?? 1
                #expect(error < 1e-4, "\(captures), \(rounds) rounds")
                let rows = (0..<found.affinity.pixels).flatMap { found.affinity.row($0) }
                #expect(rows.count == means.count)
                #expect(zip(rows, means).allSatisfy { abs(Double($0) - $1) < 1e-4 })
            }
        }
    }
}
