import ArgumentParser
import Images
package import RPC
import Texts

/// Describes a picture, by a daemon or in this process, and passes on the messages as they come.
package typealias Describing = (_ request: DescribeRequest, _ onReply: (DescribeReply) throws -> Void) throws -> Void

/// The command `words`, independent of where the description is computed.
package enum WordsRun {
    /// Describes one picture or more, and prints what is in them.
    ///
    /// - Throws: `ExitCode`, as ``MaskRun/each(_:_:)`` does, after the reason was printed to standard error
    package static func words(_ options: WordsOptions, model: RequestedModel, ask: Describing) throws {
        Interruption.watch()
        var read: (arguments: MaskArguments, vocabulary: Vocabulary)?
        try MaskRun.exiting({ nil }) {
            let arguments = try MaskArguments.reading(options.image, options.words, nil)
            for picture in arguments.pictures { try InputFile.check(picture) }
            read = (arguments, options.filter.choosing.candidates(of: arguments.words))
            for note in arguments.words.notes { Streams.say("note: \(note)") }
        }
        guard let (arguments, vocabulary) = read else { return }
        let isOneOfSeveral = arguments.pictures.count > 1
        try MaskRun.each(arguments.pictures) { path in
            var bytes: [UInt8]?
            var isFound = true
            try MaskRun.exiting({ bytes }, about: isOneOfSeveral ? path : nil) {
                let file = try InputFile.bytes(at: path)
                bytes = file
                let words = try found(in: InputPicture(file), path, vocabulary, model, ask)
                let name = isOneOfSeveral ? "\(Streams.printable(path)): " : ""
                if !options.json, let note = words.choice.mergedNote { Streams.say("\(Program.name): note: \(note)") }
                let text =
                    options.json
                    ? JSONLine.text(of: WordsRecord(words, path: path, typed: arguments.words.given)) + "\n"
                    : words.lines.map { "\(name)\($0)\n" }.joined()
                try Streams.write(Array(text.utf8))
                if let absence = words.absence { Streams.say("\(name)\(absence)") }
                isFound = words.absence == nil
            }
            return isFound
        }
    }

    private static func found(
        in picture: InputPicture, _ path: String, _ vocabulary: Vocabulary, _ model: RequestedModel, _ ask: Describing
    ) throws -> FoundWords {
        let progress = ProgressLine("waiting for a description of \(path)")
        defer { progress.finish() }
        let request = model.describing(picture.bytes, vocabulary)
        var assembly = DescriptionAssembly(
            of: vocabulary, size: (picture.size.width, picture.size.height), progress: request.progress)
        try ask(request) { reply in
            try assembly.receive(reply)
            if case .loading(let loading) = reply { progress.advance(loading) }
        }
        return try assembly.words()
    }
}

/// The whole answer to one `Describe` request.
struct FoundWords: Sendable {
    let description: Description
    let choice: Choice

    /// The caption, what it names, and a line for each candidate.
    var lines: [String] {
        let isCaptioned = description.captioner != nil
        return (isCaptioned ? Choice.lines(caption: description.caption, description.nouns) : []) + choice.verdictLines
    }

    /// That nothing was found; `nil` where something was.
    var absence: String? {
        if choice.verdicts.contains(where: \.kept) { return nil }
        return choice.verdicts.isEmpty
            ? "the caption names nothing to look for; type words, or @coco for many"
            : "nothing of what was asked is in the picture, as far as the filter tells"
    }
}

/// Collects the messages of a `Describe` stream, and checks that they answer the request.
struct DescriptionAssembly: Sendable {
    private let vocabulary: Vocabulary
    private let size: (width: Int, height: Int)
    private let progress: Bool
    private var description: Description?
    private var choice: Choice?

    /// - Parameter progress: whether the request asks for it
    init(of vocabulary: Vocabulary, size: (width: Int, height: Int), progress: Bool) {
        self.vocabulary = vocabulary
        self.size = size
        self.progress = progress
    }

    /// - Throws: `dataLoss` for a message that is out of order or contradicts the request
    mutating func receive(_ reply: DescribeReply) throws(RPCStatus) {
        switch reply {
        case .description(let description):
            guard self.description == nil else { throw .broken("a second description") }
            guard Int(description.width) == size.width, Int(description.height) == size.height else {
                throw .broken("a picture of another size")
            }
            let texts = [description.caption] + description.nouns.flatMap { [$0.name, $0.words] }
            guard texts.allSatisfy(StreamSafe.isSafe) else { throw .broken("a caption with \(StreamSafe.refusal)") }
            self.description = description
        case .choice(let choice):
            guard description != nil, self.choice == nil else { throw .broken("a choice out of its place") }
            try vocabulary.check(choice)
            self.choice = choice
        case .loading:
            guard progress, description == nil else { throw .broken("a model's loading out of its place") }
        }
    }

    /// - Throws: `dataLoss` if a message is missing
    func words() throws(RPCStatus) -> FoundWords {
        guard let description, let choice else { throw .broken("an end before everything was there") }
        return FoundWords(description: description, choice: choice)
    }
}

/// What `words --json` prints.
private struct WordsRecord: Encodable {
    struct Picture: Encodable {
        let path: String
        let sha256: String
        let width: UInt32
        let height: UInt32
    }

    let picture: Picture
    /// The arguments as they were typed.
    let words: [String]
    let caption: String
    let nouns: [ChoiceRecord.Noun]
    let captioner: Provenance.Model?
    let filter: Provenance.Model?
    let choice: ChoiceRecord

    init(_ found: FoundWords, path: String, typed: [String]) {
        let description = found.description
        picture = Picture(
            path: path, sha256: description.handle, width: description.width, height: description.height)
        words = typed
        caption = description.caption
        nouns = description.nouns.map(ChoiceRecord.Noun.init)
        captioner = description.captioner.map(Provenance.Model.init)
        filter = description.filter.map(Provenance.Model.init)
        choice = ChoiceRecord(found.choice, explains: true)
    }
}
