package import Kernels
package import Networks

/// What a captioner consists of, by headers and configurations alone: every tensor is claimed, no weight read.
package final class CaptionerContents {
    package let blip: PretrainedContents<BLIP>
    package let tokenizer: WordPieceTokenizer
    package let pictures: PictureConfiguration
    package let generation: GenerationConfiguration

    /// Files of which one must be there, and what they say.
    private static let companions = [
        ([PictureConfiguration.file], "how pictures are prepared"),
        (["vocab.txt", "tokenizer.json"], "which words it writes"),
    ]

    /// Parameters as of ``PretrainedContents``.
    ///
    /// - Throws: the first thing that keeps the folder from being a captioner's
    package init(directory: String, precision: Precision) throws(ModelError) {
        do throws(CheckpointError) {
            blip = try PretrainedContents(directory, precision: precision)
        } catch {
            throw .checkpoint(error)
        }
        let (folder, positions) = (blip.folder, blip.network.configuration.text.positions)
        for (files, use) in Self.companions where !files.contains(where: folder.has) {
            throw .lacking(directory: directory, files: files, use: use)
        }
        do throws(CheckpointError) {
            pictures = try PictureConfiguration(folder.file(PictureConfiguration.file), .blip)
            generation =
                try folder.found(GenerationConfiguration.file).map { file throws(CheckpointError) in
                    try GenerationConfiguration(file, positions: positions)
                } ?? .unstated
        } catch {
            throw .checkpoint(error)
        }
        do throws(TokenizerError) {
            tokenizer = try WordPieceTokenizer(folder)
        } catch {
            throw .tokenizer(error)
        }
        let (text, vision) = (blip.network.configuration.text, blip.network.configuration.vision)
        try vision.check(pictures, directory)
        // Published vocabularies lack the last two tokens, [DEC] and [ENC], which no text is read as; files beside some
        // name them. No caption may hold the start as a word.
        let lacking = text.vocabularyCount - tokenizer.vocabularyCount
        guard lacking == 0 || (1...2).contains(lacking) && tokenizer.decode([text.start]).isEmpty else {
            throw .vocabulary(directory: directory, found: tokenizer.vocabularyCount, expected: text.vocabularyCount)
        }
        guard tokenizer.separator == text.end else {
            throw .otherUse(
                place: directory, what: "the tokenizer's [SEP]", found: Int(tokenizer.separator),
                expected: Int(text.end))
        }
        try MemoryEstimate.captioning(blip.network.configuration, generation).check(directory)
    }

    /// Bytes of address space for scratch memory.
    package var scratchBytes: Int { Captioner.scratchBytes(blip.network.configuration, generation) }
}
