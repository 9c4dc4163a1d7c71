import Images
package import RPC

/// What one run of `mask` asks and writes, settled before any work is done.
package struct MaskPlan: Sendable {
    /// Where the outputs go.
    package enum Destination: Sendable, Equatable {
        case files([OutputFile])
        /// The bytes of one output; everything else that is printed belongs on standard error.
        case standardOutput(Output)
    }

    /// As given; "-" is standard input.
    package let picture: String
    package let words: WordList
    package let destination: Destination
    /// Whether the JSON object is printed, in place of the shares.
    package let json: Bool
    private let force: Bool
    private let recipe: String
    private let seed: UInt32
    private let threshold: Float?

    /// - Parameter standardOutputIsTerminal: bytes go there only if `-o -` asks for it
    package init(_ options: MaskOptions, standardOutputIsTerminal: Bool) throws(PlanError) {
        do throws(WordError) {
            words = try WordList(options.words)
        } catch {
            throw .words(error)
        }
        picture = options.image
        json = options.json
        force = options.force
        recipe = options.recipe ?? ""
        seed = options.seed
        threshold = options.threshold

        let mask: Output = options.maskValues == .grey ? .greyMask : .mask
        let names = words.labels.map(\.name)
        var extras: [Output] = options.overlay ? [.overlay] : []
        if options.heat { extras += names.map { .heat(label: $0) } }
        extras += names.filter(options.cuts.contains).map { .cut(label: $0) }

        switch options.output {
        case nil where picture == "-", "-":
            if json { throw .twoOnStandardOutput }
            if extras.count > 1 { throw .severalOnStandardOutput(extras.count) }
            if options.output == nil, standardOutputIsTerminal { throw .bytesForTerminal }
            destination = .standardOutput(extras.first ?? mask)
        case let folder:
            let (directory, name) = picture == "-" ? ("", "stdin") : PathText.split(picture)
            destination = .files(
                OutputFile.named(
                    [mask] + extras, after: withoutExtension(name), in: folder ?? directory))
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

    /// The bytes of all files must be written, or none; nothing that exists is lost unasked.
    package func checkFiles() throws(FileError) {
        for file in files { _ = try OutputPlace(file.path, force: force) }
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
    /// - Parameter picture: the picture's file
    /// - Throws: what `Drawing.bytes(of:)` throws, or `FileError`; no file is left then
    package func deliver(_ answer: Answer, picture bytes: [UInt8]) throws -> Printout {
        let drawing = Drawing(
            answer, words: words.given, picturePath: picture, picture: bytes, files: files)
        let frames = try ImageSize(probing: bytes).frames
        let notes =
            answer.truncatedPrompts.map { prompt in
                "the prompt \"\(prompt)\" is longer than the model reads; its end was left out"
            } + (frames > 1 ? ["the picture is animated: the first of its \(frames) frames was looked at"] : [])
        switch destination {
        case .standardOutput(let output):
            return Printout(
                data: try drawing.bytes(of: output), messages: answer.shareLines + notes)
        case .files:
            var staged = StagedFiles(force: force)
            defer { staged.discard() }
            for file in files { try staged.stage(drawing.bytes(of: file.output), for: file.path) }
            let shares = answer.shareLines.map { $0 + "\n" }.joined()
            let data = json ? try drawing.bytes(of: .json) : Array(shares.utf8)
            try staged.commit()
            return Printout(data: data, messages: files.map { "wrote \($0.path)" } + notes)
        }
    }
}

/// Why options do not fit together, and what to type instead.
package enum PlanError: Error, Equatable, CustomStringConvertible {
    case words(WordError)
    case twoOnStandardOutput
    case severalOnStandardOutput(Int)
    case bytesForTerminal

    package var description: String {
        switch self {
        case .words(let error):
            error.description
        case .twoOnStandardOutput:
            "--json and a picture cannot both go to standard output; type -o DIR for the files"
        case .severalOnStandardOutput(let count):
            "\(count) pictures cannot all go to standard output; type -o DIR, or ask for one"
        case .bytesForTerminal:
            "a PNG file would go to the terminal; type > FILE, -o DIR, or -o - if it is meant"
        }
    }
}
