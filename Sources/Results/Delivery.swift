import Images
import RPC

/// The text printed once the files are written: data to standard output, messages to standard error.
package struct Printout: Sendable, Equatable {
    package let data: [UInt8]
    package let messages: [String]
}

extension MaskPlan {
    /// Draws and writes all files.
    ///
    /// - Returns: as data the shares or the JSON; with `-o -` the picture, and the shares as messages
    /// - Throws: what `Drawing.bytes(of:)` throws, ``PlanError``, ``NothingToWrite``, or `FileError`; then no file was
    ///   written
    package func deliver(_ answer: CompleteAnswer, picture input: InputPicture) throws -> Printout {
        // A pipe's path is useless later: "-" makes `redo` read the picture from standard input.
        let path = isStream ? "-" : picture
        let destination = try destination(of: answer)
        let drawing = Drawing(
            answer, words: words.given, picturePath: path, picture: input, files: destination.files, explains: explains)
        let name = isOneOfSeveral ? "\(Streams.printable(picture)): " : ""
        let why = explains && !json ? answer.explanation.map { "\(name)\($0)" } : []
        let notes = notes(on: answer, frames: input.size.frames).map { "\(name)\($0)" }
        switch destination {
        case .standardOutput(let output):
            return Printout(data: try drawing.bytes(of: output), messages: why + answer.shareLines + notes)
        case .files(let files):
            var staged = StagedFiles(force: force)
            defer { staged.discard() }
            for file in files { try staged.stage(drawing.bytes(of: file.output), for: file.path) }
            let shares = answer.shareLines.map { "\(name)\($0)\n" }.joined()
            let data = json ? try drawing.bytes(of: .json) : Array(shares.utf8)
            try staged.commit()
            return Printout(data: data, messages: why + files.map { "wrote \(Streams.printable($0.path))" } + notes)
        }
    }

    /// What of an answer may surprise.
    private func notes(on answer: CompleteAnswer, frames: Int) -> [String] {
        let isChosen = answer.header.choice != nil
        return answer.truncatedPrompts.map { prompt in
            "the prompt \"\(Streams.printable(prompt))\" is longer than the model reads; its end was left out"
        } + (frames > 1 ? ["the picture is animated: the first of its \(frames) frames was looked at"] : [])
            + (isChosen ? wanted.missingCuts(of: answer.header.labels.map(\.name)) : []).map { cut in
                "\"\(Streams.excerpt(cut))\" is not among what was found in the picture, so that nothing was cut out"
            } + [answer.absence].compactMap(\.self)
    }
}

extension MaskPlan.Destination {
    /// The files to be written.
    package var files: [OutputFile] {
        switch self {
        case .files(let files): files
        case .standardOutput: []
        }
    }
}

extension CompleteAnswer {
    /// Whether all is background because no label stayed.
    package var isEmpty: Bool { header.labels.isEmpty }

    /// Why each candidate stayed or went; nothing where the labels were given.
    var explanation: [String] { header.choice.map { $0.captionLines + $0.verdictLines } ?? [] }

    /// That nothing was found, and what to do; `nil` where something was.
    var absence: String? {
        guard isEmpty, let choice = header.choice else { return nil }
        guard choice.verdicts.isEmpty else {
            return "nothing of what was asked is in the picture, as far as the filter tells, and the mask is all "
                + "background; type --explain to see why, or --filter none to look for all of it"
        }
        return "the caption \"\(Streams.excerpt(choice.caption))\" names nothing to look for, and the mask is all "
            + "background; type words, or @coco for many"
    }
}

/// The only output asked for is of a label that was not found.
package struct NothingToWrite: ReasonedError, Equatable, CustomStringConvertible {
    let label: String

    package var description: String {
        "\"\(Streams.excerpt(label))\" is not among what was found in the picture, and nothing was written; type "
            + "--explain without --cut to see why, or --filter none"
    }

    package var exitReason: ExitReason { .nothingFound }
}
