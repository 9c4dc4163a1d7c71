import Images
import Networks

/// A phrase as it was understood.
package struct UnderstoodPhrase: Sendable, Equatable {
    package let words: String
    package let prompt: String
    /// The prompt's, as far as it is read, with start and end.
    let tokens: [Token]
    /// Of the words' tokens among the prompt's, the start token being 0.
    package let positions: [Int32]
    /// Whether the prompt is longer than the text encoder reads.
    package let truncated: Bool
}

package struct UnderstoodLabel: Sendable, Equatable {
    package let name: String
    package let phrases: [UnderstoodPhrase]
}

/// What is known before anything is computed.
package struct Understanding: Sendable {
    package let picture: LookedAt
    /// The picture's pixels that no label may have; `nil` where there are none.
    let transparency: Transparency?
    /// Width and height of the latent grid.
    package let latentSide: Int
    package let labels: [UnderstoodLabel]
    package let recipe: Recipe
    /// What the one pass for all phrases reads; `nil` where each phrase has its own.
    package let forwardPrompt: String?
    package let seed: UInt32
    package let timestep: Int
    package let threshold: Float
    package let model: String
    package let modelHash: String
}

/// A picture that a user may ask about.
package struct LookedAt: Sendable, Equatable {
    /// SHA-256 of the file.
    package let handle: String
    package let width: Int
    package let height: Int
}

/// The soft answer for a label.
package struct LabelScores: Sendable {
    /// Index into the request's labels.
    package let label: Int
    package let width: Int
    package let height: Int
    /// Row by row.
    package let scores: [Float]
}

/// The hard answer: 0 is the background, k the k-th label.
package struct LabelMask: Sendable {
    package let width: Int
    package let height: Int
    package let indices: [UInt8]
    /// How many labels there are: no index is greater.
    package let labels: Int
}

/// Where the time went, in milliseconds, and what the same user's earlier questions have made known.
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
