import Kernels
package import Networks

/// What a recipe captures in a pass of one U-Net, and how its features are made from that: equal values, equal features
/// of the same pass.
package struct CapturedLayers: Sendable, Hashable {
    /// Indices among the U-Net's attention layers of those whose queries are captured, ascending.
    let queries: [Int]
    /// Indices among the U-Net's attention layers of those that make the affinity, ascending, at least one.
    package let selfAttention: [Int]
    /// Of these layers, the heads that count; `nil`: all.
    let heads: [Int]?
    /// Of these layers.
    let level: Int
    let affinity: AffinityRule

    /// - Parameter cross: indices among the cross-attention layers of those that count
    /// - Throws: `noSelfAttention` where the U-Net has no layer that the recipe captures
    init(_ unet: UNet, recipe: Recipe, cross: Set<Int>) throws(SegmentationError) {
        let layers = unet.attentionLayers
        let indices = layers.indices.filter { layers[$0].kind == .crossAttention }
        queries = indices.enumerated().filter { cross.contains($0.offset) }.map(\.element)
        selfAttention = recipe.captures.indices(in: unet)
        level = recipe.captures.level
        guard !selfAttention.isEmpty else { throw .recipe(.noSelfAttention(recipe: recipe.name, level: level)) }
        heads = recipe.captures.heads
        affinity = recipe.refinement.affinity
    }

    /// The share that each head of a layer has in the mean over heads and layers.
    package func shares(_ layer: AttentionLayer) -> [Float] {
        let all = Array(0..<layer.heads)
        let counted = heads.map { heads in heads.allSatisfy(all.contains) ? heads : all } ?? all
        let share = 1 / Float(selfAttention.count) / Float(counted.count)
        return all.map { counted.contains($0) ? share : 0 }
    }
}
