/// How the cross-attention maps of a label become one (DiffSegmenter, "cross-attention fusion"): a weighted sum over
/// resolutions.
package struct Aggregation: Sendable, Hashable {
    /// Lists of weights, coarse to fine: a U-Net takes the first that has one for each resolution of its
    /// cross-attention. Layers of weight 0 are not captured.
    let weights: [[Float]]
    package let maps: Maps

    /// The maps of a resolution, all heads and layers of which become one by their mean.
    package enum Maps: Sendable, Hashable {
        /// Of a phrase, the mean over its tokens, enlarged to the latent's size and min-max scaled there
        /// (DiffSegmenter).
        case ofPhrases
        /// Of every token of the prompt, divided by their sum and then enlarged; a phrase's is the mean over its tokens
        /// (iSeg).
        case ofTokens(TokenMaps)
        /// Of a label, CLIP's scores at each patch (CLIPer). No cross-attention is read.
        case ofPatches(DenseRule)
    }

    func with(weights: [[Float]]) -> Aggregation { Aggregation(weights: weights, maps: maps) }
    func with(_ maps: Maps) -> Aggregation { Aggregation(weights: weights, maps: maps) }
}

/// Which cross-attention maps of tokens count, and how pixels of a cluster share theirs.
package struct TokenMaps: Sendable, Hashable {
    /// By level of the U-Net, where not all layers count.
    let layers: [Int: LayerSelection]
    /// By level, indices of maps that count, where not all do: layer · heads + head, layers in the order of a pass.
    /// Those that a U-Net lacks are left out; where it has none of a list, all count.
    let heads: [Int: [Int]]
    /// `nil`: pixels keep their own.
    package internal(set) var clustering: Clustering?
}

/// Clusters of pixels by the divergence of their tokens' maps (iSeg, "category-enhanced clustering"): from pixels on a
/// grid, as many as are asked for or a few more, by Lloyd's algorithm.
package struct Clustering: Sendable, Hashable {
    let count: Int
    let rounds: Int

    /// iSeg's: a grid of six by six on Stable Diffusion's latent.
    static let standard = Clustering(count: 32, rounds: 20)
}

/// The tokens among which each head of a cross-attention layer divides a pixel's attention.
package enum Softmax: String, Sendable, Hashable, CaseIterable {
    /// All of a phrase's own prompt.
    case own
    /// Those, and the other labels' tokens from their prompts, of each label the mean over its phrases: a label's map
    /// depends on the other labels, but not on their order, and a label alone has its `own`.
    case joint
}
