package import ArgumentParser
import RPC
import Texts

/// The options of `mask`, the same for both programs.
package struct MaskOptions: ParsableArguments {
    @Argument(
        help: "The picture, a PNG, JPEG or WebP file; - reads it from standard input. More may follow.",
        completion: .file(extensions: ["png", "jpg", "jpeg", "webp"]))
    package var image: String

    @Argument(
        help: """
            Labels to look for, separated by commas or lines; none: what a caption of the picture names. \
            name=phrase|phrase averages the maps of several phrases; dog:1.2 gives words a weight, from 0.1 to 10. \
            @voc, @context, @coco, @ade, @lvis, @demo or @file.txt: those of the vocabulary, and of the words beside \
            it, that are in the picture. A backslash before a comma, =, |, :, @, full stop or backslash makes it \
            part of the words.
            """)
    package var words: [String] = []

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

    @Flag(help: "Print one JSON object for each picture instead of the labels' shares.")
    package var json = false

    @Option(
        name: .shortAndLong,
        help: ArgumentHelp(
            "The folder to write to; - writes the one file that is asked for to standard output.",
            discussion: "Without it files are written beside the picture.",
            valueName: "dir|-"))
    package var output: String?

    @Option(help: "Where no label scores above this, 0 to 1, is background (default: the recipe's).")
    package var threshold: Float?

    @OptionGroup package var filter: FilterOptions

    @Flag(help: "Print why each candidate stayed or went: the caption, and what was measured.")
    package var explain = false

    @Option(help: "The method, by its name; dseg recipes lists them.")
    package var recipe = "best"

    @Option(
        help: ArgumentHelp(
            "The size at which the picture is read: square (as published), aspect (its proportions) or WxH in pixels.",
            valueName: "size"))
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
            discussion: "May be given several times.", valueName: "key=value"))
    package var settings: [String] = []

    @Option(help: "Seed of the noise that is added to the picture's latent, as for torch.manual_seed.")
    package var seed: UInt32 = 0

    @Flag(help: "Overwrite files that exist.")
    package var force = false

    package init() {}

    package func validate() throws {
        if let threshold, !(0...1).contains(threshold) {
            throw ValidationError("the threshold is \(threshold); type a number from 0 to 1")
        }
        if output == "" { throw ValidationError("-o names no folder; type -o . for the current one") }
        let sought: Sought
        do throws(WordError) {
            sought = try MaskArguments(self).words.sought
        } catch .missingPicture {
            // No usage error: the plan reports it like any missing picture, with exit code 66.
            return
        } catch .vocabulary(let error) where error.exitReason != .usage {
            // Neither, for the same reason.
            return
        } catch {
            throw ValidationError(error.description)
        }
        if case .labels = sought, filter.choosing.takesLabels, let setting = filter.filterSettings.first {
            throw ValidationError(
                "--filter-set \(Streams.excerpt(setting)) sets a filter, and labels that are typed pass none; "
                    + "type --filter best to choose among them")
        }
        switch sought {
        case .labels(let labels):
            let names = labels.map(\.name)
            try checkCuts(names, "label; type one of: \(Streams.printable(names.joined(separator: ", ")))")
        case .candidates(let vocabulary):
            let names = vocabulary.candidates.map(\.name)
            try checkCuts(
                names,
                "candidate; type one of the \(names.count): \(Streams.excerpt(names.joined(separator: ", ")))")
        case .anything: break
        }
    }

    private func checkCuts(_ names: [String], _ advice: String) throws {
        for cut in cuts where !names.contains(where: { WantedOutputs.names(cut, label: $0) }) {
            throw ValidationError("--cut \(Streams.excerpt(cut)) is no \(advice)")
        }
    }

    /// Of the recipe, as requests say them.
    var allSettings: [String] {
        [grid.map { "grid=\($0)" }, detail.map { "detail=\($0)" }, captions ? "captions=on" : nil].compactMap(\.self)
            + settings
    }
}

extension MaskValues: ExpressibleByArgument {}
