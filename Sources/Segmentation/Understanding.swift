import Images
import Networks
import Texts

/// A phrase with its prompt's tokens, and the positions of its own tokens among them.
package struct UnderstoodPhrase: Sendable, Equatable {
    package let words: String
    package let prompt: String
    /// The prompt's tokens, with start and end token and without padding, cut at the text encoder's length.
    let tokens: [Token]
    /// Positions of the words' tokens in the prompt, where the start token has position 0.
    package let positions: [Int32]
    /// Of the words, as it was asked.
    package let weight: Float
    /// How states of the prompt's tokens are moved, those of all phrases in it.
    let weights: [WeightedToken]
    /// Whether the prompt is longer than the text encoder reads.
    package let truncated: Bool
    /// The captioner's sentence about the picture that the prompt was made from; `nil`: none.
    package internal(set) var caption: String?
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
    /// The picture's colours, where the recipe reads them.
    let guide: Guide?
    /// The latent.
    let grid: Grid
    /// The picture as the autoencoder reads it.
    let resized: Grid
    /// None where a filter dropped all candidates.
    package let labels: [UnderstoodLabel]
    /// How the labels were chosen; `nil`: they were given.
    package let choice: Choice?
    /// The networks beside the model that the answer depends on.
    package let captioner: NetworkIdentity?
    package let filter: NetworkIdentity?
    package let recipe: Recipe
    /// What the one U-Net pass for all phrases reads; `nil` where each phrase has its own pass.
    package let forwardPrompt: String?
    package let seed: UInt32
    package let timestep: Int
    package let threshold: Float
    package let model: String
    package let modelHash: String
    /// What earlier versions made of the same files as ``modelHash``.
    package let modelAliases: [String]
    /// Arithmetic of the networks' products, instruction set of the kernels, and library of f32 products.
    package let precision: String
    package let instructionSet: String
    package let blas: String
    /// Sentences for whoever asked: what the answer depends on or takes beside the above.
    package let notes: [String]
    let memory: AnswerMemory
}

/// A network beside the model.
package struct NetworkIdentity: Sendable, Equatable {
    package let name: String
    /// SHA-256 over all files that it was read from.
    package let hash: String

    init(_ network: Pretrained<some PretrainedNetwork>) {
        (name, hash) = (network.name, network.hash)
    }
}

/// A phrase as the model reads it: equal values, equal score maps.
struct ReadPhrase: Hashable {
    let tokens: [Token]
    let positions: [Int32]
    let weights: [WeightedToken]
}

extension UnderstoodPhrase {
    /// The words as the model reads them, wherever they stand.
    var alone: ReadPhrase { ReadPhrase(tokens: positions.map { tokens[Int($0)] }, positions: [], weights: []) }

    var read: ReadPhrase { ReadPhrase(tokens: tokens, positions: positions, weights: weights) }
}

extension UnderstoodLabel {
    /// The label as the model reads it: its phrases, and how often it has each.
    var read: [ReadPhrase: Int] {
        phrases.reduce(into: [:]) { $0[$1.read, default: 0] += 1 }
    }
}

extension Understanding {
    package var latentWidth: Int { grid.width }
    package var latentHeight: Int { grid.height }

    /// The number of different prompts of the phrases.
    package var promptCount: Int { Set(labels.lazy.flatMap(\.phrases).map { ExactString($0.prompt) }).count }

    /// Consecutive labels that are scored together: where they have one softmax, all; else, where all phrases share a
    /// pass, labels with at most ``Recipe/groupPhrases`` phrases, but at least one label; else one label each.
    var groups: [ArraySlice<UnderstoodLabel>] {
        guard !labels.isEmpty else { return [] }
        guard !recipe.scoresTogether else { return [labels[...]] }
        let limit = forwardPrompt == nil ? 1 : recipe.groupPhrases
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
