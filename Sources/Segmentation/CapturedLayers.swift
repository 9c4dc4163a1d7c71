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
    /// r: the affinity is `[r·r, r·r]`.
    let side: Int
    /// Weighs the affinity by the picture's colours; `nil`: it is the mean of the captured probabilities.
    let colour: ColourKernel?

    /// - Parameter sides: of the resolutions of cross-attention that the recipe gives a weight
    /// - Throws: `noSelfAttention` where the U-Net has no layer that the recipe captures
    init(_ unet: UNet, recipe: Recipe, sides: Set<Int>) throws(SegmentationError) {
        let layers = unet.attentionLayers
        queries = layers.indices.filter { layers[$0].kind == .crossAttention && sides.contains(layers[$0].side) }
        probabilities = recipe.captures.indices(in: unet)
        guard let first = probabilities.first else {
            throw .noSelfAttention(recipe: recipe.name, level: recipe.captures.level)
        }
        side = layers[first].side
        colour = recipe.refinement.colour
    }
}
