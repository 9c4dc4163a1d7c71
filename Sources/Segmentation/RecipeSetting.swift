import Images
import Kernels
import Networks
import Texts

/// A parameter of a recipe that a request may set, as `key=value`: for studies that leave one part of a recipe out.
package struct RecipeSetting: Sendable {
    package let key: String
    package let meaning: String
    /// The legal values, in words.
    package let legal: String
    private let read: @Sendable (Recipe) -> String
    /// Returns `false` for an illegal value.
    private let write: @Sendable (Substring, inout Recipe) -> Bool

    package func value(in recipe: Recipe) -> String { read(recipe) }

    package static let all = [grid, detail, resize, gamma, colour, rounds, weights, edges, softmax]

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
        legal: "a number from 0.01 to 10, or off: self-attention alone",
        read: { $0.refinement.colour.map { "\($0.colour)" } ?? off },
        write: { text, recipe in
            guard text != off else { return set(&recipe.refinement.colour, nil) }
            let position = (recipe.refinement.colour ?? .standard).position
            return number(text, in: 0.01...10).map {
                set(&recipe.refinement.colour, ColourKernel(colour: $0, position: position))
            } ?? false
        })

    private static let rounds = RecipeSetting(
        key: "rounds", meaning: "how often the affinity completes a map", legal: "a whole number from 0 to 16",
        read: { "\($0.refinement.rounds)" },
        write: { text, recipe in whole(text, in: 0...16).map { set(&recipe.refinement.rounds, $0) } ?? false })

    private static let weights = RecipeSetting(
        key: "weights", meaning: "the weights of the resolutions of cross-attention, coarse to fine",
        legal: "1 to 8 numbers from 0 to 1 with commas between them, not all 0, one for each resolution",
        read: { $0.aggregation.weights.map { $0.map { "\($0)" }.joined(separator: ",") }.joined(separator: " or ") },
        write: { text, recipe in
            let parts = text.split(separator: ",", omittingEmptySubsequences: false)
            let weights = parts.compactMap { number($0, in: 0...1) }
            guard weights.count == parts.count, weights.count <= 8, weights.contains(where: { $0 > 0 }) else {
                return false
            }
            return set(&recipe.aggregation, Aggregation(weights: [weights]))
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

    private static let on = "on"
    private static let off = "off"

    private static func set<Value>(_ parameter: inout Value, _ value: Value) -> Bool {
        parameter = value
        return true
    }

    private static func whole(_ text: Substring, in range: ClosedRange<Int>) -> Int? {
        guard !text.isEmpty, text.utf8.allSatisfy({ (UInt8(ascii: "0")...UInt8(ascii: "9")).contains($0) }) else {
            return nil
        }
        return Int(text).flatMap { range.contains($0) ? $0 : nil }
    }

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

    /// A decimal number; Swift reads hexadecimal ones, "inf" and "nan" as well.
    private static func number(_ text: Substring, in range: ClosedRange<Float>) -> Float? {
        guard text.utf8.allSatisfy({ "0123456789.eE-+".utf8.contains($0) }) else { return nil }
        return Float(text).flatMap { range.contains($0) ? $0 : nil }
    }

    /// The setting that a request writes, and its value.
    fileprivate static func parsed(_ text: String) throws(SegmentationError) -> (RecipeSetting, Substring) {
        let parts = text.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
        guard parts.count == 2, let setting = all.first(where: { ExactString($0.key) == ExactString(String(parts[0])) })
        else { throw .unknownSetting(text, known: all.map(\.key)) }
        return (setting, parts[1])
    }

    fileprivate func applied(_ value: Substring, to recipe: inout Recipe) throws(SegmentationError) {
        guard write(value, &recipe) else { throw .setting(key: key, value: String(value), legal: legal) }
    }
}

extension Recipe {
    /// The recipe with some parameters set, `key=value` each, every key at most once.
    ///
    /// - Throws: `unknownSetting`, `setting` and `repeatedSetting`
    func with(_ settings: [String]) throws(SegmentationError) -> Recipe {
        var recipe = self
        var keys: Set<String> = []
        for text in settings {
            let (setting, value) = try RecipeSetting.parsed(text)
            guard keys.insert(setting.key).inserted else { throw .repeatedSetting(setting.key) }
            try setting.applied(value, to: &recipe)
        }
        return recipe
    }

    /// The settings in which this recipe differs from the one of its name, `key=value` each, such that
    /// ``init(named:settings:)`` makes it from them.
    package var settings: [String] {
        guard let original = Self.all.first(where: { $0.name == name }) else { return [] }
        return RecipeSetting.all.compactMap { setting in
            let value = setting.value(in: self)
            return value == setting.value(in: original) ? nil : "\(setting.key)=\(value)"
        }
    }
}
