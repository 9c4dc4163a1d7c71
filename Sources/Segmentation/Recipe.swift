import Texts

/// How score maps are made, from the prompt to the mask: all that makes one method differ from another, as a value.
///
/// Two recipes are one if all that they say is the same, whatever else has their name.
package struct Recipe: Sendable, Hashable {
    /// What requests call it.
    package let name: String
    package let template: PromptTemplate
    /// What the one U-Net pass for all phrases reads where a request names nothing; `nil` where each phrase has a pass
    /// of its own, which reads its prompt.
    package let forwardPrompt: String?
    /// How much noise the latent gets, of the scheduler's training steps.
    package let timestep: Int
    /// What of the self-attention is kept of a pass. The queries of cross-attention are, of all layers.
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

    /// The published maps, each read with the keys of its own prompt from the queries of one pass (OVAM's observation
    /// that queries do not need the word). That pass reads the empty prompt, which knows of no word: an answer does not
    /// depend on the words beside it.
    package static let shared = Recipe(
        name: "shared", template: .photograph, forwardPrompt: "", timestep: diffsegmenter.timestep,
        captures: diffsegmenter.captures, aggregation: diffsegmenter.aggregation,
        refinement: diffsegmenter.refinement, background: diffsegmenter.background)

    package static let all = [shared, diffsegmenter]
}

extension Recipe {
    /// - Parameter name: of a recipe; the empty name means `shared`
    package init(named name: String) throws(SegmentationError) {
        guard let recipe = Self.all.first(where: { ExactString($0.name) == ExactString(name) || name.isEmpty }) else {
            throw .unknownRecipe(name, known: Self.all.map(\.name))
        }
        self = recipe
    }
}

/// What stands around a label's words in its prompt.
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

/// What self-attention makes of the sum (DiffSegmenter, "mask completion").
package struct Refinement: Sendable, Hashable {
    /// How often a pixel takes the scores of those it attends to, `M ← S M`.
    let completions: Int
}
