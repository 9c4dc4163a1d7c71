package import ArgumentParser

/// The options that say by which method pictures are looked at, of every command that asks for masks or maps.
package struct RecipeOptions: ParsableArguments {
    /// The recipe where none is named.
    static let standard = "best"

    @Option(
        name: .customLong("recipe"), help: "The method, by its name; dseg recipes lists them.",
        completion: Suggestions.recipes)
    package var name = RecipeOptions.standard

    @Option(
        help: ArgumentHelp(
            "The size at which the picture is read: square (as published), aspect (its proportions) or WxH in pixels.",
            valueName: "size"),
        completion: .list(["square", "aspect"]))
    package var grid: String?

    @Option(
        help: ArgumentHelp(
            "A factor on both sides of the grid, 1 to 4, for small things; it takes more time and memory.",
            valueName: "factor"))
    package var detail: String?

    @Flag(help: "Continue the labels' prompts by captions of the picture, where the recipe does not.")
    package var captions = false

    @Option(
        name: .customLong("set"), parsing: .singleValue,
        help: ArgumentHelp(
            "Set a parameter of the recipe; dseg recipes lists keys and values.",
            discussion: "May be given several times.", valueName: "key=value"), completion: Suggestions.settings)
    package var settings: [String] = []

    @Option(help: "Seed of the noise that is added to the picture's latent, as for torch.manual_seed.")
    package var seed: UInt32 = 0

    @Option(help: "Where no label scores above this, 0 to 1, is background (default: the recipe's).")
    package var threshold: Float?

    package init() {}

    package func validate() throws {
        if let threshold { try Self.check(threshold: threshold) }
    }

    /// Refuses a threshold beyond all scores.
    static func check(threshold: Float) throws {
        guard (0...1).contains(threshold) else {
            throw ValidationError("the threshold is \(threshold); type a number from 0 to 1")
        }
    }

    /// Of the recipe, as requests say them.
    package var allSettings: [String] {
        [grid.map { "grid=\($0)" }, detail.map { "detail=\($0)" }, captions ? "captions=on" : nil].compactMap(\.self)
            + settings
    }
}
