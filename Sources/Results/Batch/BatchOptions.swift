package import ArgumentParser

/// The options of `mask` for many pictures.
package struct BatchOptions: ParsableArguments {
    @Option(
        help: ArgumentHelp(
            """
            Look at so many pictures at a time, 1 to \(Self.jobLimit): of folders and what is in them, and of patterns \
            in quotes ('photos/*.jpg'). What an earlier run has done is left out.
            """, valueName: "count"))
    package var jobs: Int?

    @Option(
        help: ArgumentHelp(
            "Take the pictures from a file's lines; - reads them from standard input. All arguments are words then.",
            valueName: "file|-"), completion: .file())
    package var filesFrom: String?

    @Flag(
        name: [.customShort("0"), .customLong("null")],
        help: "The names of --files-from end with NUL, as find -print0 writes them.")
    package var null = false

    @Option(
        help: ArgumentHelp(
            """
            Where it is kept which pictures are done, so that the same command goes on after an end of any kind \
            (default: dseg-mask.jsonl in the folder of -o, else in the current one).
            """, valueName: "file"), completion: .file())
    package var journal: String?

    package static let jobLimit = 64
    /// One is computed while the next is read and the last is drawn.
    private static let standardJobs = 2

    package init() {}

    /// Whether it is many pictures that are asked about.
    package var isAsked: Bool { jobs != nil || filesFrom != nil }

    var count: Int { jobs ?? Self.standardJobs }

    package func validate() throws {
        if let jobs, !(1...Self.jobLimit).contains(jobs) {
            throw ValidationError("--jobs \(jobs): type a number from 1 to \(Self.jobLimit)")
        }
        if null, filesFrom == nil { throw ValidationError("-0 is about the names of --files-from FILE") }
        if journal != nil, !isAsked { throw ValidationError("--journal is of many pictures: type --jobs COUNT, too") }
    }
}
