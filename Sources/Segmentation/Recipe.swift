import Texts

/// How score maps are made: a value, named by a request.
package struct Recipe: Sendable, Equatable {
    package enum Strategy: Sendable {
        /// One U-Net pass for any number of labels. Each label is read from the pass's queries with the keys of the
        /// label's own prompt.
        case sharedPass
        /// A U-Net pass for each prompt, which is also the one that the label is read with.
        case passForEachPrompt
    }

    package let name: String
    package let strategy: Strategy
    package let template: PromptTemplate
    /// How much noise the latent gets, of the scheduler's training steps.
    package let timestep: Int
    /// The score of the background.
    package let threshold: Float
    /// Weights of the cross-attention maps, coarse to fine, by how many resolutions there are.
    package let weights: [Int: [Float]]

    /// As published (DiffSegmenter, VCG-team/DiffSegmenter `ptp_stable_best.py`), without the unconditional half of
    /// each batch, which nothing reads.
    package static let diffsegmenter = Recipe(
        name: "diffsegmenter", strategy: .passForEachPrompt,
        template: PromptTemplate(before: "a photograph of ", after: ""), timestep: 100, threshold: 0.5,
        weights: [4: [0.3, 0.5, 0.1, 0.1], 3: [0.3, 0.5, 0.2]])

    /// The published maps, read from one pass (OVAM's observation that queries do not need the word).
    package static let shared = Recipe(
        name: "shared", strategy: .sharedPass, template: diffsegmenter.template,
        timestep: diffsegmenter.timestep, threshold: diffsegmenter.threshold, weights: diffsegmenter.weights)

    package static let all = [shared, diffsegmenter]

    /// - Parameter name: of a recipe; the empty name means `shared`
    package init(named name: String) throws(SegmentationError) {
        guard let recipe = Self.all.first(where: { ExactString($0.name) == ExactString(name) || name.isEmpty }) else {
            throw .unknownRecipe(name, known: Self.all.map(\.name))
        }
        self = recipe
    }

    private init(
        name: String, strategy: Strategy, template: PromptTemplate, timestep: Int, threshold: Float,
        weights: [Int: [Float]]
    ) {
        self.name = name
        self.strategy = strategy
        self.template = template
        self.timestep = timestep
        self.threshold = threshold
        self.weights = weights
    }
}

/// What stands around a label's words in its prompt.
package struct PromptTemplate: Sendable, Hashable {
    let before: String
    let after: String

    package func prompt(for words: String) -> String {
        before + words + after
    }
}
