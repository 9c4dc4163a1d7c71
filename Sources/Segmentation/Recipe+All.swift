import Images
import Kernels

/// The recipes that requests may name.
extension Recipe {
    package static let all = [
        best, shared, diffsegmenter, published, publishedAsShipped, isegVOC, isegContext,
        isegCOCO, cliperVOC, cliperContext, cliperCOCO, cliperBaseVOC, cliperBaseContext, cliperBaseCOCO,
        cliperAffinityVOC, cliperAffinityContext, cliperAffinityCOCO,
    ]

    /// The maps as published (DiffSegmenter, VCG-team/DiffSegmenter `ptp_stable_best.py`), of prompts by the template
    /// alone, without the unconditional half of each batch, which nothing reads.
    package static let diffsegmenter = Recipe(
        name: "diffsegmenter", about: .diffsegmenter, template: .photograph, captions: false, forwardPrompt: .own,
        enhancement: .none,
        timestep: 100, geometry: .square, resampling: .bilinear,
        captures: SelfAttentionCaptures(level: 0, layers: .all, heads: nil), softmax: .own,
        aggregation: Aggregation(weights: [[0.3, 0.5, 0.1, 0.1], [0.3, 0.5, 0.2]], maps: .ofPhrases),
        refinement: Refinement(affinity: .mean, rounds: 1, normalizes: false, scales: false), share: nil,
        sizing: .direct, edges: nil, presence: nil, background: 0.5, labelsTakeTies: false)

    /// As published, whole: BLIP continues each label's prompt with what it sees in the picture, and the label's words
    /// are weighted as compel's `++` weights them, 1.1 twice.
    package static let published = published("published", .published, enhancing: .all)
    /// In the released code `++` binds to a label's last word.
    package static let publishedAsShipped = published("published-as-shipped", .publishedAsShipped, enhancing: .last)

    private static func published(
        _ name: String, _ about: RecipeDescription, enhancing words: EnhancedWords
    ) -> Recipe {
        Recipe(
            name: name, about: about, template: .photograph, captions: true, forwardPrompt: .own,
            enhancement: Enhancement(factor: 1.21, origin: .emptyPrompt, words: words),
            timestep: diffsegmenter.timestep, geometry: .square, resampling: .bilinear,
            captures: diffsegmenter.captures, softmax: .own, aggregation: diffsegmenter.aggregation,
            refinement: diffsegmenter.refinement, share: nil, sizing: .direct, edges: nil, presence: nil,
            background: diffsegmenter.background, labelsTakeTies: false)
    }

    /// The same maps from one pass for all phrases: the keys of each phrase's own prompt are scored against its queries
    /// (OVAM's observation that the pass need not have read the word). The pass reads the empty prompt, so that a
    /// label's map does not depend on the other labels.
    package static let shared = Recipe(
        name: "shared", about: .shared, template: .photograph, captions: false, forwardPrompt: .fixed(""),
        enhancement: .none,
        timestep: diffsegmenter.timestep, geometry: .square, resampling: .bilinear, captures: diffsegmenter.captures,
        softmax: .own, aggregation: diffsegmenter.aggregation, refinement: diffsegmenter.refinement, share: nil,
        sizing: .direct, edges: nil, presence: nil, background: diffsegmenter.background, labelsTakeTies: false)

    /// `shared`'s pass, and more of the picture: its proportions, late self-attention weighed by colour and nearness,
    /// two rounds, labels that share each pixel, and a guided filter. Weights are T2S's and iSeg's for Stable
    /// Diffusion: the coarsest but one counts most, the finest of four nothing.
    package static let best = Recipe(
        name: "best", about: .best, template: .photograph, captions: false,
        forwardPrompt: shared.forwardPrompt, enhancement: .none,
        timestep: shared.timestep, geometry: Geometry(shape: .aspect, detail: 1), resampling: .bilinear,
        captures: SelfAttentionCaptures(
            level: 0, layers: LayerSelection(down: .none, middle: .none, up: .first(2)), heads: nil),
        softmax: .own,
        aggregation: Aggregation(weights: [[0.15, 0.7, 0.15, 0], [0.15, 0.7, 0.15]], maps: .ofPhrases),
        refinement: Refinement(affinity: .weighed(.standard), rounds: 2, normalizes: false, scales: false),
        share: Share(gamma: 1), sizing: .direct, edges: .standard, presence: nil, background: 0.4,
        labelsTakeTies: false)

    package static let isegVOC = iseg(
        "voc", .isegVOC, words: ", \(backgroundWords)", heads: isegHeads, entropy: 0.015, rounds: 8,
        background: competingBackground, labelsTakeTies: false)
    package static let isegContext = iseg(
        "context", .isegContext, words: "", heads: [:], entropy: 0.002, rounds: 5, background: competingBackground,
        labelsTakeTies: false)
    package static let isegCOCO = iseg(
        "coco", .isegCOCO, words: "", heads: [:], entropy: 0.2, rounds: 10, background: 0.45, labelsTakeTies: true)

