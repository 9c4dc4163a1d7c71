import Images
package import RPC

/// The requests and the outputs of `mask` for one picture, decided and checked before any work is done.
package struct MaskPlan: Sendable {
    /// Where the outputs go.
    package enum Destination: Sendable, Equatable {
        case files([OutputFile])
        /// The bytes of one output; all else is then printed to standard error.
        case standardOutput(Output)
    }

    /// The picture's path as given; "-" is standard input.
    package let picture: String
    /// Whether the picture is read once, from standard input or a pipe.
    let isStream: Bool
    package let words: WordList
    /// Of what is known of the outputs before there is an answer: of labels that are chosen only then, none.
    package let destination: Destination
    let wanted: WantedOutputs
    /// The folder and the beginning of the files' names; `nil`: the output goes to standard output.
    private let stem: (folder: String, name: String)?
    /// All pictures of the run.
    private let pictures: [String]
    private let choosing: Choosing
    /// Whether it is said why each candidate stayed or went.
    let explains: Bool
    /// Whether the JSON object is printed instead of the shares.
    package let json: Bool
    /// The folder given by `-o`.
    private let folder: String?
    /// Whether this is one of several pictures: its name is then printed before its shares.
    let isOneOfSeveral: Bool
    /// Whether it is said what was written where.
    let saysFiles: Bool
    var force: Bool
    private let recipe: String
    private let settings: [String]
    private let seed: UInt32
    private let threshold: Float?

    /// The plans of all pictures, in their order.
    ///
    /// - Parameter standardOutputIsTerminal: PNG bytes go to a terminal only with `-o -`
    package static func all(_ options: MaskOptions, standardOutputIsTerminal: Bool) throws -> [MaskPlan] {
        let arguments = try MaskArguments.reading(options)
        var plans: [MaskPlan] = []
        for picture in arguments.pictures {
            plans.append(
                try MaskPlan(
                    picture, among: arguments.pictures, asking: arguments.words, in: options.output, options,
                    standardOutputIsTerminal: standardOutputIsTerminal))
        }
        try checkNames(of: plans.map { ($0.picture, $0.files) }, besides: arguments.pictures)
        return plans
    }

    /// The plan of one of many pictures, of which the others are not known here.
    init(_ picture: ListedPicture, asking words: WordList, _ options: MaskOptions) throws(PlanError) {
        try self.init(
            picture.path, among: [picture.path], asking: words,
            in: options.output.map { PathText.joined($0, picture.folder) }, options, standardOutputIsTerminal: false)
    }

    private init(
        _ picture: String, among pictures: [String], asking words: WordList, in folder: String?,
        _ options: MaskOptions, standardOutputIsTerminal: Bool
    ) throws(PlanError) {
        self.picture = picture
        self.words = words
        self.pictures = pictures
        isOneOfSeveral = pictures.count > 1 || options.batch.isAsked
        saysFiles = !options.batch.isAsked
        json = options.json
        force = options.force
        recipe = options.recipe.name
        settings = options.recipe.allSettings
        choosing = options.filter.choosing
        explains = options.explain
        seed = options.recipe.seed
        threshold = options.recipe.threshold
        self.folder = folder == "-" ? nil : folder
        do throws(RegionError) {
            wanted = try WantedOutputs(options, among: words.names)
        } catch {
            throw .region(error)
        }

        isStream = InputFile.isStream(picture)
        switch folder {
        case nil where isStream, "-":
            if isOneOfSeveral { throw .severalPicturesOnStandardOutput }
            if json { throw .twoOnStandardOutput }
            if options.output == nil, standardOutputIsTerminal { throw .bytesForTerminal }
            stem = nil
        case let folder:
            let isNameless = isStream && InputFile.isNameless(picture)
            let (directory, name) = isNameless ? ("", "stdin") : PathText.split(picture)
            stem = (folder ?? directory, withoutExtension(name))
        }
        let isChosen = choosing.vocabulary(of: words) != nil
        if isChosen, stem == nil { try Self.checkStandardOutput(wanted) }
        destination = try Self.destination(wanted, isChosen ? [] : words.labels.map(\.name), stem)
    }

    /// Refuses several outputs for standard output where it is not known yet what labels there will be.
    private static func checkStandardOutput(_ wanted: WantedOutputs) throws(PlanError) {
        if wanted.hasFilesOfEachLabel { throw .filesOfChosen }
        if wanted.count > 1 { throw .severalOnStandardOutput(wanted.count) }
    }

    private static func destination(
        _ wanted: WantedOutputs, _ labels: [String], _ stem: (folder: String, name: String)?
    ) throws(PlanError) -> Destination {
        let extras = wanted.extras(of: labels)
        if let stem { return .files(OutputFile.named([wanted.mask] + extras, after: stem.name, in: stem.folder)) }
        if extras.count > 1 { throw .severalOnStandardOutput(extras.count) }
        return .standardOutput(extras.first ?? wanted.mask)
    }

    /// Where the outputs of an answer go.
    ///
    /// - Throws: where outputs of labels that were chosen have no place, which was not known before
    func destination(of answer: CompleteAnswer) throws -> Destination {
        guard answer.header.choice != nil else { return destination }
        let labels = answer.header.labels.map(\.name)
        let destination = try Self.destination(wanted, labels, stem)
        switch destination {
        case .files(let files): try Self.checkNames(of: [(picture, files)], besides: pictures)
        case .standardOutput:
            if let region = wanted.missing(among: labels).first { throw NothingToWrite(region: region.name) }
        }
        return destination
    }

    /// Checks that no two outputs are the same file, and that none would overwrite one of the pictures.
    ///
    /// - Parameters:
    ///   - runs: the files of each picture
    ///   - pictures: all
    private static func checkNames(
        of runs: [(picture: String, files: [OutputFile])], besides pictures: [String]
    ) throws(PlanError) {
        var owners: [OutputPlace.Identity: (run: Int, path: String)] = [:]
        for (number, run) in runs.enumerated() {
            for file in run.files {
                let place = OutputPlace.Identity(file.path)
                if let other = owners[place] {
                    if other.run == number { throw .linkedFiles(other.path, file.path) }
                    throw .sameFile(file.path, of: runs[other.run].picture, and: run.picture)
                }
                owners[place] = (number, file.path)
            }
        }
        let pictures = pictures.compactMap { picture in FileStatus(picture).map { (picture, $0) } }
        for file in runs.flatMap(\.files) {
            guard let status = FileStatus(file.path) else { continue }
            for (picture, other) in pictures where status.isSame(as: other) {
                throw .picturesPlace(file.path, picture: picture)
            }
        }
    }

    /// The files to be written, as far as they are known before there is an answer.
    package var files: [OutputFile] { destination.files }

    /// Checks that the picture exists; called first, so that its absence is reported before faults of the outputs.
    package func checkPicture() throws(FileError) {
        try InputFile.check(picture)
    }

    /// Checks that each file can be written, and that without `--force` none exists.
    package func checkFiles() throws(FileError) {
        if let folder { try checkFolder(folder) }
        for file in files { _ = try OutputPlace(file.path, force: force) }
    }

    private func checkFolder(_ folder: String) throws(FileError) {
        guard let status = FileStatus(folder) else {
            if MaskArguments.isNamedAsPicture(folder) {
                throw .isNoFolder(path: folder, what: "no folder but named as a file")
            }
            throw .noDirectory(path: folder, canBeMade: mayMake(folder))
        }
        if status.isFolder { return }
        let isPicture = FileStatus(picture).map(status.isSame) ?? false
        throw .isNoFolder(path: folder, what: isPicture ? "the picture itself" : status.kind)
    }

    /// The requests, one for each kind of score maps that files are made from, or one without.
    package func requests(_ picture: SegmentRequest.Picture, requestID: String) -> [SegmentRequest] {
        let vocabulary = choosing.vocabulary(of: words)
        return wanted.maps.map { maps in
            SegmentRequest(
                picture: picture, labels: vocabulary == nil ? words.labels : [], recipe: recipe, seed: seed,
                threshold: threshold, maps: maps, encoding: maps.encodingForFiles, mask: true, requestID: requestID,
                settings: settings, vocabulary: vocabulary)
        }
    }
}
