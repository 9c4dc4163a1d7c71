import Images
import Kernels
import Networks

package typealias RecipeSetting = Setting<Recipe>

extension RecipeSetting {
    package static var all: [RecipeSetting] { Recipe.parameters }
}

extension Recipe: Settable {
    package static let parameters = [
        captions, weighted, enhancement, grid, detail, resize, gamma, colour, rounds, weights, edges, softmax,
        clusters, entropy, cut, heads, presence,
    ]

    private static let captions = RecipeSetting(
        key: "captions", meaning: "whether the captioner continues prompts with what it sees in the picture",
        legal: "on or off; off for recipes that list all labels in one prompt, or read none",
        read: { $0.captions ? on : off },
        write: { text, recipe in
            switch text {
            case on: !recipe.isJoined && recipe.dense == nil && set(&recipe.captions, true)
            case off: set(&recipe.captions, false)
            default: false
            }
        })

    private static let weighted = RecipeSetting(
        key: "weighted", meaning: "which of a label's words the enhancement weights",
        legal: EnhancedWords.allCases.map(\.rawValue).joined(separator: " or ")
            + "; all for recipes that list all labels in one prompt",
        read: { $0.enhancement.words.rawValue },
        write: { text, recipe in
            guard let words = EnhancedWords(rawValue: String(text)), words == .all || !recipe.isJoined else {
                return false
            }
            return set(&recipe.enhancement.words, words)
        })

    private static let grid = RecipeSetting(
        key: "grid", meaning: "the size at which networks read the picture",
        legal: "square, aspect (the square's area in the picture's proportions), or WIDTHxHEIGHT in pixels, sides from "
            + "8 to 8192",
        read: { recipe in
            switch recipe.geometry.shape {
            case .square: "square"
            case .aspect: "aspect"
            case .sized(let grid): "\(grid.width)x\(grid.height)"
            }
        },
        write: { text, recipe in
            shape(text).map {
                set(&recipe.geometry, Geometry(shape: $0, detail: recipe.geometry.detail))
            } ?? false
        })

    private static let detail = RecipeSetting(
        key: "detail", meaning: "a factor on both sides of the grid, for small things",
        legal: "a number from 1 to 4; above 2 the picture is read in overlapping tiles",
        read: { "\($0.geometry.detail)" },
        write: { text, recipe in
            number(text, in: Geometry.details).map {
                set(&recipe.geometry, Geometry(shape: recipe.geometry.shape, detail: $0))
            } ?? false
        })

    private static let resize = RecipeSetting(
        key: "resize", meaning: "how the picture is resized to the grid",
        legal: Resampling.allCases.map(\.rawValue).joined(separator: " or "),
        read: { $0.resampling.rawValue },
        write: { text, recipe in Resampling(rawValue: String(text)).map { set(&recipe.resampling, $0) } ?? false })

    private static let gamma = RecipeSetting(
        key: "gamma", meaning: "how sharply labels share each pixel", legal: "a whole number from 0 to 64, or off",
        read: { $0.share.map { "\($0.gamma)" } ?? off },
        write: { text, recipe in
            guard text != off else { return set(&recipe.share, nil) }
            return whole(text, in: 0...64).map { set(&recipe.share, Share(gamma: $0)) } ?? false
        })

    private static let colour = RecipeSetting(
        key: "colour", meaning: "the standard deviation of colours, in 0 to 1, in the affinity's kernel",
        legal: "a number from 0.01 to 10, or off: self-attention alone; off for recipes of another affinity",
        read: { $0.refinement.affinity.colour.map { "\($0.colour)" } ?? off },
        write: { text, recipe in
            switch recipe.refinement.affinity {
            case .mean, .weighed: break
            case .sharpened, .heads: return text == off
            }
            guard text != off else { return set(&recipe.refinement.affinity, .mean) }
            let position = (recipe.refinement.affinity.colour ?? .standard).position
            return number(text, in: 0.01...10).map {
                set(&recipe.refinement.affinity, .weighed(ColourKernel(colour: $0, position: position)))
            } ?? false
        })

    private static let rounds = RecipeSetting(
        key: "rounds", meaning: "how often the affinity completes a map", legal: "a whole number from 0 to 16",
        read: { "\($0.refinement.rounds)" },
        write: { text, recipe in whole(text, in: 0...16).map { set(&recipe.refinement.rounds, $0) } ?? false })

    private static let weights = RecipeSetting(
        key: "weights", meaning: "the weights of the resolutions of cross-attention, coarse to fine",
        legal:
            "1 to 8 numbers from 0 to 1 with commas between them, not all 0, one for each resolution; off for recipes "
            + "of no cross-attention",
        read: {
            $0.dense != nil
                ? off
                : $0.aggregation.weights.map { $0.map { "\($0)" }.joined(separator: ",") }.joined(separator: " or ")
        },
        write: { text, recipe in
            guard recipe.dense == nil else { return text == off }
            let parts = text.split(separator: ",", omittingEmptySubsequences: false)
            let weights = parts.compactMap { number($0, in: 0...1) }
            guard weights.count == parts.count, weights.count <= 8, weights.contains(where: { $0 > 0 }) else {
                return false
            }
            return set(&recipe.aggregation, recipe.aggregation.with(weights: [weights]))
        })

