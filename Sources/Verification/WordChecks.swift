import FoundationEssentials
import Images
import Kernels
import Networks
import Segmentation

/// The goldens of one network of words: a file, or the part of one whose tensors begin with a name.
struct WordGoldens {
    let file: TensorFile
    /// What rows are called after.
    let rows: String
    /// What tensors' names begin with.
    let prefix: String
    let picture: Image
    /// How many rows of states, and columns of logits, lie between two that the file has.
    let steps: (vision: Int, patches: Int, logits: Int)

    func values(_ name: String) throws(CheckpointError) -> [Float] { try file.values(of: prefix + name) }

    func has(_ name: String) -> Bool { file.has(prefix + name) }

    /// Tokens, text by text.
    func tokens(_ name: String) throws(CheckpointError) -> [[Token]] {
        let all = try file.integers(of: prefix + name)
        let length = max(try file.shape(of: prefix + name).last ?? 1, 1)
        return stride(from: 0, to: all.count, by: length).map { Array(all[$0..<$0 + length]) }
    }

    /// The picture as the network reads it, from the golden: `[H·W, 3]`.
    func pixels() throws(CheckpointError) -> FeatureMap {
        let shape = try file.shape(of: prefix + "pixel_values")
        let pixels = Matrix(stored: shape[2] * shape[3], by: shape[1])
        pixels.interleave(try values("pixel_values"))
        return FeatureMap(pixels, height: shape[2], width: shape[3])
    }

    /// Compares the picture as we prepare it.
    func comparePixels(_ pictures: PictureConfiguration, _ table: inout VerifyTable) throws {
        let map = try picture.map(as: pictures, .never)
        try table.comparePlanes(map.matrix, file, prefix + "pixel_values", as: rows)
    }

    /// Compares every `step`-th row of a matrix.
    func compare(_ matrix: Matrix, every step: Int, _ name: String, _ table: inout VerifyTable) throws {
        let some = stride(from: 0, to: matrix.rows, by: step).flatMap { matrix.rows($0..<$0 + 1).array }
        try table.compare(some, file, prefix + name, as: rows)
    }
}

/// Holds a captioner to its goldens, each step on the golden input of that step.
struct CaptionerChecks {
    let pretrained: Pretrained<BLIP>
    let pictures: PictureConfiguration
    let goldens: WordGoldens
    private var blip: BLIP { pretrained.network }
    private var text: TextDecoderConfiguration { blip.configuration.text }

    func run(_ table: inout VerifyTable, _ arena: inout Arena) throws {
        try goldens.comparePixels(pictures, &table)
        let pixels = try goldens.pixels()
        let vision = blip.vision.configuration
        let grid = vision.patches(of: Grid(height: pixels.height, width: pixels.width))
        let states = Matrix(stored: 1 + grid.pixels, by: vision.width)
        try blip.look(at: pixels, into: states, cancellation: .never, &arena)
        try goldens.compare(states, every: goldens.steps.vision, "vision", &table)
        // A file that leaves rows out has no whole input of the decoder.
        if goldens.steps.vision == 1 { states.fill(try goldens.values("vision")) }
        let prompt = try goldens.tokens("prompt_ids")[0]
        let error = try compareLogits(after: prompt, states, &table, &arena)
        try compareCaption(after: prompt, states, error: error, &table, &arena)
    }

    /// The logits of what follows each of some tokens, `[tokens, vocabulary]`.
    private func logits(after tokens: [Token], _ states: Matrix, _ arena: inout Arena) throws -> Matrix {
        let logits = Matrix(stored: tokens.count, by: text.vocabularyCount)
        try arena.scope { arena in
            var reading = try blip.decoder.reading(states, limit: tokens.count, cancellation: .never, &arena)
            let read = arena.matrix(rows: tokens.count, columns: text.width)
            try blip.decoder.read(tokens, &reading, into: read, cancellation: .never, &arena)
            blip.decoder.score(read, into: logits, &arena)
        }
        return logits
    }

    /// - Returns: the largest error, relative to the largest magnitude
    private func compareLogits(
        after prompt: [Token], _ states: Matrix, _ table: inout VerifyTable, _ arena: inout Arena
    ) throws -> Float {
        let logits = try logits(after: prompt, states, &arena)
        let step = goldens.steps.logits
        // Where columns are left out, the golden has the last position's alone.
        let seen = step == 1 ? logits.array : logits.rows(prompt.count - 1..<prompt.count).array
        let some = stride(from: 0, to: seen.count, by: step).map { seen[$0] }
        return try table.compare(some, goldens.file, goldens.prefix + "logits", as: goldens.rows)
    }

    /// Greedy decoding: the same tokens. In fixed point a caption may go another way, where the logits of both words
    /// are so near to the best that errors decide.
    private func compareCaption(
        after prompt: [Token], _ states: Matrix, error: Float, _ table: inout VerifyTable, _ arena: inout Arena
    ) throws {
        let golden = try goldens.tokens("greedy_ids")[0]
        let name = "\(goldens.rows).\(goldens.prefix)greedy_ids"
        let ours = try blip.caption(
            continuing: prompt, of: states, limit: GenerationConfiguration.unstated.limit, end: text.end,
            cancellation: .never, &arena)
        let place = zip(ours, golden).prefix { $0 == $1 }.count
        guard pretrained.precision != .f32, (prompt.count..<min(ours.count, golden.count)).contains(place) else {
            table.compareExactly(ours, golden, as: name)
            return
        }
        let last = try logits(after: Array(golden[..<place]), states, &arena).rows(place - 1..<place).array
        table.compareTie(last, [ours[place], golden[place]].map(Int.init), error: error, as: name)
    }
}

/// Holds a filter to its goldens, each step on the golden input of that step.
struct FilterChecks {
    let pretrained: Pretrained<CLIP>
    let pictures: PictureConfiguration
    let goldens: WordGoldens
    private var clip: CLIP { pretrained.network }

    func run(_ table: inout VerifyTable, _ arena: inout Arena) throws {
        try goldens.comparePixels(pictures, &table)
        let pixels = try goldens.pixels()
        let projection = clip.configuration.projection
        let picture = Matrix(stored: 1, by: projection)
        try clip.embed(pixels, into: picture, patches: nil, cancellation: .never, &arena)
        try goldens.compare(picture, every: 1, "image_embeds", &table)
        if goldens.has("patches") {
            let grid = clip.vision.configuration.patches(of: Grid(height: pixels.height, width: pixels.width))
            let states = Matrix(stored: 1 + grid.pixels, by: clip.vision.configuration.width)
            try clip.vision(
                pixels, into: states, wanted: states.rows, values: nil, cancellation: .never, &arena)
            try goldens.compare(states, every: goldens.steps.patches, "patches", &table)
        }
        let prompts = try goldens.tokens("text_ids")
        let texts = Matrix(stored: prompts.count, by: projection)
        try clip.embed(prompts, into: texts, cancellation: .never, &arena)
        try goldens.compare(texts, every: 1, "text_embeds", &table)
        picture.fill(try goldens.values("image_embeds"))
        texts.fill(try goldens.values("text_embeds"))
        let logits = Matrix(stored: prompts.count, by: 1)
        clip.compare(picture, texts, into: logits)
        try goldens.compare(logits, every: 1, "logits_per_image", &table)
    }
}
