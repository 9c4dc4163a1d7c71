import Limits
import Images
package import RPC
import Texts

/// The command `figure`, independent of where answers are computed.
package enum FigureRun {
    /// Asks about each picture by each recipe, draws the figure, and writes it.
    ///
    /// - Throws: `ExitCode`, after the reason was printed to standard error
    package static func figure(_ options: FigureOptions, model: RequestedModel, ask: Asking) throws {
        Interruption.watch()
        var asked: [UInt8]?
        try MaskRun.exiting({ asked }) {
            let arguments = try MaskArguments.reading(options.image, options.words, nil)
            let plan = try FigurePlan(
                options.kind, pictures: arguments.pictures, words: arguments.words,
                recipes: try options.recipes.map { try WrittenRecipe($0) }, panel: options.panel, seed: options.seed,
                threshold: options.threshold)
            let place = try FigurePlace(
                options.output, of: plan.kind, pictures: plan.pictures,
                standardOutputIsTerminal: Streams.outputIsTerminal)
            for picture in plan.pictures { try InputFile.check(picture) }
            if case .file(let path) = place { _ = try OutputPlace(path, force: options.force) }
            for note in plan.words.notes { Streams.say("note: \(note)") }

            let drawn = try drawing(of: plan, model, ask) { path in
                let bytes = try InputFile.bytes(at: path)
                asked = bytes
                return bytes
            }
            switch place {
            case .standardOutput: try Streams.write(drawn.file)
            case .file(let path):
                var staged = StagedFiles(force: options.force)
                defer { staged.discard() }
                try staged.stage(drawn.file, for: path)
                try staged.commit()
                Streams.say("wrote \(Streams.printable(path))")
            }
        }
    }

    /// Draws a figure again.
    ///
    /// - Parameter path: the figure's
    static func redo(_ record: FigureRecord, at path: String, keepAlive: KeepAlive?, _ ask: Asking) throws {
        let plan = try record.plan()
        let model = RequestedModel(name: record.answers[0].model.hash, keepAlive: keepAlive)
        let beside = PathText.split(path).directory
        let drawn = try drawing(of: plan, model, ask) { picture in
            if picture == "-" { return try InputFile.bytes(at: picture) }
            // The recorded path, then its name in the folder of the figure, as for other outputs.
            let name = PathText.joined(beside, PathText.split(picture).name)
            let first = try? InputFile.regularBytes(at: picture, limit: Limit.pictureBytes)
            return try first ?? InputFile.regularBytes(at: name, limit: Limit.pictureBytes)
        }
        guard drawn.record.answers.count == record.answers.count else {
            throw ProvenanceError.unreadable("its answers are not as many as its pictures and recipes")
        }
        var said: Set<String> = []
        for (old, new) in zip(record.answers, drawn.record.answers) {
            for difference in try old.differences(from: new) where said.insert(difference).inserted {
                Streams.say(Streams.printable(difference))
            }
        }
        try replaceFile(at: path, with: drawn.file)
    }

    private static func drawing(
        of plan: FigurePlan, _ model: RequestedModel, _ ask: Asking, reading: (_ path: String) throws -> [UInt8]
    ) throws -> (file: [UInt8], record: FigureRecord) {
        var rows: [Figure.Row] = []
        var told: [FigureRecord.Answer] = []
        for path in plan.pictures {
            // Reads the header here, so that a file that is no picture is not sent.
            let input = try InputPicture(try reading(path))
            let answers = try plan.recipes.map { recipe in
                try MaskRun.answer(model.asked(plan.request(input.bytes, recipe)), about: input, path, ask)
            }
            // A pipe's path is useless later: "-" makes `redo` read the picture from standard input.
            let named = InputFile.isStream(path) ? "-" : path
            told += answers.map { FigureRecord.Answer($0, path: named, size: input.size) }
            rows += try plan.rows(of: AnsweredPicture(input, path: path, answers))
        }
        let page = try Figure(rows: rows, scale: plan.scale).page()
        let record = FigureRecord(of: plan, told)
        let file = try PNGFile(
            width: page.width, height: page.height, .rgb(page.pixels),
            texts: [PNGFile.Text(key: Provenance.key, value: record.json)]
        ).encoded()
        return (file, record)
    }
}
