package import ArgumentParser
import RPC
import Texts

/// The options of `mask`, the same for both programs.
package struct MaskOptions: ParsableArguments {
    @Argument(
        help: """
            The picture, a PNG, JPEG or WebP file; - reads it from standard input. More may follow; with --jobs \
            folders and patterns, too.
            """,
        completion: .file(extensions: Suggestions.pictureEndings))
    package var image: String?

    @Argument(
        help: """
            Labels to look for, separated by commas or lines; none: those of --inpaint and --cut, else what a caption \
            of the picture names. \
            name=phrase|phrase averages the maps of several phrases; dog:1.2 gives words a weight, from 0.1 to 10. \
            @voc, @context, @coco, @ade, @lvis, @demo or @file.txt: those of the vocabulary, and of the words beside \
            it, that are in the picture. A backslash before a comma, =, |, :, @, full stop or backslash makes it \
            part of the words.
            """, completion: Suggestions.words)
    package var words: [String] = []

    @Flag(help: "Also write the picture tinted with the labels' colours (.overlay.png).")
    package var overlay = false

    @Flag(help: "Also write each label's scores as a grey picture (.LABEL.heat.png).")
    package var heat = false

    @OptionGroup package var editing: EditingOptions

    @OptionGroup package var formats: FormatOptions

    @Option(
        help: ArgumentHelp(
            "The mask's file: palette (indexed, in colours) or grey (each sample is the index).",
            discussion: "OpenCV and imageio make colours of a palette; for them write grey.", valueName: "values"))
    package var maskValues = MaskValues.palette

    @Flag(help: "Print one JSON object for each picture instead of the labels' shares.")
    package var json = false

    @Option(
        name: .shortAndLong,
        help: ArgumentHelp(
            "The folder to write to; - writes the one file that is asked for to standard output.",
            discussion: "Without it files are written beside the picture.",
            valueName: "dir|-"), completion: .directory)
    package var output: String?

    @OptionGroup package var filter: FilterOptions

    @Flag(help: "Print why each candidate stayed or went: the caption, and what was measured.")
    package var explain = false

    @OptionGroup package var recipe: RecipeOptions

    @OptionGroup package var batch: BatchOptions

    @Flag(help: "Overwrite files that exist.")
    package var force = false

    package init() {}

    package func validate() throws {
        if output == "" { throw ValidationError("-o names no folder; type -o . for the current one") }
        if image == nil, batch.filesFrom == nil { throw ValidationError("Missing expected argument '<image>'") }
        if batch.isAsked, output == "-" { throw ValidationError(PlanError.severalPicturesOnStandardOutput.description) }
        let words: WordList
        do throws(WordError) {
            words = try MaskArguments(self).words
        } catch .missingPicture {
            // No usage error: the plan reports it like any missing picture, with exit code 66.
            return
        } catch .vocabulary(let error) where error.exitReason != .usage {
            // Neither, for the same reason.
            return
        } catch {
            throw ValidationError(error.description)
        }
        if case .labels = words.sought, filter.choosing.takesLabels, let setting = filter.filterSettings.first {
            throw ValidationError(
                "--filter-set \(Streams.excerpt(setting)) sets a filter, and labels that are typed pass none; "
                    + "type --filter best to choose among them")
        }
        do throws(RegionError) {
            _ = try WantedOutputs(self, among: words.names)
        } catch {
            throw ValidationError(error.description)
        }
    }
}

extension MaskOptions {
    /// The files that are asked for, as a person would name them.
    var outputs: String {
        let drawn = ["mask \(maskValues.rawValue)"] + (overlay ? ["overlay"] : []) + (heat ? ["heat"] : [])
        let regions = editing.cuts.map { "cut \($0)" } + editing.inpaints.map { "inpaint \($0)" }
        let edits = [editing.grow, editing.feather].map { $0.map { "\($0)" } ?? "-" }
        let flags = [editing.fillHoles, editing.largest].map { "\($0)" }
        return (drawn + regions + (editing.inpaints.isEmpty ? [] : edits + flags) + formats.formats.map(\.suffix))
            .joined(separator: ", ")
    }
}

extension MaskValues: ExpressibleByArgument {}
