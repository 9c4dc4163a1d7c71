package import Kernels

/// The refinement of the fused map by self-attention (DiffSegmenter, "mask completion").
package struct Refinement: Sendable, Hashable {
    package internal(set) var affinity: AffinityRule
    /// How often `M ← S M` is applied, S the affinity: a pixel's score becomes the mean of those it attends to.
    var rounds: Int
    /// Whether a map is shifted to a least value of 0 and divided by its sum, before the first round and after each
    /// (iSeg).
    let normalizes: Bool
    /// Whether the completed map is scaled so that its largest value is the label's score: the mean of the largest
    /// values of the fused and the completed map (CLIPer).
    let scales: Bool
}

/// What is made of the self-attention that a pass captures.
package enum AffinityRule: Sendable, Hashable {
    /// The mean over heads and layers.
    case mean
    /// The same, weighed by the picture's colours and nearness.
    case weighed(ColourKernel)
    /// The same, with less entropy (iSeg).
    case sharpened(EntropyKernel)
    /// Each head's by itself, weak links cut (CLIPer).
    case heads(HeadRule)

    var colour: ColourKernel? {
        if case .weighed(let kernel) = self { kernel } else { nil }
    }
}

/// How the heads' self-attention completes a map (CLIPer).
package struct HeadRule: Sendable, Hashable {
    /// Links below this share of a key's strongest are cut.
    let threshold: Float
    let combination: HeadProduct.Combination
}

/// Labels share each pixel: a label's score, min-max scaled, is multiplied by its part `m^γ / Σ m^γ` of all labels'
/// scores there, and min-max scaled again (GoCA's rescaling, for γ = 1).
package struct Share: Sendable, Hashable {
    /// γ
    let gamma: Int
}

/// How maps on the latent's grid become maps of the requested size.
package struct Sizing: Sendable, Hashable {
    /// Whether they are first enlarged to the size at which networks read the picture and min-max scaled there (iSeg).
    let passesInput: Bool
    /// To 0...1, whatever a label scored, or such that its largest score is that on the latent's grid (CLIPer).
    let rescaling: Rescaling
}

/// The guided filter (He, Sun, Tang 2013) that makes maps at the picture's size follow its edges.
package struct Edges: Sendable, Hashable {
    /// The box's radius is the guide's shorter side divided by this, rounded, and at least 1.
    let radiusDivisor: Int
    /// Variance below which the guide counts as flat, for samples in 0...1.
    let epsilon: Float

    static let standard = Edges(radiusDivisor: 12, epsilon: 1e-4)

    func radius(width: Int, height: Int) -> Int {
        max(1, Int((Double(min(width, height)) / Double(radiusDivisor)).rounded(.toNearestOrEven)))
    }
}

extension ColourKernel {
    /// Standard deviations of the bilateral kernel: of samples in 0...1, and of positions in units of the side.
    static let standard = ColourKernel(colour: 0.2, position: 0.1)
}
