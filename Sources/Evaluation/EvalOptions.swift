package import ArgumentParser
package import Results

/// Where an evaluation's labels come from, as it is asked for.
package enum AskedLabels: Sendable, Equatable, ExpressibleByArgument {
    case given
    case candidates
    case file(String)

    package init?(argument: String) {
        switch argument {
        case "": return nil
        case "given": self = .given
        case "candidates": self = .candidates
        default: self = .file(argument)
        }
    }

    package var defaultValueDescription: String { "candidates" }
}

extension MapFormat: ExpressibleByArgument {}

extension ImageLabels.List: ExpressibleByArgument {
    package init?(argument: String) {
        self.init(rawValue: argument)
    }
}

/// The options of `eval`.
package struct EvalOptions: ParsableArguments {
    @Argument(
        help: ArgumentHelp(
            "The data set: \(DataSet.names.joined(separator: ", ")).",
            discussion: "folder is any folder laid out as VOC's, with a file classes.txt.", valueName: "set"),
        completion: .list(DataSet.names))
    package var set: String

    @Option(help: ArgumentHelp("The set's folder.", valueName: "dir"), completion: .directory)
    package var root: String

    @Option(
        help: ArgumentHelp("The list of pictures (default: the one that publications report).", valueName: "name"))
    package var split: String?

    @Option(
        help: ArgumentHelp("Which truth, where the set has several (default: the first there is).", valueName: "name"))
    package var truth: String?

    @Option(
        help: ArgumentHelp(
            "A file of the classes in the truth's order, name=phrase|phrase each, in place of the set's own words.",
            valueName: "file"), completion: .file())
    package var classes: String?

    @Option(help: ArgumentHelp("Only so many pictures, the first of the list.", valueName: "count"))
    package var first: Int?

    @Option(
        help: ArgumentHelp(
            """
            What is looked for in a picture: candidates (those of all classes that a filter finds in it), given (those \
            in its truth), or what a file says of it.
            """, valueName: "labels|file"),
        completion: .file())
    package var labels = AskedLabels.candidates

    @Option(
        name: .customLong("label-lists"), parsing: .singleValue,
        help: ArgumentHelp(
            "Of a file with several lists, one of those that are joined (default: the published ones).",
            discussion: "May be given several times.", valueName: "list"))
    package var labelLists: [ImageLabels.List] = []

    @OptionGroup package var recipe: RecipeOptions

    @OptionGroup package var filter: FilterOptions

    @Option(
        help: ArgumentHelp(
            "Pictures that the daemon is asked about at a time, 1 to \(Self.jobLimit).", valueName: "count"))
    package var jobs = 2

    @Option(
        help: ArgumentHelp(
            "Where each picture's counts are kept, so that the same command goes on after an end of any kind.",
            discussion: "Without it SET.SPLIT.dseg-eval.jsonl in the current folder, or in that of --export.",
            valueName: "file"), completion: .file())
    package var journal: String?

    @Option(
        help: ArgumentHelp(
            "Also write masks to this folder, as indexed PNG files with the truth's names (masks/NAME.png).",
            valueName: "dir"), completion: .directory)
    package var export: String?

    @Option(
        help: ArgumentHelp(
            "Also export the scores, npz (maps/NAME.npz) or mat (maps/NAME.mat, as published evaluators read it).",
            valueName: "format"))
    package var exportMaps: MapFormat?

    @Flag(help: "Only export: the pictures need no truth.")
    package var noTruth = false

    @Flag(help: "Print one JSON object for each protocol instead of the table.")
    package var json = false

    @Flag(help: "Print the table as Markdown.")
    package var markdown = false

    @Option(
        help: ArgumentHelp(
            "Also write the confusion matrix at the fixed threshold, as comma-separated values.", valueName: "file"),
        completion: .file())
    package var confusion: String?

    package static let jobLimit = 16

    package init() {}

    package func validate() throws {
        if !(1...Self.jobLimit).contains(jobs) {
            throw ValidationError("--jobs \(jobs): type a number from 1 to \(Self.jobLimit)")
        }
        if let first, first < 1 { throw ValidationError("--first \(first): type how many pictures, at least 1") }
        if json, markdown { throw ValidationError("--json and --markdown are two answers: leave one of them out") }
        try checkLabels()
        try checkExport()
    }

    private func checkLabels() throws {
        if case .file = labels {
        } else if let list = labelLists.first {
            throw ValidationError("--label-lists \(list.rawValue) is of a file, and --labels names none")
        }
        if labels != .candidates, let name = filter.filter ?? filter.filterSettings.first {
            throw ValidationError(
                "\(Streams.excerpt(name)) is of a filter, and --labels says what is in each picture; type --labels "
                    + "candidates to choose by the filter")
        }
    }

    private func checkExport() throws {
        guard export == nil || noTruth else { return }
        if export == nil, let exportMaps {
            throw ValidationError("--export-maps \(exportMaps.rawValue) needs a folder: --export DIR")
        }
        guard noTruth else { return }
        if export == nil { throw ValidationError("with --no-truth there is nothing but the export: --export DIR") }
        if labels == .given { throw ValidationError("--labels given are those of the truth: leave out --no-truth") }
        if json || markdown || confusion != nil {
            throw ValidationError(
                "with --no-truth nothing is counted: leave out "
                    + (json ? "--json" : markdown ? "--markdown" : "--confusion"))
        }
    }
}
