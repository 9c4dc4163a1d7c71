import Images
package import RPC

/// What one run of `mask` asks about one picture and writes, settled before any work is done.
package struct MaskPlan: Sendable {
    /// Where the outputs go.
    package enum Destination: Sendable, Equatable {
        case files([OutputFile])
        /// The bytes of one output; everything else that is printed belongs on standard error.
        case standardOutput(Output)
    }

    /// As given; "-" is standard input.
    package let picture: String
    /// Whether the picture is read once, from standard input or a pipe.
    private let isStream: Bool
    package let words: WordList
    package let destination: Destination
    /// Whether the JSON object is printed, in place of the shares.
    package let json: Bool
    /// The folder that was named for the files.
    private let folder: String?
    /// Whether this is one of several pictures, whose shares are told apart.
    let isOneOfSeveral: Bool
    private let force: Bool
    private let recipe: String
    private let seed: UInt32
    private let threshold: Float?

    /// The plans of all pictures, in their order.
    ///
    /// - Parameter standardOutputIsTerminal: bytes go there only if `-o -` asks for it
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
        recipe = options.recipe ?? ""
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

    /// No two outputs are one file, and none takes another picture's place.
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

    /// The picture must be there, before anything is said of outputs.
    package func checkPicture() throws(FileError) {
        try InputFile.check(picture)
    }

    /// The bytes of all files must be written, or none; nothing that exists is lost unasked.
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

    /// What to ask. Score maps are asked for only where heat maps are drawn from them.
    package func request(_ picture: SegmentRequest.Picture, requestID: String) -> SegmentRequest {
        SegmentRequest(
            picture: picture, labels: words.labels, recipe: recipe, seed: seed,
            threshold: threshold, maps: outputs.contains(where: \.drawsScores) ? .latent : .none,
            encoding: .u16, mask: true, requestID: requestID)
    }
}

/// What is left to print when the files are written: data for standard output, lines for standard
/// error.
package struct Printout: Sendable, Equatable {
    package let data: [UInt8]
    package let messages: [String]
}

extension MaskPlan {
    /// Draws and writes all files, and says what is to be printed.
    ///
    /// The shares (or the JSON in their place) are the data, unless a picture is: then they are
    /// messages.
    ///
    /// - Throws: what `Drawing.bytes(of:)` throws, or `FileError`; no file is left then
    package func deliver(_ answer: CompleteAnswer, picture input: InputPicture) throws -> Printout {
        // A pipe is not there to be read again; whoever makes the file again is to bring the picture.
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

/// Why options do not fit together, and what to type instead.
package enum PlanError: Error, Equatable, CustomStringConvertible {
    case words(WordError)
    case twoOnStandardOutput
    case severalOnStandardOutput(Int)
    case severalPicturesOnStandardOutput
    case bytesForTerminal
    /// Two pictures' files have one name.
    case sameFile(String, of: String, and: String)
    /// Two files of one picture, of which links make one.
    case linkedFiles(String, String)
    /// A file would take the place of a picture that is asked about.
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
