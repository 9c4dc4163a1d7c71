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

    func query(_ layer: Int) -> PhraseQuery { PhraseQuery(keys: text.keys[layer], positions: positions) }
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
///
/// Where a recipe reads the maps of all tokens (iSeg), a resolution's is that of a token, divided by its sum and then
/// enlarged; pixels of a cluster share their tokens' sums, and a label's is the mean over its tokens.
package struct AttentionFusion {
    package let cross: CrossAttention
    private let layout: Layout
    private let refinement: Refinement
    /// What a pass must capture.
    package let captured: CapturedLayers
    /// Of completion.
    var rounds: Int { refinement.rounds }
    /// In what the model falls short of the recipe, in sentences.
    var notes: [String] { cross.notes }

    /// - Throws: `noWeights`, `noCrossAttention` or `noSelfAttention` where the recipe does not fit the U-Net's layers
    package init(_ unet: UNet, recipe: Recipe, _ layout: Layout) throws(SegmentationError) {
        cross = try CrossAttention(unet, recipe: recipe, layout)
        self.layout = layout
        refinement = recipe.refinement
        captured = try CapturedLayers(unet, recipe: recipe, cross: cross.layers)
    }

    /// The score maps of all phrases, `[H·W]` each; the bits of one do not depend on others of its label, nor on the
    /// order of labels.
    ///
    /// - Parameters:
    ///   - labels: their phrases, in one softmax; phrases of a single one have a softmax each
    ///   - features: of each tile
    /// - Throws: `Interruption` between rounds of completion
    package func scores(
        of labels: [[AskedPhrase]], in features: [AttentionFeatures], cancellation: Cancellation,
        _ arena: inout Arena
    ) throws(Interruption) -> [[Float]] {
        try completed(
            fused(labels, in: features, &arena), rounds: refinement.rounds, in: features, cancellation: cancellation,
            &arena)
    }

    /// The fused cross-attention of all labels' phrases, `[H·W]` each.
    package func fused(
        _ labels: [[AskedPhrase]], in features: [AttentionFeatures], _ arena: inout Arena
    ) -> [[Float]] {
        switch cross.aggregation.maps {
        case .ofPhrases: cross.fused(labels, in: features, &arena)
        case .ofTokens(let maps): cross.fused(labels.flatMap(\.self), maps.clustering, in: features, &arena)
        case .ofPatches: preconditionFailure("labels are scored without cross-attention")
        }
    }

    /// The score maps of all labels, `[H·W]` each, from seeds on a grid of their own.
    ///
    /// - Throws: `Interruption` between rounds of completion
    package func scores(
        of seeds: [[Float]], on grid: Grid, rounds: Int, in features: [AttentionFeatures],
        cancellation: Cancellation, _ arena: inout Arena
    ) throws(Interruption) -> [[Float]] {
        try completed(
            seeds.map { CrossAttention.resized($0, from: grid, to: layout.grid) },
            tops: seeds.map(ScoreKernels.largest), rounds: rounds, in: features, cancellation: cancellation, &arena)
    }

    /// Fused maps, completed in some rounds, `[H·W]` each.
    ///
    /// - Throws: `Interruption` between rounds
    package func completed(
        _ fused: [[Float]], rounds: Int, in features: [AttentionFeatures], cancellation: Cancellation,
        _ arena: inout Arena
    ) throws(Interruption) -> [[Float]] {
        try completed(
            fused, tops: fused.map(ScoreKernels.largest), rounds: rounds, in: features, cancellation: cancellation,
            &arena)
    }

    /// - Parameter tops: the largest score of each map, where it was made
    private func completed(
        _ fused: [[Float]], tops: [Float], rounds: Int, in features: [AttentionFeatures], cancellation: Cancellation,
        _ arena: inout Arena
    ) throws(Interruption) -> [[Float]] {
        guard rounds > 0 || refinement.normalizes else { return fused }
        let grid = layout.grid.level(captured.level)
        var maps = fused.map { CrossAttention.resized($0, from: layout.grid, to: grid) }
        if refinement.normalizes { Self.normalize(&maps, &arena) }
        for _ in 0..<rounds {
            maps = try completed(maps, by: features, cancellation: cancellation, &arena)
            if refinement.normalizes { Self.normalize(&maps, &arena) }
        }
        maps = maps.map { CrossAttention.resized($0, from: grid, to: layout.grid) }
        guard refinement.scales else { return maps }
        return zip(maps, tops).map { Self.scaled($0, to: (ScoreKernels.largest($0) + $1) / 2, &arena) }
    }

    /// Maps on the affinities' grid after one round.
    private func completed(
        _ maps: [[Float]], by features: [AttentionFeatures], cancellation: Cancellation, _ arena: inout Arena
    ) throws(Interruption) -> [[Float]] {
        let tiling = Tiling(layout, level: captured.level)
        return try tiling.blended(maps.count, &arena) { (index, arena) throws(Interruption) in
            try features[index].affinity.completing(
                maps.map { tiling.part(index, of: $0) }, cancellation: cancellation, &arena)
        }
    }

    /// Shifts each map to a least value of 0, and divides it by its sum.
    private static func normalize(_ maps: inout [[Float]], _ arena: inout Arena) {
        maps = arena.changed(maps) { joined, _ in ScoreKernels.normalizeSums(joined, shifted: true) }
    }

    /// A map, such that its largest value is a label's score.
    package static func scaled(_ map: [Float], to score: Float, _ arena: inout Arena) -> [Float] {
        let top = ScoreKernels.largest(map)
        guard top > 0 else { return map }
        return arena.changed([map]) { row, _ in row.scale(by: score / top, adding: 0) }[0]
    }
}
