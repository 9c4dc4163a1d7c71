package import RPC
import Texts

/// Making a file again from what it says of itself.
extension Provenance {
    /// The question that was asked. What the recipe reads without being told is left to it alone: a file does not say
    /// whether its recipe reads the empty prompt or none.
    package func request(_ picture: SegmentRequest.Picture, requestID: String) -> SegmentRequest {
        SegmentRequest(
            picture: picture,
            labels: labels.map { label in
                Label(
                    name: label.name,
                    phrases: label.phrases.map { Phrase(words: $0.words, prompt: $0.prompt) })
            },
            recipe: recipe, forwardPrompt: forwardPrompt.isEmpty ? nil : forwardPrompt, seed: seed,
            timestep: timestep, threshold: threshold, maps: output.drawsScores ? .latent : .none,
            encoding: .u16, mask: true, model: model.hash, requestID: requestID)
    }

    /// Where the picture may be: at its path, or beside the file that was made of it.
    ///
    /// - Parameter file: the file with this provenance
    package func picturePaths(from file: String) -> [String] {
        if picture.path == "-" { return ["-"] }
        let beside = PathText.split(file).directory
        return [picture.path, PathText.joined(beside, PathText.split(picture.path).name)]
    }

    /// The file, drawn from a new answer, and what is different now and may have changed its bytes.
    ///
    /// - Throws: `ProvenanceError.pictureChanged` if it is another one, `otherAnswer` if its scores are not what they
    ///   were: then the file could not be the same
    package func redrawn(
        from answer: CompleteAnswer, picture: InputPicture
    ) throws -> (bytes: [UInt8], differences: [String]) {
        // What a daemon writes may have a run of combining marks of any length.
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
