package import ArgumentParser
import RPC

/// The options of `explain`, the same for both programs.
package struct ExplainOptions: ParsableArguments {
    @Argument(
        help: "The picture, a PNG, JPEG or WebP file; - reads it from standard input.",
        completion: .file(extensions: Suggestions.pictureEndings))
    package var image: String

    @Argument(help: "The pixel's column, from 0 at the left.")
    package var x: UInt32

    @Argument(help: "The pixel's row, from 0 at the top.")
    package var y: UInt32

    @Argument(
        help: "Labels to look for, as those of mask are typed; none: what a caption of the picture names.",
        completion: Suggestions.words)
    package var words: [String] = []

    @Flag(help: "Print one JSON object instead of lines.")
    package var json = false

    @Option(
        name: .shortAndLong,
        help: ArgumentHelp(
            "The folder to write the heat map to; - writes it to standard output.",
            discussion: "Without it the file is written beside the picture.", valueName: "dir|-"),
        completion: .directory)
    package var output: String?

    @OptionGroup package var filter: FilterOptions
    @OptionGroup package var recipe: RecipeOptions

    @Flag(help: "Overwrite the heat map if it exists.")
    package var force = false

    package init() {}

    package func validate() throws {
        if output == "" { throw ValidationError("-o names no folder; type -o . for the current one") }
    }
}
