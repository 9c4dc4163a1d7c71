package import Images
import Kernels
import Texts

/// How score maps are made, from the prompt to the mask: all parameters in which methods differ, as a value.
///
/// Caches are keyed by the parameters that a cached value depends on, never by the name.
package struct Recipe: Sendable, Hashable {
    /// As requests name it.
    package let name: String
    package let about: RecipeDescription
    package let template: PromptTemplate
    /// The prompt of the one U-Net pass for all phrases, where a request gives none; `nil` where each phrase has a pass
    /// of its own with its own prompt.
    package let forwardPrompt: String?
    /// The training step of the scheduler whose share of noise is added to the latent.
    package let timestep: Int
    /// The size that networks read a picture at.
    package internal(set) var geometry: Geometry
    /// How the picture is resized to it.
    package internal(set) var resampling: Resampling
    /// The self-attention layers captured in a pass. Of cross-attention the queries of all layers are captured whose
    /// resolution has a weight.
    package let captures: SelfAttentionCaptures
    package internal(set) var softmax: Softmax
    package internal(set) var aggregation: Aggregation
    package internal(set) var refinement: Refinement
    /// How labels share each pixel; `nil`: a label's map depends on no other label's.
    package internal(set) var share: Share?
    /// How maps at the picture's size follow its edges; `nil`: they are interpolated from the latent grid.
    package internal(set) var edges: Edges?
    /// The constant score of the background, in 0...1: a pixel where no label scores more belongs to none.
    package let background: Float

    /// Whether a label's map depends on the other labels.
    package var labelsCompete: Bool { softmax == .joint || share != nil }

    /// What of a picture is read.
    var reading: PictureReading {
        PictureReading(
            geometry: geometry, resampling: resampling, colours: refinement.colour != nil || edges != nil)
    }

    /// As published (DiffSegmenter, VCG-team/DiffSegmenter `ptp_stable_best.py`), without the unconditional half of
    /// each batch, which nothing reads.
    package static let diffsegmenter = Recipe(
        name: "diffsegmenter", about: .diffsegmenter, template: .photograph, forwardPrompt: nil, timestep: 100,
        geometry: .square, resampling: .bilinear,
        captures: SelfAttentionCaptures(level: 0, down: .all, middle: .all, up: .all), softmax: .own,
        aggregation: Aggregation(weights: [[0.3, 0.5, 0.1, 0.1], [0.3, 0.5, 0.2]]),
        refinement: Refinement(colour: nil, rounds: 1), share: nil, edges: nil, background: 0.5)

    /// The same maps from one pass for all phrases: the keys of each phrase's own prompt are scored against its queries
    /// (OVAM's observation that the pass need not have read the word). The pass reads the empty prompt, so that a
    /// label's map does not depend on the other labels.
    package static let shared = Recipe(
        name: "shared", about: .shared, template: .photograph, forwardPrompt: "", timestep: diffsegmenter.timestep,
        geometry: .square, resampling: .bilinear,
        captures: diffsegmenter.captures, softmax: .own, aggregation: diffsegmenter.aggregation,
        refinement: diffsegmenter.refinement, share: nil, edges: nil, background: diffsegmenter.background)

    /// `shared`'s pass, and more of the picture: late self-attention weighed by colour and nearness, two rounds, labels
    /// that share each pixel, and a guided filter. Weights are T2S's and iSeg's for Stable Diffusion: the coarsest but
    /// one counts most, the finest of four nothing.
    package static let best = Recipe(
        name: "best", about: .best, template: .photograph, forwardPrompt: shared.forwardPrompt,
        timestep: shared.timestep, geometry: .square, resampling: .bilinear,
        captures: SelfAttentionCaptures(level: 0, down: .none, middle: .none, up: .first(2)), softmax: .own,
        aggregation: Aggregation(weights: [[0.15, 0.7, 0.15, 0], [0.15, 0.7, 0.15]]),
        refinement: Refinement(colour: .standard, rounds: 2), share: Share(gamma: 1), edges: .standard,
        background: 0.4)

    package static let all = [best, shared, diffsegmenter]
}

extension Recipe {
    /// - Parameters:
    ///   - name: of a recipe; "" means `shared`
    ///   - settings: `key=value` each, see ``RecipeSetting``
    /// - Throws: `unknownRecipe`, and why a setting is refused
    package init(named name: String, settings: [String] = []) throws(SegmentationError) {
        let sought = name.isEmpty ? Self.shared.name : name
        guard let recipe = Self.all.first(where: { ExactString($0.name) == ExactString(sought) }) else {
            throw .unknownRecipe(name, known: Self.all.map(\.name))
        }
        self = try recipe.with(settings)
    }
}

/// The text before and after a label's words in its prompt.
package struct PromptTemplate: Sendable, Hashable {
    let before: String
    let after: String

    package static let photograph = PromptTemplate(before: "a photograph of ", after: "")

    package func prompt(for words: String) -> String {
        before + words + after
    }
}

/// The tokens among which each head of a cross-attention layer divides a pixel's attention.
package enum Softmax: String, Sendable, Hashable, CaseIterable {
    /// All of a phrase's own prompt.
    case own
    /// Those, and the other labels' tokens from their prompts, of each label the mean over its phrases: a label's map
    /// depends on the other labels, but not on their order, and a label alone has its `own`.
    case joint
}

/// How the cross-attention maps of a label become one (DiffSegmenter, "cross-attention fusion"): the mean over heads
/// and layers at each resolution, min-max there, and a weighted sum over resolutions.
package struct Aggregation: Sendable, Hashable {
    /// Lists of weights, coarse to fine: a U-Net takes the first that has one for each resolution of its
    /// cross-attention. Layers of weight 0 are not captured.
    let weights: [[Float]]
}

/// The refinement of the fused map by self-attention (DiffSegmenter, "mask completion").
package struct Refinement: Sendable, Hashable {
    /// Weighs the affinity by colour and nearness; `nil`: it is self-attention alone.
    var colour: ColourKernel?
    /// How often `M ← S M` is applied, S the affinity: a pixel's score becomes the mean of those it attends to.
    var rounds: Int
}

/// Labels share each pixel: a label's score, min-max scaled, is multiplied by its part `m^γ / Σ m^γ` of all labels'
/// scores there, and min-max scaled again (GoCA's rescaling, for γ = 1).
package struct Share: Sendable, Hashable {
    /// γ
    let gamma: Int
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
