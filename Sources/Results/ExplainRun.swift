import ArgumentParser
import Images
package import RPC
import Texts

/// The command `explain`, independent of where the answer is computed: which labels claim a pixel, and where else its
/// self-attention looks.
package enum ExplainRun {
    /// Prints the labels' scores at a pixel, and writes a heat map of its self-attention.
    ///
    /// - Throws: `ExitCode`, after the reason was printed to standard error
    package static func explain(_ options: ExplainOptions, model: RequestedModel, ask: Asking) throws {
        Interruption.watch()
        var picture: [UInt8]?
        try MaskRun.exiting({ picture }) {
            let arguments = try MaskArguments.reading(options.image, options.words, nil)
            guard arguments.pictures.count == 1 else { throw PlanError.severalPictures(arguments.pictures.count) }
            try InputFile.check(options.image)
            let output = Output.attention(x: options.x, y: options.y)
            let file = try place(of: output, options)
            if let file { _ = try OutputPlace(file.path, force: options.force) }
            for note in arguments.words.notes { Streams.say("note: \(note)") }
            let bytes = try InputFile.bytes(at: options.image)
            picture = bytes
            let input = try InputPicture(bytes)
            guard options.x < input.size.width, options.y < input.size.height else {
                throw PixelError(x: options.x, y: options.y, size: input.size)
            }
            let request = request(options, arguments.words, bytes)
            let answer = try MaskRun.answer(
                model.asked(request), about: input, options.image, saysNotes: !options.json, ask)
            guard !answer.isEmpty else {
                if let absence = answer.absence { Streams.say(absence) }
                throw ExitCode(ExitReason.nothingFound.rawValue)
            }
            let claims = try PixelClaims(in: answer, x: options.x, y: options.y)
            let drawing = Drawing(
                answer, words: arguments.words.given, picturePath: file == nil ? "-" : options.image, picture: input,
                files: [file].compactMap(\.self), explains: false)
            let heat = try drawing.bytes(of: output)
            guard let file else {
                for line in claims.lines { Streams.say(line) }
                return try Streams.write(heat)
            }
            try replaceFile(at: file.path, with: heat)
            let record = ExplainRecord(provenance: drawing.provenance(of: .json), claims: claims)
            try Streams.write(
                Array((options.json ? JSONLine.text(of: record) + "\n" : claims.lines.map { $0 + "\n" }.joined()).utf8))
            Streams.say("wrote \(Streams.printable(file.path))")
        }
    }

    private static func request(_ options: ExplainOptions, _ words: WordList, _ picture: [UInt8]) -> SegmentRequest {
        let vocabulary = options.filter.choosing.vocabulary(of: words)
        return SegmentRequest(
            picture: .image(picture), labels: vocabulary == nil ? words.labels : [], recipe: options.recipe.name,
            seed: options.recipe.seed, threshold: options.recipe.threshold, maps: .sized, encoding: .u16, mask: true,
            settings: options.recipe.allSettings, vocabulary: vocabulary,
            probes: [.attention(x: options.x, y: options.y)])
    }

    /// The heat map's file; `nil`: it goes to standard output.
    private static func place(of output: Output, _ options: ExplainOptions) throws(PlanError) -> OutputFile? {
        let isStream = InputFile.isStream(options.image)
        guard options.output == "-" || options.output == nil && isStream else {
            let isNameless = isStream && InputFile.isNameless(options.image)
            let (directory, name) = isNameless ? ("", "stdin") : PathText.split(options.image)
            return OutputFile.named([output], after: withoutExtension(name), in: options.output ?? directory)[0]
        }
        if options.json { throw .twoOnStandardOutput }
        if options.output == nil, Streams.outputIsTerminal { throw .bytesForTerminal }
        return nil
    }
}

/// The labels' scores at one pixel.
struct PixelClaims: Sendable, Encodable {
    struct Claim: Sendable, Encodable {
        let label: String
        /// Of the label's map at the picture's size, 0 to 1.
        let score: Float
        /// Whether that is above the threshold.
        let claims: Bool
    }

    let x: UInt32
    let y: UInt32
    /// That the mask gives the pixel to; `nil`: the background.
    let label: String?
    /// The highest score first.
    let labels: [Claim]

    private let threshold: Float

    private enum CodingKeys: CodingKey {
        case x, y, label, labels
    }

    /// - Throws: `RPCStatus` for a broken score map
    init(in answer: CompleteAnswer, x: UInt32, y: UInt32) throws(RPCStatus) {
        (self.x, self.y) = (x, y)
        threshold = answer.header.threshold
        let place = Int(y) * Int(answer.header.width) + Int(x)
        let index = Int(answer.indices[place])
        label = index == 0 ? nil : answer.header.labels[index - 1].name
        var claims: [Claim] = []
        for (label, map) in zip(answer.header.labels, answer.maps) {
            let score = try map.scores()[place]
            claims.append(Claim(label: label.name, score: score, claims: score > threshold))
        }
        labels = claims.enumerated().sorted { ($1.element.score, $0.offset) < ($0.element.score, $1.offset) }
            .map(\.element)
    }

    /// A line for each label and for the background, between those that claim the pixel and those that do not.
    var lines: [String] {
        func row(_ label: String, _ score: Float, _ note: String) -> [String] {
            let thousandths = Int((score * 1000).rounded())
            let digits = String(thousandths % 1000)
            return [label, "\(thousandths / 1000).\(String(repeating: "0", count: 3 - digits.count))\(digits)", note]
        }
        let rows = labels.map { claim in
            let isWinner = label.map { ExactString($0) == ExactString(claim.label) } ?? false
            return (
                claim.claims,
                row(
                    Streams.printable(claim.label), claim.score,
                    isWinner ? "has the pixel" : claim.claims ? "claims it, too" : "")
            )
        }
        let background = row("background", threshold, label == nil ? "has the pixel" : "")
        return TextTable.lines(rows.filter(\.0).map(\.1) + [background] + rows.filter { !$0.0 }.map(\.1))
    }
}

/// What `explain --json` prints: how the answer was made, and the pixel.
private struct ExplainRecord: Encodable {
    let provenance: Provenance
    let claims: PixelClaims

    private enum CodingKeys: CodingKey {
        case pixel
    }

    func encode(to encoder: any Encoder) throws {
        try provenance.encode(to: encoder)
        var container = encoder.container(keyedBy: CodingKeys.self)
        try container.encode(claims, forKey: .pixel)
    }
}

/// A pixel that the picture does not have.
struct PixelError: ReasonedError, Equatable, CustomStringConvertible {
    let x: UInt32
    let y: UInt32
    let size: ImageSize

    var description: String {
        "the picture has no pixel (\(x), \(y)): it has \(size.width) x \(size.height), so that the column is 0 to "
            + "\(size.width - 1) and the row 0 to \(size.height - 1)"
    }

    var exitReason: ExitReason { .usage }
}
