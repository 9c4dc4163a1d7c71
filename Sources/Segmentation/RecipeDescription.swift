/// What a user is told of a recipe before they choose it.
package struct RecipeDescription: Sendable, Hashable {
    /// One sentence.
    package let summary: String
    /// What it takes beside the others.
    package let cost: String
    /// Where its figures come from.
    package let source: String

    static let diffsegmenter = RecipeDescription(
        summary: "the published maps, a pass of the U-Net for each label, of prompts by the template alone",
        cost: "a pass for each label of each picture",
        source: "DiffSegmenter's paper and its code, ptp_stable_best.py; mean IoU 58.7 on the demo's first 40 scenes")

    static let published = RecipeDescription(
        summary: "the published method, whole: a captioner continues each label's prompt, whose words are weighted, "
            + "and each label has a pass of the U-Net",
        cost: "a caption and a pass for each label of each picture",
        source: "DiffSegmenter's paper and its code, ptp_stable_best.py")

    static let publishedAsShipped = RecipeDescription(
        summary: "published, with the weight on the last word of a label, as the released code binds it",
        cost: published.cost, source: published.source)

    static let shared = RecipeDescription(
        summary: "the published maps, from one pass of the U-Net for all labels",
        cost: "one pass for each picture, then milliseconds for each new word",
        source: "DiffSegmenter's figures, OVAM's single pass; mean IoU 61.2 on the demo's first 40 scenes")

    static let best = RecipeDescription(
        summary: "masks that follow the picture: one pass over it in its proportions, an affinity of colour and "
            + "nearness, labels that share each pixel, edges by a guided filter",
        cost: "a tenth less of a pass than shared, then some more milliseconds for each picture and word",
        source: "weights and layers by T2S, iSeg, CLIPer and GoCA on Stable Diffusion, the rest by the demo: mean "
            + "IoU 75.7 on its first 40 scenes, whose flat colours flatter it")

    static let isegVOC = iseg(
        "the settings of VOC, whose list of heads is for Stable Diffusion 2.1-base", "68.2 on VOC", demo: "33.2")
    static let isegContext = iseg("the settings of Context", "30.9 on Context", demo: "34.9")
    static let isegCOCO = iseg(
        "the settings of COCO, all heads, a constant background", "38.4 on COCO-Object", demo: "27.2")

    private static func iseg(_ setting: String, _ published: String, demo: String) -> RecipeDescription {
        RecipeDescription(
            summary: "iSeg: one prompt of all labels, clusters of pixels, an affinity of less entropy; \(setting)",
            cost: "a pass for each picture and each set of labels",
            source: "linsun449/iseg.code; published: mean IoU \(published), Stable Diffusion 2.1-base, labels of "
                + "TagCLIP; ours: \(demo) on the demo's first 40 scenes")
    }

    /// Which CLIP a recipe's figures are for.
    enum Size: String {
        case large = "ViT-L/14"
        case base = "ViT-B/16"

        fileprivate var published: [String: String] {
            switch self {
            case .large: ["VOC": "71.6", "Context": "39.0", "COCO": "44.4"]
            case .base: ["VOC": "66.4", "Context": "37.5", "COCO": "39.2"]
            }
        }
    }

    static func cliper(_ setting: String, _ size: Size) -> RecipeDescription {
        RecipeDescription(
            summary:
                "CLIPer: CLIP's scores at each patch, from all its layers, completed by one head of self-attention "
                + "after the other; thresholds of \(setting), for \(size.rawValue)",
            cost: "a pass of the filter for each picture and set of labels, and one of the U-Net for each picture",
            source: "linsun449/cliper.code; published: mean IoU \(size.published[setting] ?? "") on \(setting), Stable "
                + "Diffusion 2.1-base; the demo's filter is not made for it")
    }

    static func cliperAffinity(_ setting: String, demo: String) -> RecipeDescription {
        RecipeDescription(
            summary: "CLIPer's refinement, one head of self-attention after the other, of the fused maps of shared; "
                + "thresholds of \(setting)",
            cost: "one pass for each picture, then a fifth of a second for new words at Stable Diffusion's size",
            source: "linsun449/cliper.code, whose published figures are of CLIP's maps in place of these; ours: mean "
                + "IoU \(demo) on the demo's first 40 scenes")
    }
}
