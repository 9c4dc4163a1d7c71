import Networks

/// How CLIP scores labels at each patch of a picture (Sun et al., "CLIPer", 2024; linsun449/cliper.code c05fa41).
package struct DenseRule: Sendable, Hashable {
    /// By which cosines are multiplied before the softmax over texts.
    package let scale: Float
    /// Scores of the chosen layer below this share of a label's largest do not spread along links.
    package let cut: Float
    /// The layer whose scores do, counted from the last, which is 1. A CLIP of fewer layers takes its first.
    package let layer: Int
    /// In each of which a label and a background word are read.
    package let templates: [PromptTemplate]
    /// Texts that take their part of the softmax and have no map.
    package let background: [String]
    /// Of the picture's shorter side over the square that the CLIP was trained on, before it is rounded to whole
    /// patches: published CLIPs of 224 pixels read 336.
    package let enlargement: Float

    package init(
        scale: Float, cut: Float, layer: Int, templates: [PromptTemplate], background: [String],
        enlargement: Float
    ) {
        precondition(scale > 0 && cut >= 0 && layer > 0 && !templates.isEmpty, "a rule that scores nothing")
        self.scale = scale
        self.cut = cut
        self.layer = layer
        self.templates = templates
        self.background = background
        self.enlargement = enlargement
    }

    /// How a CLIP reads pictures by this rule.
    func reading(_ pictures: PictureConfiguration, _ vision: VisionConfiguration) -> PictureConfiguration {
        pictures.whole(shortest: Int((Float(vision.side) * enlargement).rounded()), patch: vision.patch)
    }
}

extension DenseRule {
    // The settings of ViT-L/14, and of ViT-B/16. Which of two a CLIP is for is not to be seen from its folder: the
    // recipe says it.
    static let voc = published(scale: 50, cut: 0.1, layer: 2, .car, vocBackground)
    static let context = published(scale: 50, cut: 0.2, layer: 2, .openAI, ["background"])
    static let coco = published(scale: 50, cut: 0.1, layer: 2, .openAI, cocoBackground)
    static let vocB16 = published(scale: 100, cut: 0.1, layer: 1, .car, vocBackground)
    static let contextB16 = published(scale: 100, cut: 0.2, layer: 1, .car, ["background"])
    static let cocoB16 = published(scale: 50, cut: 0.2, layer: 1, .openAI, cocoBackground)

    private static func published(
        scale: Float, cut: Float, layer: Int, _ templates: [PromptTemplate], _ background: [String]
    ) -> DenseRule {
        DenseRule(
            scale: scale, cut: cut, layer: layer, templates: templates, background: background, enlargement: 1.5)
    }

    /// CLIP-ES's (linyq2117/CLIP-ES, `clip_text.py`), which CLIPer took over.
    private static let vocBackground = [
        "ground", "land", "grass", "tree", "building", "wall", "sky", "lake", "water", "river", "sea", "railway",
        "railroad", "keyboard", "helmet", "cloud", "house", "mountain", "ocean", "road", "rock", "street", "valley",
        "bridge", "sign",
    ]
    /// Without what COCO has labels for.
    private static let cocoBackground = vocBackground.filter { !["keyboard", "sign"].contains($0) }
}
