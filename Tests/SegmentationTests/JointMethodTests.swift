import Foundation
import Kernels
import Networks
import Testing

@testable import Segmentation

/// A layer's queries `[pixels, C]` and its keys of each prompt `[tokens, C]`, as the networks make them.
private struct ObservedLayer {
    let side: Int
    let heads: Int
    let queries: [Float]
    var keys: [[Float]] = []

    /// e^(q k / √D), `[tokens]`.
    func powers(_ prompt: Int, pixel: Int, head: Int) -> [Double] {
        let channels = queries.count / (side * side)
        let width = channels / heads
        let columns = head * width..<(head + 1) * width
        return stride(from: 0, to: keys[prompt].count, by: channels).map { row in
            let product = columns.reduce(0) {
                $0 + Double(queries[pixel * channels + $1]) * Double(keys[prompt][row + $1])
            }
            return exp(product / Double(width).squareRoot())
        }
    }
}

@Suite struct `one softmax for all labels` {
    /// Each label's ways to be said, and the positions of these words in their prompts.
    private static let labels: [[(words: String, positions: [Int32])]] = [
        [("dog", [4])], [("teddy bear", [4, 5]), ("toy", [4])], [("grass", [4])],
    ]

    private let model: Model
    private let texts: [[EncodedText]]
    private let layers: [ObservedLayer]
    private let features: AttentionFeatures
    private let fusion: AttentionFusion
    private static let weights: [Float] = [0.2, 0.7, 0.1, 0]

    init() throws {
        let model = try Fixture.model(Fixture.tiny)
        var arena = try model.scratch()
        let context = try EncodedText.reading([ReadPrompt("")], model, cancellation: .never, &arena)[0].context
        let texts = try Self.labels.map { phrases in
            let prompts = phrases.map { ReadPrompt("a photograph of \($0.words)") }
            return try EncodedText.reading(prompts, model, cancellation: .never, &arena)
        }
        let fusion = try AttentionFusion(
            model.unet, recipe: .variant(softmax: .joint, weights: [Self.weights], rounds: 0),
            Layout(model.latentSizes.trained))
        features = try arena.scope { arena in
            try model.features(
                of: noised(model, &arena), timestep: 100, context: context, capturing: fusion.captured, colours: nil,
                cancellation: .never, &arena)
        }
        let cross = model.unet.attentionLayers.map { layer in
            layer.kind == .crossAttention
                ? Matrix(stored: model.side(layer) * model.side(layer), by: layer.channels) : nil
        }
        try arena.scope { arena in
            try model.unet(
                noised(model, &arena), timestep: 100, context: context,
                captures: cross.map { matrix in matrix.map { .queries(into: $0) } ?? .nothing }, cancellation: .never,
                &arena)
        }
        layers = arena.scope { arena in
            zip(zip(cross, model.unet.attentionLayers).filter { $0.0 != nil }, model.crossKeys).map { layer, toKey in
                let keys = texts.joined().map { text in
                    let keys = arena.matrix(rows: text.context.rows, columns: layer.1.channels)
                    toKey(text.context, into: keys, &arena)
                    return keys.array
                }
                return ObservedLayer(
                    side: model.side(layer.1), heads: layer.1.heads, queries: layer.0?.array ?? [], keys: keys)
            }
        }
        (self.model, self.texts, self.fusion) = (model, texts, fusion)
    }

    /// A pixel's probability of a phrase in a head: with the other labels' tokens, of each the mean over its phrases.
    private func probability(_ layer: ObservedLayer, _ label: Int, _ phrase: Int, pixel: Int, head: Int) -> Double {
        var (own, chosen, others) = (0.0, 0.0, 0.0)
        var prompt = 0
        for (other, phrases) in Self.labels.enumerated() {
            for (index, (_, positions)) in phrases.enumerated() {
                let powers = layer.powers(prompt, pixel: pixel, head: head)
                let sum = positions.reduce(0) { $0 + powers[Int($1)] }
                if other != label { others += sum / Double(phrases.count) }
                if other == label, index == phrase {
                    (own, chosen) = (powers.reduce(0, +), sum / Double(positions.count))
                }
                prompt += 1
            }
        }
        return chosen / (own + others)
    }

    @Test func `has the fused maps of its definition`() throws {
        var arena = try model.scratch()
        let asked = zip(Self.labels, texts).map { phrases, texts in
            zip(phrases, texts).map { AskedPhrase(text: $1, positions: $0.positions) }
        }
        let found = try fusion.scores(of: asked, in: [features], cancellation: .never, &arena)
        let own = try asked.joined().map {
            try fusion.scores(of: [[$0]], in: [features], cancellation: .never, &arena)[0]
        }
        let side = model.unet.configuration.sampleSize
        let places = Self.labels.enumerated().flatMap { label, phrases in phrases.indices.map { (label, $0) } }
        for (place, (label, phrase)) in places.enumerated() {
            var expected = DoubleMap(repeating: 0, count: side * side)
            for (weight, resolution) in zip(Self.weights, Set(layers.map(\.side)).sorted()) where weight > 0 {
                let here = layers.filter { $0.side == resolution }
                let map = (0..<resolution * resolution).map { pixel in
                    let all = here.flatMap { layer in
                        (0..<layer.heads).map { probability(layer, label, phrase, pixel: pixel, head: $0) }
                    }
                    return all.reduce(0, +) / Double(all.count)
                }
                let scaled = minMax(resized(map, from: resolution, to: side))
                expected = zip(expected, scaled).map { $0 + Double(weight) * $1 }
            }
            func error(_ map: [Float]) -> Double { zip(map, expected).map { abs(Double($0) - $1) }.max() ?? 1 }
            #expect(error(found[place]) < 1e-4, "label \(label), phrase \(phrase)")
            #expect(error(own[place]) > 1e-2, "another softmax has another map")
        }
    }
}
