/// What a user is told of a recipe before they choose it.
package struct RecipeDescription: Sendable, Hashable {
    /// One sentence.
    package let summary: String
    /// What it takes beside the others.
    package let cost: String
    /// Where its figures come from.
    package let source: String

    static let diffsegmenter = RecipeDescription(
        summary: "the published method: a pass of the U-Net for each label",
        cost: "a pass for each label of each picture",
        source: "DiffSegmenter's paper and its code, ptp_stable_best.py; mean IoU 58.7 on the demo's first 40 scenes")

    static let shared = RecipeDescription(
        summary: "the published maps, from one pass of the U-Net for all labels",
        cost: "one pass for each picture, then milliseconds for each new word",
        source: "DiffSegmenter's figures, OVAM's single pass; mean IoU 61.2 on the demo's first 40 scenes")

    static let best = RecipeDescription(
        summary: "masks that follow the picture: one pass, an affinity of colour and nearness, labels that share each "
            + "pixel, edges by a guided filter",
        cost: "a tenth less of a pass than shared, then some more milliseconds for each picture and word",
        source: "weights and layers by T2S, iSeg, CLIPer and GoCA on Stable Diffusion, the rest by the demo: mean "
            + "IoU 75.7 on its first 40 scenes, whose flat colours flatter it")
}
