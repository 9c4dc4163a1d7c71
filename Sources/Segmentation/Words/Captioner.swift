package import Images
package import Kernels
package import Networks

/// Writes what is in a picture: BLIP, its tokenizer, and how it reads pictures.
package final class Captioner {
    package let blip: Pretrained<BLIP>
    package let tokenizer: WordPieceTokenizer
    package let pictures: PictureConfiguration
    package let generation: GenerationConfiguration

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
            let path = "\(directory)/\(GenerationConfiguration.file)"
            generation =
                RegularFile.exists(at: path)
                ? try GenerationConfiguration(path: path, positions: blip.network.configuration.text.positions)
                : .unstated
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
        try MemoryEstimate.captioning(blip.network.configuration, generation).check(directory)
    }

    /// What the decoder sees of a picture.
    ///
    /// - Throws: `Interruption` between layers, and while the picture is resized
    package func states(
        of picture: Image, cancellation: Cancellation, _ arena: inout Arena
    ) throws(Interruption) -> Matrix {
        try states(of: picture.pixels(as: pictures, cancellation), cancellation: cancellation, &arena)
    }

    /// What the decoder sees of a picture.
    ///
    /// - Parameter pixels: the picture as ``pictures`` says
    /// - Throws: `Interruption` between layers
    package func states(
        of pixels: PreparedPixels, cancellation: Cancellation, _ arena: inout Arena
    ) throws(Interruption) -> Matrix {
        let (vision, size) = (blip.network.vision.configuration, pixels.size)
        let grid = vision.patches(of: Grid(height: size.height, width: size.width))
        let states = Matrix(stored: 1 + grid.pixels, by: vision.width)
        try arena.scope { (arena) throws(Interruption) in
            try blip.network.look(at: pixels.map(&arena), into: states, cancellation: cancellation, &arena)
        }
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
            limit: generation.limit, end: text.end, cancellation: cancellation, &arena)
        // The start is no word, though some vocabularies hold it as one.
        return tokenizer.decode(Array(tokens.dropFirst()))
    }

    /// What a caption says behind its beginning.
    ///
    /// - Parameters:
    ///   - caption: as ``caption(of:beginning:cancellation:_:)`` wrote it
    ///   - beginning: with which that was asked to begin
    package func continuation(in caption: String, of beginning: String) -> String {
        let start = tokenizer.decode(tokenizer.tokens(of: beginning))
        guard caption.utf8.starts(with: start.utf8) else { return "" }
        let rest = caption.unicodeScalars.dropFirst(start.unicodeScalars.count)
        return String(String.UnicodeScalarView(rest.drop { $0 == " " }))
    }
}
