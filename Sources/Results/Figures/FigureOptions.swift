package import ArgumentParser
import RPC

/// The options of `figure`.
package struct FigureOptions: ParsableArguments {
    @Argument(
        help: ArgumentHelp(
            """
            layers: the cross-attention of each layer; stages: how a label's map comes about, from attention to mask; \
            recipes: masks of several recipes, and of several pictures; clip: CLIP's scores beside a recipe's.
            """))
    package var kind: FigureKind

    @Argument(
        help: "The picture, a PNG, JPEG or WebP file; - reads it from standard input. For recipes more may follow.",
        completion: .file(extensions: Suggestions.pictureEndings))
    package var image: String

    @Argument(help: "Labels to look for, as mask takes them.", completion: Suggestions.words)
    package var words: [String] = []

    @Option(
        name: .shortAndLong,
        help: ArgumentHelp(
            "The file to write, or the folder; - writes to standard output.",
            discussion: "Without it IMAGE.KIND.figure.png is written beside the picture.", valueName: "file|dir|-"),
        completion: .file())
    package var output: String?

    @Option(
        name: .customLong("recipe"), parsing: .singleValue,
        help: ArgumentHelp(
            "The method, NAME or NAME,key=value; dseg recipes lists them.",
            discussion: """
                For recipes it may be given several times (default: diffsegmenter, shared and best; of clip best, of \
                the others diffsegmenter).
                """, valueName: "recipe"), completion: Suggestions.recipes)
    package var recipes: [String] = []

    @Option(help: ArgumentHelp("Pixels of a panel's longer side, from 32 to 1024.", valueName: "pixels"))
    package var panel = 256

    @Option(help: "Where no label scores above this, 0 to 1, is background (default: the recipe's).")
    package var threshold: Float?

    @Option(help: "Seed of the noise that is added to the picture's latent, as for torch.manual_seed.")
    package var seed: UInt32 = 0

    @Flag(help: "Overwrite a file that exists.")
    package var force = false

    package init() {}

    package func validate() throws {
        if let threshold { try RecipeOptions.check(threshold: threshold) }
        if output == "" { throw ValidationError("-o names no file; type -o . for the current folder") }
        guard FigurePlan.panels.contains(panel) else {
            throw ValidationError(
                "--panel \(panel) is not from \(FigurePlan.panels.lowerBound) to \(FigurePlan.panels.upperBound)")
        }
    }
}

extension FigureKind: ExpressibleByArgument {}
