package import Images
package import Kernels
package import Networks

/// Writes what is in a picture: BLIP, its tokenizer, and how it reads pictures.
package final class Captioner {
    package let blip: Pretrained<BLIP>
    package let tokenizer: WordPieceTokenizer
    package let pictures: PictureConfiguration

    /// The most tokens of a caption, its start, beginning and end included: the default of the releases of transformers
    /// that the method was published with.
    package static let tokenLimit = 20

    /// Files of which one must be there, and what they say.
    private static let companions = [
        ([PictureConfiguration.file], "how pictures are prepared"),
        (["vocab.txt", "tokenizer.json"], "which words it writes"),
    ]

    /// Parameters as of ``Pretrained``.
    package init(
        directory: String, precision: Precision, cache: String?, while isWanted: @Sendable () -> Bool
    ) throws(ModelError) {
        do throws(CheckpointError) {
            blip = try Pretrained(directory, precision: precision, cache: cache, while: isWanted)
        } catch {
            throw .checkpoint(error)
        }
        for (files, use) in Self.companions
        where !files.contains(where: { RegularFile.exists(at: "\(directory)/\($0)") }) {
            throw .lacking(directory: directory, files: files, use: use)
        }
        do throws(CheckpointError) {
            pictures = try PictureConfiguration(path: "\(directory)/\(PictureConfiguration.file)", .blip)
        } catch {
            throw .checkpoint(error)
        }
        do throws(TokenizerError) {
            tokenizer = try WordPieceTokenizer(directory: directory)
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
        try MemoryEstimate.captioning(blip.network.configuration).check(directory)
    }

    /// What the decoder sees of a picture.
    ///
    /// - Throws: `Interruption` between layers, and while the picture is resized
    package func states(
        of picture: Image, cancellation: Cancellation, _ arena: inout Arena
    ) throws(Interruption) -> Matrix {
        let map = try picture.map(as: pictures, cancellation)
        let vision = blip.network.vision.configuration
        let states = Matrix(
            stored: 1 + vision.patches(of: Grid(height: map.height, width: map.width)).pixels, by: vision.width)
        try blip.network.look(at: map, into: states, cancellation: cancellation, &arena)
        return states
    }

    /// A sentence about a picture: the likeliest word at each step.
    ///
    /// - Parameters:
    ///   - states: the picture's
    ///   - beginning: what the sentence begins with; empty: the captioner begins it
    /// - Returns: the whole sentence; the beginning alone, where it leaves no token for more
    /// - Throws: `Interruption` between layers
    package func caption(
        of states: Matrix, beginning: String, cancellation: Cancellation, _ arena: inout Arena
    ) throws(Interruption) -> String {
        let text = blip.network.configuration.text
        let tokens = try blip.network.caption(
            continuing: [text.start] + tokenizer.tokens(of: beginning), of: states,
            limit: Self.tokenLimit, end: text.end, cancellation: cancellation, &arena)
        // The start is no word, though some vocabularies hold it as one.
        return tokenizer.decode(Array(tokens.dropFirst()))
    }
}
