/// A label's score map.
package struct LabelScores: Sendable {
    /// Index into the request's labels.
    package let label: Int
    package let width: Int
    package let height: Int
    /// `[height, width]`.
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

/// The time of each stage in milliseconds, and cache hits, counted only where the same user's earlier requests needed
/// the entry.
/// A stage of an answer, in the order of a report.
package enum AnswerStage: UInt8, CaseIterable, Sendable {
    case decode = 1
    case autoencoder
    case words
    case text
    case unet
    case maps

    /// Its milliseconds.
    package var time: WritableKeyPath<Report, Float> {
        switch self {
        case .decode: \.decode
        case .autoencoder: \.autoencoder
        case .words: \.words
        case .text: \.text
        case .unet: \.unet
        case .maps: \.maps
        }
    }
}

package struct Report: Sendable {
    package var queue: Float = 0
    package var decode: Float = 0
    package var autoencoder: Float = 0
    /// Of captions and of the filter.
    package var words: Float = 0
    package var text: Float = 0
    package var unet: Float = 0
    package var maps: Float = 0
    /// U-Net passes that this answer needed and that count as no cache hit.
    package var passes = 0
    /// U-Net passes whose features, or score maps made from them, were cached.
    package var featuresCached = 0
    /// Prompts whose keys, or score maps made with them, were cached.
    package var phrasesCached = 0
    /// Whether the picture's latent was cached, or not needed.
    package var latentCached = false
    /// SHA-256 of what was sent, in hexadecimal digits: of the score maps, little-endian f32, in the labels' order; of
    /// the mask's indices, where it was sent without them; of the latent-grid maps where neither was. A ``Painter``
    /// sets it.
    package var answerHash = ""

    package init() {}
}

/// A part of an answer for its client, in this order: one header, a score map for each label if requested, the mask if
/// requested, the maps of probes, a report.
package enum SegmentationEvent: Sendable {
    case header(Understanding)
    case scores(LabelScores)
    case mask(LabelMask)
    case probed(ProbedMap)
    case report(Report)
}
