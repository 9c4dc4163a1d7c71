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
    /// - Parameter answers: one to each of ``requests(_:requestID:)``
    /// - Returns: as data the shares or the JSON; with `-o -` the picture, and the shares as messages
    /// - Throws: what `Drawing.bytes(of:)` throws, `dataLoss` for answers that contradict each other, ``PlanError``,
    ///   ``NothingToWrite``, or `FileError`; then no file was written
    package func deliver(_ answers: [CompleteAnswer], picture input: InputPicture) throws -> Printout {
        guard let answer = answers.first, answers.allSatisfy(answer.hasSameMask) else {
            throw RPCStatus.broken("two answers about one picture that are not the same")
        }
        // A pipe's path is useless later: "-" makes `redo` read the picture from standard input.
        let path = isStream ? "-" : picture
        let destination = try destination(of: answer)
        let drawings = answers.map { answer in
            Drawing(
                answer, words: words.given, picturePath: path, picture: input, files: destination.files,
                explains: explains)
        }
        func drawn(_ output: Output) throws -> (bytes: [UInt8], note: String?) {
            try drawings[answers.firstIndex { $0.requestedMaps == output.maps } ?? 0].drawn(output)
        }
        let name = isOneOfSeveral ? "\(Streams.printable(picture)): " : ""
        let why = explains && !json ? answer.explanation.map { "\(name)\($0)" } : []
        func said(_ notes: [String]) -> [String] { notes.map { "\(name)\($0)" } }
        let notes = said(notes(on: answer, frames: input.size.frames))
        switch destination {
        case .standardOutput(let output):
            let file = try drawn(output)
            return Printout(
                data: file.bytes, messages: why + answer.shareLines + notes + said([file.note].compactMap(\.self)))
        case .files(let files):
            var staged = StagedFiles(force: force)
            defer { staged.discard() }
            var surprises: [String] = []
            for file in files {
                let (bytes, note) = try drawn(file.output)
                try staged.stage(bytes, for: file.path)
                surprises += [note].compactMap(\.self)
            }
            let shares = answer.shareLines.map { "\(name)\($0)\n" }.joined()
            let data = json ? try drawn(.json).bytes : Array(shares.utf8)
            try staged.commit()
            let written = (saysFiles ? files : []).map { "wrote \(Streams.printable($0.path))" }
            return Printout(data: data, messages: why + written + notes + said(surprises))
        }
    }

    /// What of an answer may surprise.
    private func notes(on answer: CompleteAnswer, frames: Int) -> [String] {
        let isChosen = answer.header.choice != nil
        return answer.truncatedPrompts.map { prompt in
            "the prompt \"\(Streams.printable(prompt))\" is longer than the model reads; its end was left out"
        } + (frames > 1 ? ["the picture is animated: the first of its \(frames) frames was looked at"] : [])
            + (isChosen ? wanted.missing(among: answer.header.labels.map(\.name)) : []).map { region in
                "\"\(Streams.excerpt(region.name))\" is not among what was found in the picture, so that no file of it "
                    + "was written"
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

/// The only output asked for is of a region whose labels were not found.
package struct NothingToWrite: ReasonedError, Equatable, CustomStringConvertible {
    let region: String

    package var description: String {
        "\"\(Streams.excerpt(region))\" is not among what was found in the picture, and nothing was written; type "
            + "--explain without --cut and --inpaint to see why, or --filter none"
    }

    package var exitReason: ExitReason { .nothingFound }
}
