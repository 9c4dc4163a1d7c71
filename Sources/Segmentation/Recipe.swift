import Limits
package import Images
import Texts

/// How score maps are made, from the prompt to the mask: all parameters in which methods differ, as a value.
///
/// Caches are keyed by the parameters that a cached value depends on, never by the name.
package struct Recipe: Sendable, Hashable {
    /// As requests name it; what stands before a colon names the first recipe that begins with it.
    package let name: String
    package let about: RecipeDescription
    package let template: PromptTemplate
    /// Whether the captioner continues the template around a label's words with what it sees in the picture.
    package internal(set) var captions: Bool
    package let forwardPrompt: ForwardPrompt
    /// How the text encoder's final states of labels' tokens are moved.
    package internal(set) var enhancement: Enhancement
    /// The training step of the scheduler whose share of noise is added to the latent.
    package let timestep: Int
    /// The size that networks read a picture at.
    package internal(set) var geometry: Geometry
    /// How the picture is resized to it.
    package internal(set) var resampling: Resampling
    /// The self-attention captured in a pass. Of cross-attention the queries of all layers are captured that count.
    package let captures: SelfAttentionCaptures
    package internal(set) var softmax: Softmax
    package internal(set) var aggregation: Aggregation
    package internal(set) var refinement: Refinement
    /// How labels share each pixel; `nil`: a label's map depends on no other label's.
    package internal(set) var share: Share?
    package let sizing: Sizing
    /// How maps at the picture's size follow its edges; `nil`: they are interpolated from the latent grid.
    package internal(set) var edges: Edges?
    /// A label whose largest score on the latent's grid is not above this is absent: its map becomes zeros. `nil`: all
    /// labels are taken for present.
    package internal(set) var presence: Float?
    /// The constant score of the background, in 0...1.
    package let background: Float
    /// Whether a label that scores exactly as much as the background has the pixel.
    package let labelsTakeTies: Bool

    /// Whether a label's map depends on the other labels.
    package var labelsCompete: Bool {
        isJoined || softmax == .joint || share != nil || dense != nil
    }

    /// Whether one prompt lists all labels.
    var isJoined: Bool {
        if case .joined = forwardPrompt { true } else { false }
    }

    /// How CLIP scores labels; `nil`: cross-attention does.
    package var dense: DenseRule? {
        if case .ofPatches(let rule) = aggregation.maps { rule } else { nil }
    }

    /// Whether labels are scored all at once.
    var scoresTogether: Bool { softmax == .joint || dense != nil }

    /// Whether all phrases have prompts of their own, and one pass: then the others' tokens may join a softmax.
    var fitsJointSoftmax: Bool {
        if case .fixed = forwardPrompt, case .ofPhrases = aggregation.maps { true } else { false }
    }

    /// Phrases that are scored together: what all read is read once. That is the affinity, the largest operand of
    /// scoring, where it is kept; heads are computed anew each time; a joined prompt's maps are clustered each time.
    package var groupPhrases: Int {
        if isJoined || dense != nil { return Limit.phrases }
        if case .heads = refinement.affinity { return 64 }
        return 16
    }

    /// What of a picture is read.
    var reading: PictureReading {
        PictureReading(
            geometry: geometry, resampling: resampling, colours: refinement.affinity.colour != nil || edges != nil)
    }
}

extension Recipe {
    /// - Parameters:
    ///   - name: of a recipe, or its part before the colon; "" means `shared`
    ///   - settings: `key=value` each, see ``parameters``
    /// - Throws: `unknownRecipe` and `setting`
    package init(named name: String, settings: [String] = []) throws(SegmentationError) {
        let sought = name.isEmpty ? Self.shared.name : name
        let named = Self.all.first { ExactString($0.name) == ExactString(sought) }
        let kind = Self.all.first { ExactString($0.name.prefix { $0 != ":" }.description) == ExactString(sought) }
        guard let recipe = named ?? kind else {
            throw .recipe(.unknownRecipe(name, known: Self.all.map(\.name)))
        }
        self = try recipe.with(settings)
    }
}
