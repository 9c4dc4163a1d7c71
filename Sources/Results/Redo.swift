package import RPC
import Texts

/// Recreating a file from its provenance.
extension Provenance {
    /// The request that gives the same answer, and the same hash of it. An empty forward prompt is left to the recipe:
    /// the file does not say whether one pass read it or each phrase had its own. Without a size of the latent in the
    /// file, that was square.
    ///
    /// Labels that were chosen are chosen again, from the words as they were typed: the files of vocabularies are read
    /// again, as the picture is. A prompt that was made from a caption is left to be made again.
    ///
    /// - Throws: `ProvenanceError.words`, ``VocabularyError``
    package func request(_ picture: SegmentRequest.Picture, requestID: String) throws -> SegmentRequest {
        let vocabulary = try choice.map { choice in try choice.choosing.candidates(of: typedWords()) }
        let square = latent == nil && !settings.contains { $0.hasPrefix("grid=") } ? [Self.square] : []
        return SegmentRequest(
            picture: picture,
            labels: vocabulary != nil
                ? []
                : labels.map { label in
                    Label(
                        name: label.name,
                        phrases: label.phrases.map { phrase in
                            Phrase(
                                words: phrase.words, prompt: phrase.caption == nil ? phrase.prompt : "",
                                weight: phrase.weight ?? 0)
                        })
                },
            recipe: recipe, forwardPrompt: forwardPrompt.isEmpty ? nil : forwardPrompt, seed: seed,
            timestep: timestep, threshold: threshold, maps: maps,
            encoding: output.probes.isEmpty ? maps.encodingForFiles : .u16, mask: true,
            model: model.hash, requestID: requestID, settings: settings + square, vocabulary: vocabulary,
            probes: output.probes)
    }

    private func typedWords() throws -> WordList {
        do throws(WordError) {
            return try WordList(words)
        } catch .vocabulary(let error) {
            throw error
        } catch {
            throw ProvenanceError.words(error)
        }
    }

    /// The paths to try for the picture: the recorded one, then its name in the folder of the output.
    ///
    /// - Parameter file: the output with this provenance
    package func picturePaths(from file: String) -> [String] {
        if picture.path == "-" { return ["-"] }
        let beside = PathText.split(file).directory
        return [picture.path, PathText.joined(beside, PathText.split(picture.path).name)]
    }

    /// Draws the file from a new answer.
    ///
    /// - Returns: its bytes, and a sentence for each of version, networks, arithmetic and vocabulary that is another
    ///   now
    /// - Throws: `ProvenanceError.pictureChanged` for another picture, `otherAnswer` where the hash of the score
    ///   maps differs, `otherLabels` where other labels stay, so that the file cannot be the same
    package func redrawn(
        from answer: CompleteAnswer, picture: InputPicture
    ) throws -> (bytes: [UInt8], differences: [String]) {
        // Compares bytes: `==` of strings is quadratic in a run of combining marks, which a daemon may send.
        func isSame(_ text: String, _ other: String) -> Bool { ExactString(text) == ExactString(other) }
        guard isSame(answer.header.handle, self.picture.sha256) else {
            throw ProvenanceError.pictureChanged(
                path: self.picture.path, was: self.picture.sha256, is: answer.header.handle)
        }
        var answer = answer
        // The file keeps the name that it knows the model by.
        if answer.header.modelAliases.contains(where: { isSame(model.hash, $0) }) {
            answer.header.modelHash = model.hash
        }
        let header = answer.header
        let comparisons = [
            ("dseg", version, header.version),
            ("the model's name", model.name, header.model),
            ("the model's hash", model.hash, header.modelHash),
            ("the precision", precision ?? "not recorded", header.precision),
            ("the instruction set", instructionSet ?? "not recorded", header.instructionSet),
            ("the BLAS", blas ?? "not recorded", header.blas),
            ("the captioner's name", captioner?.name ?? "none", header.captioner?.name ?? "none"),
            ("the captioner's hash", captioner?.hash ?? "none", header.captioner?.hash ?? "none"),
            ("the caption", choice?.caption ?? "none", header.choice?.caption ?? "none"),
            ("the filter's name", filter?.name ?? "none", header.filter?.name ?? "none"),
            ("the filter's hash", filter?.hash ?? "none", header.filter?.hash ?? "none"),
            ("the vocabulary's hash", choice?.vocabulary ?? "none", header.choice?.vocabularyHash ?? "none"),
        ]
        let differences = comparisons.filter { !isSame($0.1, $0.2) }
            .map { "\($0.0) was \($0.1), is \($0.2)" }
        guard isSame(answer.trailer.answerHash, self.answer) else {
            throw ProvenanceError.otherAnswer(
                was: self.answer, is: answer.trailer.answerHash, differences: differences)
        }
        let (was, now) = (labels.map(\.name), header.labels.map(\.name))
        guard was.map({ ExactString($0) }) == now.map({ ExactString($0) }) else {
            throw ProvenanceError.otherLabels(was: was, is: now, differences: differences)
        }
        let drawing = Drawing(
            answer, words: words, picturePath: self.picture.path, picture: picture, files: files ?? [],
            explains: choice?.verdicts != nil)
        return (try drawing.bytes(of: output), differences)
    }
}
