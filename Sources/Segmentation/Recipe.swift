import Texts

/// How score maps are made, from the prompt to the mask: all parameters in which methods differ, as a value.
///
/// Caches are keyed by the whole value, not by the name alone.
package struct Recipe: Sendable, Hashable {
    /// As requests name it.
    package let name: String
    package let template: PromptTemplate
    /// The prompt of the one U-Net pass for all phrases, where a request gives none; `nil` where each phrase has a pass
    /// of its own with its own prompt.
    package let forwardPrompt: String?
    /// The training step of the scheduler whose share of noise is added to the latent.
    package let timestep: Int
    /// The self-attention layers captured in a pass. Of cross-attention the queries of all layers are captured.
    package let captures: SelfAttentionCaptures
    package let aggregation: Aggregation
    package let refinement: Refinement
    /// The constant score of the background, in 0...1: a pixel where no label scores more belongs to none.
    package let background: Float

    /// As published (DiffSegmenter, VCG-team/DiffSegmenter `ptp_stable_best.py`), without the unconditional half of
    /// each batch, which nothing reads.
    package static let diffsegmenter = Recipe(
        name: "diffsegmenter", template: .photograph, forwardPrompt: nil, timestep: 100,
        captures: SelfAttentionCaptures(level: 0, down: .all, middle: .all, up: .all),
        aggregation: Aggregation(weights: [[0.3, 0.5, 0.1, 0.1], [0.3, 0.5, 0.2]]),
        refinement: Refinement(completions: 1), background: 0.5)

    /// The same maps from one pass for all phrases: the keys of each phrase's own prompt are scored against its queries
    /// (OVAM's observation that the pass need not have read the word). The pass reads the empty prompt, so that a
    /// label's map does not depend on the other labels.
    package static let shared = Recipe(
        name: "shared", template: .photograph, forwardPrompt: "", timestep: diffsegmenter.timestep,
        captures: diffsegmenter.captures, aggregation: diffsegmenter.aggregation,
        refinement: diffsegmenter.refinement, background: diffsegmenter.background)

    package static let all = [shared, diffsegmenter]
}

extension Recipe {
    /// - Parameter name: of a recipe; "" means `shared`
    /// - Throws: `unknownRecipe`
    package init(named name: String) throws(SegmentationError) {
        guard let recipe = Self.all.first(where: { ExactString($0.name) == ExactString(name) || name.isEmpty }) else {
            throw .unknownRecipe(name, known: Self.all.map(\.name))
        }
        self = recipe
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

/// How the cross-attention maps of a label become one (DiffSegmenter, "cross-attention fusion"): the mean over heads
/// and layers at each resolution, min-max there, and a weighted sum over resolutions.
package struct Aggregation: Sendable, Hashable {
    /// Lists of weights, coarse to fine: a U-Net takes the first that has one for each resolution of its
    /// cross-attention.
    let weights: [[Float]]
}

/// The refinement of the fused map by self-attention (DiffSegmenter, "mask completion").
package struct Refinement: Sendable, Hashable {
    /// How often `M ← S M` is applied, S the affinity: a pixel's score becomes the mean of those it attends to.
    let completions: Int
}
