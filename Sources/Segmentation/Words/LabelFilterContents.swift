package import Kernels
package import Networks

/// What a label filter consists of, by headers and configurations alone: every tensor is claimed, no weight read.
package final class LabelFilterContents {
    package let clip: PretrainedContents<CLIP>
    package let tokenizer: BytePairTokenizer
    package let pictures: PictureConfiguration
    package let patches: PatchConfiguration

    /// Parameters as of ``PretrainedContents``.
    ///
    /// - Parameter clipMerges: CLIP's published vocabulary, for a folder without a tokenizer
    /// - Throws: the first thing that keeps the folder from being a filter's
    package init(directory: String, clipMerges: String, precision: Precision) throws(ModelError) {
        do throws(CheckpointError) {
            clip = try PretrainedContents(directory, precision: precision)
            pictures =
                try clip.folder.found(PictureConfiguration.file).map { file throws(CheckpointError) in
                    try PictureConfiguration(file, .clip)
                } ?? .published(.clip, side: clip.network.configuration.vision.side)
            patches = try clip.folder.found(PatchConfiguration.file).map(PatchConfiguration.init) ?? .published
        } catch {
            throw .checkpoint(error)
        }
        do throws(TokenizerError) {
            tokenizer =
                ["vocab.json", "merges.txt", "tokenizer.json"].contains(where: clip.folder.has)
                ? try BytePairTokenizer(clip.folder)
                : try BytePairTokenizer(clipMerges: clipMerges, padding: BytePairTokenizer.clipPadding)
        } catch {
            throw .tokenizer(error)
        }
        let configuration = clip.network.configuration
        try configuration.vision.check(pictures, directory)
        guard tokenizer.vocabularyCount == configuration.text.vocabularyCount else {
            throw .vocabulary(
                directory: directory, found: tokenizer.vocabularyCount, expected: configuration.text.vocabularyCount)
        }
        guard configuration.pooledPosition(in: [tokenizer.start, tokenizer.end]) == 1 else {
            throw .otherUse(
                place: directory, what: "the tokenizer's end", found: Int(tokenizer.end),
                expected: configuration.end.map(Int.init) ?? configuration.text.vocabularyCount - 1)
        }
        for step in [MemoryEstimate.filtering(configuration, precision), .judging(configuration)] {
            try step.check(directory)
        }
    }

    /// Bytes of address space for scratch memory.
    package var scratchBytes: Int { LabelFilter.scratchBytes(clip.network.configuration, clip.precision) }
}
