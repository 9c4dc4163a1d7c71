import Limits
import Networks

/// A look into the computation of an answer.
package enum Probe: Sendable, Hashable {
    /// Of each label and each cross-attention layer that the recipe reads, the mean over heads, and over the tokens of
    /// the label's words, of its probabilities, on the layer's own grid (DiffSegmenter, figure 3).
    case layers
    /// Of each label the stages of its map, from cross-attention to the map that is sized.
    case stages
    /// Where the cell of a pixel looks: its row of the affinity.
    case attention(x: Int, y: Int)

    /// Throws where a recipe has nothing to show.
    func check(_ recipe: Recipe) throws(SegmentationError) {
        switch self {
        case .layers:
            if recipe.dense != nil { throw .recipe(.unprobed(recipe: recipe.name, what: "cross-attention")) }
        case .attention:
            if case .heads = recipe.refinement.affinity {
                throw .recipe(.unprobed(recipe: recipe.name, what: "one affinity of all heads"))
            }
        case .stages: break
        }
    }

    /// Throws where an answer's labels are too many, or its picture lacks the pixel.
    func check(labels: Int, _ picture: LookedAt) throws(SegmentationError) {
        switch self {
        case .layers, .stages:
            guard labels <= Limit.probedLabels else {
                throw .tooMany(what: "labels to probe", count: labels, limit: Limit.probedLabels)
            }
        case .attention(let x, let y):
            guard x < picture.width, y < picture.height else {
                throw .noPixel(x: x, y: y, width: picture.width, height: picture.height)
            }
        }
    }
}

/// A map that a probe asked for.
package struct ProbedMap: Sendable {
    /// Index into the request's probes.
    package let probe: Int
    /// Of the layer, as diffusers names it, or of the stage.
    package let name: String
    /// Index into the answer's labels.
    package let label: Int
    package let width: Int
    package let height: Int
    /// `[height, width]`.
    package let scores: [Float]
}

/// One step of probing: what is computed between two times that other jobs may have their turn.
struct ProbeStep {
    enum View {
        /// Index among the cross-attention layers.
        case layer(Int)
        case stage(FusionStage)
        case attention(x: Int, y: Int)
    }

    let probe: Int
    /// The group of labels.
    let group: Int
    let view: View

    /// The steps of all probes, in their order.
    static func all(
        _ probes: [Probe], groups: Int, _ fusion: AttentionFusion, _ recipe: Recipe
    ) -> [ProbeStep] {
        guard groups > 0 else { return [] }
        return probes.enumerated().flatMap { place, probe in
            let views: [View]
            switch probe {
            case .attention(let x, let y): return [ProbeStep(probe: place, group: 0, view: .attention(x: x, y: y))]
            case .layers: views = fusion.cross.layers.sorted().map(View.layer)
            case .stages: views = (fusion.stages + (recipe.share == nil ? [] : [.shared])).map(View.stage)
            }
            return (0..<groups).flatMap { group in
                views.map { ProbeStep(probe: place, group: group, view: $0) }
            }
        }
    }
}

/// A stage of maps on their way to scores.
enum FusionStage: Hashable {
    /// The mean over the layers of a level of the U-Net.
    case resolution(level: Int)
    /// The weighted sum of all, or where CLIP scores labels its scores of the picture's patches.
    case fused
    /// After some rounds of completion.
    case completed(rounds: Int)
    /// After labels have shared each pixel.
    case shared
}

extension AttentionFusion {
    /// The stages before labels share pixels, in their order.
    var stages: [FusionStage] {
        var resolutions: [FusionStage] = []
        if case .ofPhrases = cross.aggregation.maps { resolutions = cross.levels.map(FusionStage.resolution) }
        return resolutions + [.fused] + (0..<rounds).map { .completed(rounds: $0 + 1) }
    }
}
