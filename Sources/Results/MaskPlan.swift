import Images
package import RPC

/// The request and the outputs of `mask` for one picture, decided and checked before any work is done.
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
    private let isStream: Bool
    package let words: WordList
    package let destination: Destination
    /// Whether the JSON object is printed instead of the shares.
    package let json: Bool
    /// The folder given by `-o`.
    private let folder: String?
    /// Whether this is one of several pictures: its name is then printed before its shares.
    let isOneOfSeveral: Bool
    private let force: Bool
    private let recipe: String
    private let settings: [String]
    private let seed: UInt32
    private let threshold: Float?

    /// The plans of all pictures, in their order.
    ///
    /// - Parameter standardOutputIsTerminal: PNG bytes go to a terminal only with `-o -`
    package static func all(_ options: MaskOptions, standardOutputIsTerminal: Bool) throws -> [MaskPlan] {
        let arguments: MaskArguments
        do throws(WordError) {
            arguments = try MaskArguments(options)
        } catch .missingPicture(let file) {
            throw FileError.cannotRead(path: file, reason: WordError.missingPicture(file).description)
        } catch {
            throw PlanError.words(error)
        }
        var plans: [MaskPlan] = []
        for picture in arguments.pictures {
            plans.append(
                try MaskPlan(
                    picture, arguments.words, options, isOneOfSeveral: arguments.pictures.count > 1,
                    standardOutputIsTerminal: standardOutputIsTerminal))
        }
        try checkNames(plans)
        return plans
    }

    private init(
        _ picture: String, _ words: WordList, _ options: MaskOptions, isOneOfSeveral: Bool,
        standardOutputIsTerminal: Bool
    ) throws(PlanError) {
        self.picture = picture
        self.words = words
        self.isOneOfSeveral = isOneOfSeveral
        json = options.json
        force = options.force
        recipe = options.recipe
        settings = options.allSettings
        seed = options.seed
        threshold = options.threshold
        folder = options.output == "-" ? nil : options.output

        let mask: Output = options.maskValues == .grey ? .greyMask : .mask
        let names = words.labels.map(\.name)
        var extras: [Output] = options.overlay ? [.overlay] : []
        if options.heat { extras += names.map { .heat(label: $0) } }
        extras += names.filter(options.cutsOut).map { .cut(label: $0) }

        isStream = InputFile.isStream(picture)
        switch options.output {
        case nil where isStream, "-":
            if isOneOfSeveral { throw .severalPicturesOnStandardOutput }
            if json { throw .twoOnStandardOutput }
            if extras.count > 1 { throw .severalOnStandardOutput(extras.count) }
            if options.output == nil, standardOutputIsTerminal { throw .bytesForTerminal }
            destination = .standardOutput(extras.first ?? mask)
        case let folder:
            let isNameless = isStream && InputFile.isNameless(picture)
            let (directory, name) = isNameless ? ("", "stdin") : PathText.split(picture)
            destination = .files(
                OutputFile.named([mask] + extras, after: withoutExtension(name), in: folder ?? directory))
        }
    }

    /// Checks that no two outputs are the same file, and that none would overwrite one of the pictures.
    private static func checkNames(_ plans: [MaskPlan]) throws(PlanError) {
        var owners: [OutputPlace.Identity: (plan: Int, path: String)] = [:]
        for (number, plan) in plans.enumerated() {
            for file in plan.files {
                let place = OutputPlace.Identity(file.path)
                if let other = owners[place] {
                    if other.plan == number { throw .linkedFiles(other.path, file.path) }
                    throw .sameFile(file.path, of: plans[other.plan].picture, and: plan.picture)
                }
                owners[place] = (number, file.path)
            }
        }
        let pictures = plans.compactMap { plan in FileStatus(plan.picture).map { (plan.picture, $0) } }
        for file in plans.flatMap(\.files) {
            guard let status = FileStatus(file.path) else { continue }
            for (picture, other) in pictures where status.isSame(as: other) {
                throw .picturesPlace(file.path, picture: picture)
            }
        }
    }

    /// The files to be written.
    package var files: [OutputFile] {
        switch destination {
        case .files(let files): files
        case .standardOutput: []
        }
    }

    private var outputs: [Output] {
        switch destination {
        case .files(let files): files.map(\.output)
        case .standardOutput(let output): [output]
        }
    }

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

    /// The request. Score maps are requested only if heat maps are drawn of them, and at the picture's size.
    package func request(_ picture: SegmentRequest.Picture, requestID: String) -> SegmentRequest {
        let maps: SegmentRequest.Maps = outputs.contains(where: \.drawsScores) ? .sized : .none
        return SegmentRequest(
            picture: picture, labels: words.labels, recipe: recipe, seed: seed, threshold: threshold, maps: maps,
            encoding: maps.encodingForHeat, mask: true, requestID: requestID, settings: settings)
    }
}