    /// iSeg (linsun449/iseg.code 2e8fb32), with the prompt of its weakly supervised script.
    private static func iseg(
        _ setting: String, _ about: RecipeDescription, words: String, heads: [Int: [Int]], entropy: Float, rounds: Int,
        background: Float, labelsTakeTies: Bool
    ) -> Recipe {
        let half = LayerSelection(down: .last(1), middle: .all, up: .allButLast)
        return Recipe(
            name: "iseg:\(setting)", about: about, template: .photograph, captions: false,
            forwardPrompt: .joined(
                PhraseList(
                    before: "a photograph of ", between: " and ", after: " and other object and background\(words)")),
            enhancement: Enhancement(factor: 1.6, origin: .zero, words: .all), timestep: 100, geometry: .square,
            resampling: .bilinear,
            captures: SelfAttentionCaptures(
                level: 0, layers: LayerSelection(down: .none, middle: .none, up: .only(1)), heads: [1, 2]),
            softmax: .own,
            aggregation: Aggregation(
                weights: (3...5).map { [Float](repeating: 0, count: $0 - 3) + [0.7, 0.3, 0] },
                maps: .ofTokens(TokenMaps(layers: [1: half], heads: heads, clustering: .standard))),
            refinement: Refinement(
                affinity: .sharpened(EntropyKernel(entropy: entropy)), rounds: rounds, normalizes: true, scales: false),
            share: nil, sizing: Sizing(passesInput: true, rescaling: Rescaling(target: .unit, epsilon: 1e-6)),
            edges: nil, presence: nil,
            background: background, labelsTakeTies: labelsTakeTies)
    }

    /// What is left on VOC of iSeg's list, of which its script reads the first line.
    private static let backgroundWords = "ground, land, grass, tree, building, wall, sky, lake, water"
    /// The background scores (1 - m)², where m is the largest score of a label: that is more than m up to this m.
    private static let competingBackground: Float = (3 - Float(5).squareRoot()) / 2
    /// iSeg's choice on Stable Diffusion 2.1-base: of the 30 maps of its three layers at half the latent's side, and of
    /// the 100 of its five at a quarter.
    private static let isegHeads = [
        1: [22, 5, 21, 13, 8, 27, 28, 6, 25],
        2: [
            76, 1, 43, 17, 81, 6, 44, 27, 2, 8, 22, 20, 60, 78, 12, 83, 94, 47, 88, 96, 3, 33, 46, 52, 77, 93, 51, 58,
            0, 13, 14, 19, 34, 41, 59, 87, 16, 24, 28, 30, 32,
        ],
    ]

    package static let cliperVOC = cliper(
        "cliper:voc", .cliper("VOC", .large), .ofPatches(.voc), cut: 0.1, presence: 0.5, background: 0.4, .unitRange)
    package static let cliperContext = cliper(
        "cliper:context", .cliper("Context", .large), .ofPatches(.context), cut: 0.2, presence: 0.3, background: 0.3,
        .ofTop)
    package static let cliperCOCO = cliper(
        "cliper:coco", .cliper("COCO", .large), .ofPatches(.coco), cut: 0.1, presence: 0.5, background: 0.5, .ofTop)
    package static let cliperBaseVOC = cliper(
        "cliper-b16:voc", .cliper("VOC", .base), .ofPatches(.vocB16), cut: 0.1, presence: 0.7, background: 0.6,
        .unitRange)
    package static let cliperBaseContext = cliper(
        "cliper-b16:context", .cliper("Context", .base), .ofPatches(.contextB16), cut: 0.2, presence: 0.45,
        background: 0.45, .ofTop)
    package static let cliperBaseCOCO = cliper(
        "cliper-b16:coco", .cliper("COCO", .base), .ofPatches(.cocoB16), cut: 0.2, presence: 0.3, background: 0.3,
        .ofTop)

    package static let cliperAffinityVOC = cliper(
        "cliper-affinity:voc", .cliperAffinity("VOC", demo: "29.8"), .ofPhrases, cut: 0.1, presence: 0.5,
        background: 0.4, .unitRange)
    package static let cliperAffinityContext = cliper(
        "cliper-affinity:context", .cliperAffinity("Context", demo: "17.9"), .ofPhrases, cut: 0.2, presence: 0.3,
        background: 0.3, .ofTop)
    package static let cliperAffinityCOCO = cliper(
        "cliper-affinity:coco", .cliperAffinity("COCO", demo: "15.0"), .ofPhrases, cut: 0.1, presence: 0.5,
        background: 0.5, .ofTop)

    /// CLIPer (linsun449/cliper.code c05fa41): CLIP's scores at each patch, or in their place `shared`'s fused maps,
    /// completed by one head of self-attention after the other.
    private static func cliper(
        _ name: String, _ about: RecipeDescription, _ maps: Aggregation.Maps, cut: Float, presence: Float,
        background: Float, _ rescaling: Rescaling
    ) -> Recipe {
        let readsNothing = (1...5).map { [Float](repeating: 0, count: $0) }
        return Recipe(
            name: name, about: about, template: .photograph, captions: false, forwardPrompt: .fixed(""),
            enhancement: .none, timestep: 101, geometry: .square, resampling: .nearest,
            captures: SelfAttentionCaptures(
                level: 0, layers: LayerSelection(down: .none, middle: .none, up: .first(2)), heads: nil),
            softmax: .own,
            aggregation: Aggregation(
                weights: maps == .ofPhrases ? shared.aggregation.weights : readsNothing, maps: maps),
            refinement: Refinement(
                affinity: .heads(HeadRule(threshold: cut, combination: .product)), rounds: 1, normalizes: false,
                scales: true),
            share: nil, sizing: Sizing(passesInput: false, rescaling: rescaling), edges: nil, presence: presence,
            background: background, labelsTakeTies: true)
    }
}

extension Rescaling {
    fileprivate static let unitRange = Rescaling(target: .unit, epsilon: 1e-6)
    fileprivate static let ofTop = Rescaling(target: .top, epsilon: 1e-5)
}

extension Sizing {
    static let direct = Sizing(passesInput: false, rescaling: .minMax)
}
