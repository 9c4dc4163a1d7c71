import Images
import Networks
import Texts

/// A phrase with its prompt's tokens, and where among them its words stand.
package struct UnderstoodPhrase: Sendable, Equatable {
    package let words: String
    package let prompt: String
    /// The prompt's, truncated to what the text encoder reads, with start and end token.
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

/// A request as it was parsed for a model: an answer's header.
package struct Understanding: Sendable {
    package let picture: LookedAt
    /// The picture's wholly transparent pixels, which are background; `nil` where there are none.
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
    /// In what the networks multiply, and with which instructions.
    package let precision: String
    package let instructionSet: String
}

extension Understanding {
    /// How many different prompts are read.
    package var promptCount: Int { Set(labels.lazy.flatMap(\.phrases).map { ExactString($0.prompt) }).count }

    /// The labels in their order, as many together as are scored together, but at least one: phrases that are read from
    /// one pass up to ``Segmenter/groupPhrases``.
    var groups: [ArraySlice<UnderstoodLabel>] {
        let limit = forwardPrompt == nil ? 1 : Segmenter.groupPhrases
        var groups: [ArraySlice<UnderstoodLabel>] = []
        var start = 0
        var phrases = 0
        for (index, label) in labels.enumerated() {
            if index > start, phrases + label.phrases.count > limit {
                groups.append(labels[start..<index])
                (start, phrases) = (index, 0)
            }
            phrases += label.phrases.count
        }
        groups.append(labels[start...])
        return groups
    }
}
