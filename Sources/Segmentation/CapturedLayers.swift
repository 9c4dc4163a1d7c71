import Kernels
import Networks

/// What a recipe captures in a pass of one U-Net, and how its features are made from that: equal values, equal features
/// of the same pass.
package struct CapturedLayers: Sendable, Hashable {
    /// Indices among the U-Net's attention layers of those whose queries are captured, ascending.
    let queries: [Int]
    /// Indices among the U-Net's attention layers of those whose probabilities make the affinity, ascending, at least
    /// one.
    let probabilities: [Int]
    /// Of the layers whose probabilities make the affinity.
    let level: Int
    /// Weighs the affinity by the picture's colours; `nil`: it is the mean of the captured probabilities.
    let colour: ColourKernel?

    /// - Parameter levels: those of cross-attention that the recipe gives a weight
    /// - Throws: `noSelfAttention` where the U-Net has no layer that the recipe captures
    init(_ unet: UNet, recipe: Recipe, levels: Set<Int>) throws(SegmentationError) {
        let layers = unet.attentionLayers
        queries = layers.indices.filter { layers[$0].kind == .crossAttention && levels.contains(layers[$0].level) }
        probabilities = recipe.captures.indices(in: unet)
        level = recipe.captures.level
        guard !probabilities.isEmpty else { throw .noSelfAttention(recipe: recipe.name, level: level) }
        colour = recipe.refinement.colour
    }
}
