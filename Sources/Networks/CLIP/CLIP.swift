import Glibc
package import Kernels

/// CLIP (transformers' CLIPModel): a text and a vision tower, and a projection of each to a space where texts lie near
/// the pictures that they describe.
package struct CLIP: PretrainedNetwork {
    package let text: CLIPTextEncoder
    package let vision: VisionTransformer
    private let textProjection: Linear
    private let visualProjection: Linear
    /// The logarithm of what the cosines of embeddings are multiplied by, `[1]`.
    private let logitScale: WeightVector
    package let configuration: CLIPConfiguration

    package static var kind: NetworkKind { .filter }

    package static func isTail(_ name: String) -> Bool { Checkpoint.isPositions(name) }

    package init(_ weights: WeightScope, _ configuration: CLIPConfiguration) throws(CheckpointError) {
        let (vision, width) = (configuration.vision, configuration.vision.width)
        text = try CLIPTextEncoder(weights["text_model"], configuration.text)
        self.vision = try VisionTransformer(
            weights["vision_model"], vision, classToken: [width],
            positions: ("position_embedding.weight", batch: []), hasPatchBias: false,
            preNorm: "pre_layrnorm"
        ) { (scope) throws(CheckpointError) in
            try Attention(
                scope, vision.sizes, query: "q_proj", key: "k_proj", value: "v_proj", output: "out_proj")
        }
        textProjection = try Linear(
            weights["text_projection"], from: configuration.text.width, to: configuration.projection, hasBias: false)
        visualProjection = try Linear(
            weights["visual_projection"], from: width, to: configuration.projection, hasBias: false)
        logitScale = try weights.floats("logit_scale", shape: [])
        self.configuration = configuration
    }

    /// The logits of pictures and texts: how near they are.
    ///
    /// - Parameters:
    ///   - pictures: embeddings, `[N, projection]`
    ///   - texts: embeddings, `[K, projection]`
    ///   - y: `[K, N]`
    package func compare(_ pictures: Matrix, _ texts: Matrix, into y: Matrix) {
        y.setDotProducts(pictures, texts)
        y.scale(by: unsafe expf(logitScale.base[0]), adding: 0)
    }

    /// Embeddings of texts, of length 1.
    ///
    /// - Parameters:
    ///   - prompts: start, words, end; what follows the position that is pooled is not read
    ///   - y: `[prompts, projection]`
    /// - Throws: `Interruption` between layers
    package func embed(
        _ prompts: [[Token]], into y: Matrix, cancellation: Cancellation, _ arena: inout Arena
    ) throws(Interruption) {
        precondition(y.rows == prompts.count, "\(y.rows) rows for \(prompts.count) prompts")
        try arena.scope { (arena) throws(Interruption) in
            let read = prompts.map { Array($0[...configuration.pooledPosition(in: $0)]) }
            let states = arena.matrix(rows: read.reduce(0) { $0 + $1.count }, columns: configuration.text.width)
            try text(read, into: states, cancellation: cancellation, &arena)
            let pooled = arena.matrix(rows: prompts.count, columns: states.columns)
            var end = 0
            for (index, prompt) in read.enumerated() {
                end += prompt.count
                pooled.rows(index..<index + 1).copy(from: states.rows(end - 1..<end))
            }
            textProjection(pooled, into: y, &arena)
            y.setUnitRows()
        }
    }

    /// The embedding of a picture, of length 1.
    ///
    /// - Parameters:
    ///   - picture: `[H·W, 3]`, normalised
    ///   - y: `[1, projection]`
    /// - Throws: `Interruption` between layers
    package func embed(
        _ picture: FeatureMap, into y: Matrix, cancellation: Cancellation, _ arena: inout Arena
    ) throws(Interruption) {
        try arena.scope { (arena) throws(Interruption) in
            let grid = configuration.vision.patches(of: Grid(height: picture.height, width: picture.width))
            let states = arena.matrix(rows: 1 + grid.pixels, columns: configuration.vision.width)
            try vision(picture, into: states, wanted: 1, values: nil, cancellation: cancellation, &arena)
            project(states.rows(0..<1), into: y, &arena)
            y.setUnitRows()
        }
    }

    /// `y ← projection(post_layernorm(x))`, of any length: to the space of embeddings.
    ///
    /// - Parameters:
    ///   - x: `[N, C]`, states of the class token or of patches, or their values
    ///   - y: `[N, projection]`
    package func project(_ x: Matrix, into y: Matrix, _ arena: inout Arena) {
        arena.scope { arena in
            let normalized = arena.matrix(rows: x.rows, columns: x.columns)
            vision.postNorm(x, into: normalized)
            visualProjection(normalized, into: y, &arena)
        }
    }
}