    private static let enhancement = RecipeSetting(
        key: "enhancement", meaning: "the weight of labels' words in their prompts",
        legal: "a number from 0.1 to 10",
        read: { "\($0.enhancement.factor)" },
        write: { text, recipe in
            number(text, in: Phrase.weights).map { set(&recipe.enhancement.factor, $0) } ?? false
        })

    private static let clusters = RecipeSetting(
        key: "clusters", meaning: "whether pixels of a cluster share their tokens' maps",
        legal: "on or off, for recipes of all tokens' maps; off for the others",
        read: { recipe in
            if case .ofTokens(let maps) = recipe.aggregation.maps, maps.clustering != nil { on } else { off }
        },
        write: { text, recipe in
            guard case .ofTokens(var maps) = recipe.aggregation.maps else { return text == off }
            switch text {
            case on: maps.clustering = .standard
            case off: maps.clustering = nil
            default: return false
            }
            return set(&recipe.aggregation, recipe.aggregation.with(.ofTokens(maps)))
        })

    private static let entropy = RecipeSetting(
        key: "entropy", meaning: "how much weak links of the affinity are cut",
        legal: "a number from 0 to 1, for recipes that cut them so; off for the others",
        read: { if case .sharpened(let kernel) = $0.refinement.affinity { "\(kernel.entropy)" } else { off } },
        write: { text, recipe in
            guard case .sharpened = recipe.refinement.affinity else { return text == off }
            return number(text, in: 0...1).map {
                set(&recipe.refinement.affinity, .sharpened(EntropyKernel(entropy: $0)))
            } ?? false
        })

    private static let cut = RecipeSetting(
        key: "cut", meaning: "the share of a key's strongest link below which links of a head are cut",
        legal: "a number from 0 to 1, for recipes of single heads; off for the others",
        read: { if case .heads(let rule) = $0.refinement.affinity { "\(rule.threshold)" } else { off } },
        write: { text, recipe in
            guard case .heads(let rule) = recipe.refinement.affinity else { return text == off }
            return number(text, in: 0...1).map {
                let rule = HeadRule(threshold: $0, combination: rule.combination)
                return set(&recipe.refinement.affinity, .heads(rule))
            } ?? false
        })

    private static let heads = RecipeSetting(
        key: "heads", meaning: "whether heads complete a map one after the other, or the mean of what each makes of it",
        legal: "product or mean, for recipes of single heads; off for the others",
        read: { if case .heads(let rule) = $0.refinement.affinity { rule.combination.rawValue } else { off } },
        write: { text, recipe in
            guard case .heads(let rule) = recipe.refinement.affinity else { return text == off }
            return HeadProduct.Combination(rawValue: String(text)).map {
                let rule = HeadRule(threshold: rule.threshold, combination: $0)
                return set(&recipe.refinement.affinity, .heads(rule))
            } ?? false
        })

    private static let presence = RecipeSetting(
        key: "presence", meaning: "the largest score on the latent's grid that an absent label has",
        legal: "a number from 0 to 1, or off: all labels are taken for present",
        read: { $0.presence.map { "\($0)" } ?? off },
        write: { text, recipe in
            guard text != off else { return set(&recipe.presence, nil) }
            return number(text, in: 0...1).map { set(&recipe.presence, $0) } ?? false
        })

    private static let edges = RecipeSetting(
        key: "edges", meaning: "whether a guided filter makes masks follow the picture's edges", legal: "on or off",
        read: { $0.edges == nil ? off : on },
        write: { text, recipe in
            switch text {
            case on: set(&recipe.edges, .standard)
            case off: set(&recipe.edges, nil)
            default: false
            }
        })

    private static let softmax = RecipeSetting(
        key: "softmax", meaning: "whether each label has a softmax of its own, or the others' tokens join it",
        legal: Softmax.allCases.map(\.rawValue).joined(separator: " or "),
        read: { $0.softmax.rawValue },
        write: { text, recipe in Softmax(rawValue: String(text)).map { set(&recipe.softmax, $0) } ?? false })

    private static func shape(_ text: Substring) -> Geometry.Shape? {
        switch text {
        case "square": return .square
        case "aspect": return .aspect
        default:
            let sides = text.split(separator: "x", omittingEmptySubsequences: false).map { whole($0, in: 8...8192) }
            guard sides.count == 2, let width = sides[0], let height = sides[1] else { return nil }
            return .sized(Grid(height: height, width: width))
        }
    }
}
