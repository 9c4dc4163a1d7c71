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
///     layers of a resolution    mean of the label's tokens over heads and layers      [h·w]
///     up                        bilinear to the latent's size, min-max                a_r
///     fused                     Σ w_r a_r, coarse to fine                             A
///     completed                 S A, S the affinity, as many rounds as the recipe has  M
///
/// Resolutions of weight 0 are left out. Where S is of a coarser level than the latent, A is resized to S's grid before
/// it is completed, and M back. Where passes read tiles, their maps are blended at each resolution, and each tile is
/// completed by its own affinity, in every round.
package struct AttentionFusion {
    private struct Resolution {
        let level: Int
        let weight: Float
        /// Indices among the cross-attention layers.
        let layers: [Int]
    }

    private let resolutions: [Resolution]
    private let layout: Layout
    private let rounds: Int
    /// What a pass must capture.
    package let captured: CapturedLayers

    /// - Throws: `noWeights` or `noSelfAttention` where the recipe does not fit the U-Net's layers
    package init(_ unet: UNet, recipe: Recipe, _ layout: Layout) throws(SegmentationError) {
        let layers = unet.attentionLayers.filter { $0.kind == .crossAttention }
        self.layout = layout
        rounds = recipe.refinement.rounds
        let levels = Set(layers.map(\.level)).sorted(by: >)
        guard let weights = recipe.aggregation.weights.first(where: { $0.count == levels.count }) else {
            throw .noWeights(recipe: recipe.name, resolutions: levels.count)
        }
        resolutions = zip(levels, weights).filter { $0.1 != 0 }.map { level, weight in
            Resolution(level: level, weight: weight, layers: layers.indices.filter { layers[$0].level == level })
        }
        captured = try CapturedLayers(unet, recipe: recipe, levels: Set(resolutions.map(\.level)))
    }

    /// The score maps of all phrases, `[H·W]` each; the bits of one do not depend on others of its label, nor on the
    /// order of labels.
    ///
    /// - Parameters:
    ///   - labels: their phrases, in one softmax; phrases of a single one have a softmax each
    ///   - features: of each tile
    package func scores(
        of labels: [[AskedPhrase]], in features: [AttentionFeatures], _ arena: inout Arena
    ) -> [[Float]] {
        let fused = fused(labels, in: features, &arena)
        guard rounds > 0 else { return fused }
        let grid = layout.grid.level(captured.level)
        let attending = fused.map { Self.resized($0, from: layout.grid, to: grid) }
        return (0..<rounds)
            .reduce(attending) { maps, _ in completed(maps, by: features, &arena) }
            .map { Self.resized($0, from: grid, to: layout.grid) }
    }

    /// Maps on the affinities' grid after one round of completion.
    private func completed(
        _ maps: [[Float]], by features: [AttentionFeatures], _ arena: inout Arena
    ) -> [[Float]] {
        guard layout.tiles.count > 1 else { return features[0].affinity.completing(maps, &arena) }
        let tiling = Tiling(layout, level: captured.level)
        return tiling.blended(maps.count, &arena) { index, arena in
            features[index].affinity.completing(maps.map { tiling.part(index, of: $0) }, &arena)
        }
    }

    /// The fused cross-attention of all labels' phrases, `[H·W]` each, in 0...1.
    package func fused(
        _ labels: [[AskedPhrase]], in features: [AttentionFeatures], _ arena: inout Arena
    ) -> [[Float]] {
        var sums = labels.flatMap { $0.map { _ in [Float](repeating: 0, count: layout.grid.pixels) } }
        for resolution in resolutions {
            let maps = attention(
                to: labels, in: features, layers: resolution.layers, level: resolution.level, &arena)
            for (index, map) in maps.enumerated() {
                var resized = Self.resized(map, from: layout.grid.level(resolution.level), to: layout.grid)
                ScoreKernels.minMax(&resized)
                ScoreKernels.add(resized, times: resolution.weight, to: &sums[index])
            }
        }
        return sums
    }

    /// The mean over heads, some layers and each phrase's tokens of cross-attention probabilities, `[h·w]` each.
    ///
    /// - Parameters:
    ///   - layers: indices among the cross-attention layers
    ///   - level: the same for all of them
    package func attention(
        to labels: [[AskedPhrase]], in features: [AttentionFeatures], layers: [Int], level: Int,
        _ arena: inout Arena
    ) -> [[Float]] {
        func part(_ index: Int, _ arena: inout Arena) -> [[Float]] {
            attention(to: labels, in: features[index], layers: layers, layout.tiles[index].level(level).grid, &arena)
        }
        guard layout.tiles.count > 1 else { return part(0, &arena) }
        return Tiling(layout, level: level).blended(labels.reduce(0) { $0 + $1.count }, &arena, part)
    }

    /// The same for one pass, whose layers have maps of a grid.
    private func attention(
        to labels: [[AskedPhrase]], in features: AttentionFeatures, layers: [Int], _ grid: Grid,
        _ arena: inout Arena
    ) -> [[Float]] {
        arena.scope { arena in
            let count = labels.reduce(0) { $0 + $1.count }
            let maps = arena.matrix(rows: count, columns: ScoreKernels.columns(queries: grid.pixels))
            maps.clear()
            for layer in layers {
                guard let queries = features.queries[layer] else { preconditionFailure("layer \(layer) is captured") }
                ScoreKernels.score(
                    queries, joining: labels.map { $0.map { $0.query(layer) } }, share: 1 / Float(layers.count),
                    addingTo: maps, &arena)
            }
            return (0..<count).map { maps.rows($0..<$0 + 1).columns(0..<grid.pixels).array }
        }
    }

    /// A map at another size: bilinear, half-pixel centres.
    static func resized(_ map: [Float], from grid: Grid, to newGrid: Grid) -> [Float] {
        guard newGrid != grid else { return map }
        return unsafe [Float](unsafeUninitializedCapacity: newGrid.pixels) { buffer, count in
            guard let target = buffer.baseAddress else { return }
            unsafe map.withUnsafeBufferPointer { source in
                guard let source = source.baseAddress else { return }
                unsafe Bilinear.resize(
                    source, width: grid.width, height: grid.height, channels: 1,
                    to: (width: newGrid.width, height: newGrid.height), into: target)
            }
            count = newGrid.pixels
        }
    }
}
