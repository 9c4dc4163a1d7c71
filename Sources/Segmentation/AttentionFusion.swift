import Images
package import Kernels
package import Networks

/// A phrase to score: its encoded prompt, and the positions of its tokens in that prompt.
package struct AskedPhrase {
    package let text: EncodedText
    package let positions: [Int32]

    package init(text: EncodedText, positions: [Int32]) {
        self.text = text
        self.positions = positions
    }

    fileprivate func query(_ layer: Int) -> PhraseQuery { PhraseQuery(keys: text.keys[layer], positions: positions) }
}

/// From attention to a score map (DiffSegmenter, "cross-attention fusion" and "mask completion").
///
///     layers of a resolution    mean of the label's tokens over heads and layers      [r·r]
///     up                        bilinear to the latent's size, min-max                a_r
///     fused                     Σ w_r a_r, coarse to fine                             A
///     completed                 S A, S the affinity, as many rounds as the recipe has  M
///
/// Resolutions of weight 0 are left out. Where S is of a coarser level than the latent, A is resized to S's grid before
/// it is completed, and M back.
package struct AttentionFusion {
    private struct Resolution {
        let side: Int
        let weight: Float
        /// Indices among the cross-attention layers.
        let layers: [Int]
    }

    private let resolutions: [Resolution]
    private let side: Int
    private let rounds: Int
    /// What a pass must capture.
    package let captured: CapturedLayers

    /// - Throws: `noWeights` or `noSelfAttention` where the recipe does not fit the U-Net's layers
    package init(_ unet: UNet, recipe: Recipe) throws(SegmentationError) {
        let layers = unet.attentionLayers.filter { $0.kind == .crossAttention }
        side = unet.configuration.sampleSize
        rounds = recipe.refinement.rounds
        let sides = Set(layers.map(\.side)).sorted()
        guard let weights = recipe.aggregation.weights.first(where: { $0.count == sides.count }) else {
            throw .noWeights(recipe: recipe.name, resolutions: sides.count)
        }
        resolutions = zip(sides, weights).filter { $0.1 != 0 }.map { side, weight in
            Resolution(
                side: side, weight: weight, layers: layers.indices.filter { layers[$0].side == side })
        }
        captured = try CapturedLayers(unet, recipe: recipe, sides: Set(resolutions.map(\.side)))
    }

    /// The score maps of all phrases, `[H·W]` each; the bits of one do not depend on others of its label, nor on the
    /// order of labels.
    ///
    /// - Parameter labels: their phrases, in one softmax; phrases of a single one have a softmax each
    package func scores(
        of labels: [[AskedPhrase]], in features: AttentionFeatures, _ arena: inout Arena
    ) -> [[Float]] {
        let fused = fused(labels, in: features, &arena)
        guard rounds > 0 else { return fused }
        let attending = fused.map { Self.resized($0, from: side, to: captured.side) }
        return (0..<rounds)
            .reduce(attending) { maps, _ in features.affinity.completing(maps, &arena) }
            .map { Self.resized($0, from: captured.side, to: side) }
    }

    /// The fused cross-attention of all labels' phrases, `[H·W]` each, in 0...1.
    package func fused(
        _ labels: [[AskedPhrase]], in features: AttentionFeatures, _ arena: inout Arena
    ) -> [[Float]] {
        var sums = labels.flatMap { $0.map { _ in [Float](repeating: 0, count: side * side) } }
        for resolution in resolutions {
            let maps = attention(
                to: labels, in: features, layers: resolution.layers, side: resolution.side, &arena)
            for (index, map) in maps.enumerated() {
                var resized = Self.resized(map, from: resolution.side, to: side)
                ScoreKernels.minMax(&resized)
                ScoreKernels.add(resized, times: resolution.weight, to: &sums[index])
            }
        }
        return sums
    }

    /// The mean over heads, some layers and each phrase's tokens of cross-attention probabilities, `[r·r]` each.
    ///
    /// - Parameters:
    ///   - layers: indices among the cross-attention layers
    ///   - side: r, the same for all of them
    package func attention(
        to labels: [[AskedPhrase]], in features: AttentionFeatures, layers: [Int], side: Int, _ arena: inout Arena
    ) -> [[Float]] {
        arena.scope { arena in
            let count = labels.reduce(0) { $0 + $1.count }
            let maps = arena.matrix(rows: count, columns: ScoreKernels.columns(queries: side * side))
            maps.fill([Float](repeating: 0, count: maps.rows * maps.columns))
            for layer in layers {
                guard let queries = features.queries[layer] else { preconditionFailure("layer \(layer) is captured") }
                ScoreKernels.score(
                    queries, joining: labels.map { $0.map { $0.query(layer) } }, share: 1 / Float(layers.count),
                    addingTo: maps, &arena)
            }
            return (0..<count).map { maps.rows($0..<$0 + 1).columns(0..<side * side).array }
        }
    }

    /// A square map at another size: bilinear, half-pixel centres.
    private static func resized(_ map: [Float], from side: Int, to newSide: Int) -> [Float] {
        guard newSide != side else { return map }
        return unsafe [Float](unsafeUninitializedCapacity: newSide * newSide) { buffer, count in
            guard let target = buffer.baseAddress else { return }
            unsafe map.withUnsafeBufferPointer { source in
                guard let source = source.baseAddress else { return }
                unsafe Bilinear.resize(
                    source, width: side, height: side, channels: 1, to: (width: newSide, height: newSide),
                    into: target)
            }
            count = newSide * newSide
        }
    }
}