/// The text printed once the files are written: data to standard output, messages to standard error.
package struct Printout: Sendable, Equatable {
    package let data: [UInt8]
    package let messages: [String]
}

extension MaskPlan {
    /// Draws and writes all files.
    ///
    /// - Returns: as data the shares or the JSON; with `-o -` the picture, and the shares as messages
    /// - Throws: what `Drawing.bytes(of:)` throws, or `FileError`; then no file was written
    package func deliver(_ answer: CompleteAnswer, picture input: InputPicture) throws -> Printout {
        // A pipe's path is useless later: "-" makes `redo` read the picture from standard input.
        let path = isStream ? "-" : picture
        let drawing = Drawing(answer, words: words.given, picturePath: path, picture: input, files: files)
        let frames = input.size.frames
        let notes =
            answer.truncatedPrompts.map { prompt in
                "the prompt \"\(Streams.printable(prompt))\" is longer than the model reads; its end was left out"
            } + (frames > 1 ? ["the picture is animated: the first of its \(frames) frames was looked at"] : [])
        switch destination {
        case .standardOutput(let output):
            return Printout(
                data: try drawing.bytes(of: output), messages: answer.shareLines + notes)
        case .files:
            var staged = StagedFiles(force: force)
            defer { staged.discard() }
            for file in files { try staged.stage(drawing.bytes(of: file.output), for: file.path) }
            let name = isOneOfSeveral ? "\(Streams.printable(picture)): " : ""
            let shares = answer.shareLines.map { "\(name)\($0)\n" }.joined()
            let data = json ? try drawing.bytes(of: .json) : Array(shares.utf8)
            try staged.commit()
            return Printout(data: data, messages: files.map { "wrote \(Streams.printable($0.path))" } + notes)
        }
    }
}

/// Why options contradict each other, and what to type instead.
package enum PlanError: Error, Equatable, CustomStringConvertible {
    case words(WordError)
    case twoOnStandardOutput
    case severalOnStandardOutput(Int)
    case severalPicturesOnStandardOutput
    case bytesForTerminal
    /// Outputs of two pictures would have the same path.
    case sameFile(String, of: String, and: String)
    /// Two outputs of one picture are links to the same file.
    case linkedFiles(String, String)
    /// An output would overwrite one of the pictures.
    case picturesPlace(String, picture: String)

    package var description: String {
        switch self {
        case .words(let error):
            return error.description
        case .twoOnStandardOutput:
            return "--json and a picture cannot both go to standard output; type -o DIR for the files"
        case .severalOnStandardOutput(let count):
            return "\(count) pictures cannot all go to standard output; type -o DIR, or ask for one"
        case .severalPicturesOnStandardOutput:
            return "the masks of several pictures cannot all go to standard output; type -o DIR, or ask about one"
        case .bytesForTerminal:
            return "a PNG file would go to the terminal; type > FILE, -o DIR, or -o - if it is meant"
        case .sameFile(let path, let one, let other):
            let (path, one, other) = (Streams.printable(path), Streams.printable(one), Streams.printable(other))
            return "\(one) and \(other) would both be written to \(path); ask in two runs, each with its own -o DIR"
        case .linkedFiles(let one, let other):
            return "\(Streams.printable(one)) and \(Streams.printable(other)) are links to one file; "
                + "remove one of them, or type -o DIR for another folder"
        case .picturesPlace(let path, let picture):
            return "\(Streams.printable(path)) would take the place of the picture \(Streams.printable(picture)); "
                + "leave that one out, or type -o DIR for another folder"
        }
    }
}
