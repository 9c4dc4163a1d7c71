package import Images
package import Kernels
package import Networks

/// Writes what is in a picture: BLIP, its tokenizer, and how it reads pictures.
package final class Captioner {
    package let blip: Pretrained<BLIP>
    package let tokenizer: WordPieceTokenizer
    package let pictures: PictureConfiguration
    package let generation: GenerationConfiguration

    /// Opens and reads a captioner; parameters as of ``Pretrained``.
    package convenience init(
        directory: String, precision: Precision, cache: String?, while isWanted: @Sendable () -> Bool
    ) throws(ModelError) {
        let contents = try CaptionerContents(directory: directory, precision: precision)
        self.init(contents, try contents.blip.hashed.read(cache: cache, while: isWanted))
    }

    /// - Parameters:
    ///   - contents: whose weights have been read
    ///   - read: what reading them returned
    init(_ contents: CaptionerContents, _ read: ReadNetworks) {
        blip = Pretrained(contents.blip, read)
        (tokenizer, pictures, generation) = (contents.tokenizer, contents.pictures, contents.generation)
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
