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

    /// Embeddings of a picture and of its patches, of length 1, in one pass.
    ///
    /// - Parameters:
    ///   - picture: `[H·W, 3]`, normalised
    ///   - y: where the picture's goes, `[1, projection]`; `nil`: not wanted
    ///   - patches: what patches' are made of, and where they go, `[patches, projection]`; `nil`: not wanted
    /// - Throws: `Interruption` between layers
    package func embed(
        _ picture: FeatureMap, into y: Matrix?, patches: (made: PatchConfiguration.States, into: Matrix)?,
        cancellation: Cancellation, _ arena: inout Arena
    ) throws(Interruption) {
        try arena.scope { (arena) throws(Interruption) in
            let grid = configuration.vision.patches(of: Grid(height: picture.height, width: picture.width))
            let states = arena.matrix(rows: 1 + grid.pixels, columns: configuration.vision.width)
            let values = patches?.made == .values ? arena.matrix(rows: states.rows, columns: states.columns) : nil
            try vision(
                picture, into: states, wanted: patches?.made == .hidden ? states.rows : 1, values: values,
                cancellation: cancellation, &arena)
            if let y {
                project(states.rows(0..<1), into: y, &arena)
                y.setUnitRows()
            }
            if let patches {
                project((values ?? states).rows(1..<states.rows), into: patches.into, &arena)
                patches.into.setUnitRows()
            }
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
