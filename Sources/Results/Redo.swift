package import RPC
import Texts

/// Recreating a file from its provenance.
extension Provenance {
    /// The request that gives the same answer, and the same hash of it. An empty forward prompt is left to the recipe:
    /// the file does not say whether one pass read it or each phrase had its own. Without a size of the latent in the
    /// file, that was square.
    package func request(_ picture: SegmentRequest.Picture, requestID: String) -> SegmentRequest {
        let square = latent == nil && !settings.contains { $0.hasPrefix("grid=") } ? [Self.square] : []
        return SegmentRequest(
            picture: picture,
            labels: labels.map { label in
                Label(
                    name: label.name,
                    phrases: label.phrases.map { Phrase(words: $0.words, prompt: $0.prompt) })
            },
            recipe: recipe, forwardPrompt: forwardPrompt.isEmpty ? nil : forwardPrompt, seed: seed,
            timestep: timestep, threshold: threshold, maps: maps, encoding: maps.encodingForHeat, mask: true,
            model: model.hash, requestID: requestID, settings: settings + square)
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
    /// - Returns: its bytes, and a sentence for each of version, model and arithmetic that is another now
    /// - Throws: `ProvenanceError.pictureChanged` for another picture, `otherAnswer` where the hash of the score
    ///   maps differs, so that the file cannot be the same
    package func redrawn(
        from answer: CompleteAnswer, picture: InputPicture
    ) throws -> (bytes: [UInt8], differences: [String]) {
        // Compares bytes: `==` of strings is quadratic in a run of combining marks, which a daemon may send.
        func isSame(_ text: String, _ other: String) -> Bool { ExactString(text) == ExactString(other) }
        guard isSame(answer.header.handle, self.picture.sha256) else {
            throw ProvenanceError.pictureChanged(
                path: self.picture.path, was: self.picture.sha256, is: answer.header.handle)
        }
        let header = answer.header
        let comparisons = [
            ("dseg", version, header.version),
            ("the model's name", model.name, header.model),
            ("the model's hash", model.hash, header.modelHash),
            ("the precision", precision ?? "not recorded", header.precision),
            ("the instruction set", instructionSet ?? "not recorded", header.instructionSet),
            ("the BLAS", blas ?? "not recorded", header.blas),
        ]
        let differences = comparisons.filter { !isSame($0.1, $0.2) }
            .map { "\($0.0) was \($0.1), is \($0.2)" }
        guard isSame(answer.trailer.answerHash, self.answer) else {
            throw ProvenanceError.otherAnswer(
                was: self.answer, is: answer.trailer.answerHash, differences: differences)
        }
        let drawing = Drawing(
            answer, words: words, picturePath: self.picture.path, picture: picture, files: files ?? [])
        return (try drawing.bytes(of: output), differences)
    }
}
