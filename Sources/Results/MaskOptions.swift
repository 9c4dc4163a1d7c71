package import ArgumentParser
import RPC

/// The options of `mask`, the same for both programs.
package struct MaskOptions: ParsableArguments {
    @Argument(
        help: "The picture, a PNG, JPEG or WebP file; - reads it from standard input.",
        completion: .file(extensions: ["png", "jpg", "jpeg", "webp"]))
    package var image: String

    @Argument(
        help: """
            What to look for: labels, parted by commas or lines. name=phrase|phrase says one in several ways; a \
            backslash before a comma, =, | or backslash makes it part of the words.
            """)
    package var words: [String]

    @Flag(help: "Also write the picture tinted with the labels' colours (.overlay.png).")
    package var overlay = false

    @Flag(help: "Also write each label's scores as a grey picture (.LABEL.heat.png).")
    package var heat = false

    @Option(
        name: .customLong("cut"), parsing: .singleValue,
        help: ArgumentHelp(
            "Also write the picture with all but this label transparent (.LABEL.cut.png).",
            discussion: "The edge is that of the mask. May be given several times.",
            valueName: "label"))
    package var cuts: [String] = []

    @Option(
        help: ArgumentHelp(
            "The mask's file: palette (indexed, in colours) or grey (each sample is the index).",
            discussion: "OpenCV and imageio make colours of a palette; for them write grey.", valueName: "values"))
    package var maskValues = MaskValues.palette

    @Flag(help: "Print one JSON object in place of the labels' shares.")
    package var json = false

    @Option(
        name: .shortAndLong,
        help: ArgumentHelp(
            "The folder to write to; - writes the one file that is asked for to standard output.",
            discussion: "Without it files are written beside the picture.",
            valueName: "dir|-"))
    package var output: String?

    @Option(help: "The background's score, 0 to 1 (0.5 if not given).")
    package var threshold: Float?

    @Option(help: "How to look: shared (one pass for all labels) or diffsegmenter (one for each).")
    package var recipe: String?

    @Option(help: "The seed of the noise.")
    package var seed: UInt32 = 0

    @Flag(help: "Overwrite files that exist.")
    package var force = false

    package init() {}

    package func validate() throws {
        if let threshold, !(0...1).contains(threshold) {
            throw ValidationError("the threshold is \(threshold); type a number from 0 to 1")
        }
        let names = try names()
        for cut in cuts where !names.contains(cut) {
            throw ValidationError(
                "--cut \(cut) is no label; type one of: \(names.joined(separator: ", "))")
        }
    }

    /// The labels' names.
    private func names() throws(ValidationError) -> [String] {
        do throws(WordError) {
            return try WordList(words).labels.map(\.name)
        } catch {
            throw ValidationError(error.description)
        }
    }
}

extension MaskValues: ExpressibleByArgument {}
