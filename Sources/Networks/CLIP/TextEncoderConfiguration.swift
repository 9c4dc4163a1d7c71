/// The sizes of a CLIP text encoder, from its `config.json` (transformers' CLIPTextModel).
package struct TextEncoderConfiguration: Sendable {
    /// The nonlinearity between the two matrices of a feed-forward block.
    package enum Activation: Sendable {
        /// x · σ(1.702 x)
        case quickGELU
        /// x · Φ(x), by the error function
        case gelu
    }

    /// Channels of a token's state.
    package let width: Int
    /// Channels inside a feed-forward block.
    package let intermediate: Int
    package let layers: Int
    package let heads: Int
    /// Tokens of a prompt, start and end included.
    package let positions: Int
    package let vocabularyCount: Int
    /// Epsilon of the layer normalizations.
    package let epsilon: Float
    package let activation: Activation

    /// Reads `path`; what this program cannot compute is refused by its key.
    package init(path: String) throws(CheckpointError) {
        let file = try ConfigurationFile(path: path)
        let sizes = ConfigurationFile.sizes
        try file.require("model_type", oneOf: [.string("clip_text_model")])
        width = try file.integer("hidden_size", absent: 512, in: sizes)
        intermediate = try file.integer("intermediate_size", absent: 2048, in: sizes)
        layers = try file.integer("num_hidden_layers", absent: 12, in: 1...1024)
        heads = try file.integer("num_attention_heads", absent: 8, in: sizes)
        positions = try file.integer("max_position_embeddings", absent: 77, in: 3...65536)
        vocabularyCount = try file.integer("vocab_size", absent: 49408, in: 1...(1 << 24))
        epsilon = Float(try file.number("layer_norm_eps", absent: 1e-5, in: 1e-12...1e-1))
        switch try file.string("hidden_act", absent: "quick_gelu") {
        case "quick_gelu": activation = .quickGELU
        case "gelu": activation = .gelu
        default: throw file.refusal("hidden_act", expected: "\"quick_gelu\" or \"gelu\"")
        }
        guard width.isMultiple(of: heads) else {
            throw file.refusal("num_attention_heads", expected: "a divisor of \(width)")
        }
    }
}
