/// A label's score map.
package struct LabelScores: Sendable {
    /// Index into the request's labels.
    package let label: Int
    package let width: Int
    package let height: Int
    /// Row by row.
    package let scores: [Float]
}

/// The index mask: 0 is the background, k the k-th label.
package struct LabelMask: Sendable {
    package let width: Int
    package let height: Int
    package let indices: [UInt8]
    /// How many labels there are: no index is greater.
    package let labels: Int
}

/// The time of each stage in milliseconds, and cache hits as far as the same user's earlier requests explain them.
package struct Report: Sendable {
    package var queue: Float = 0
    package var decode: Float = 0
    package var autoencoder: Float = 0
    package var text: Float = 0
    package var unet: Float = 0
    package var maps: Float = 0
    /// Passes that this answer needed and no question of the user's before.
    package var passes = 0
    /// Passes that were needed before.
    package var featuresCached = 0
    /// Prompts whose keys were needed before.
    package var phrasesCached = 0
    /// Whether the picture's latent was needed before, or not at all.
    package var latentCached = false
    /// SHA-256 of the latent-grid score maps, little-endian f32, in the labels' order.
    package var answerHash = ""

    package init() {}
}

/// What an answer is made of, in this order: one header, a score map for each label, the mask if asked for, a report.
package enum SegmentationEvent: Sendable {
    case header(Understanding)
    case scores(LabelScores)
    case mask(LabelMask)
    case report(Report)
}
