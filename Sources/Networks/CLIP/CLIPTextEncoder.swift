package import Kernels

/// CLIP's text tower (transformers' CLIPTextModel): token and position embeddings, causal pre-norm layers, a last norm.
package struct CLIPTextEncoder {
    private struct Layer {
        let norm1: LayerNorm
        let attention: Attention
        let norm2: LayerNorm
        let expand: Linear
        let contract: Linear
    }

    private let tokens: PackedWeights
    private let positions: PackedWeights
    private let layers: [Layer]
    private let finalNorm: LayerNorm
    package let configuration: TextEncoderConfiguration

    /// A buffer that some files hold: 0, 1, 2, ...
    package static func isTail(_ name: String) -> Bool {
        name.hasSuffix("embeddings.position_ids")
    }

    /// - Parameter weights: the scope that holds `embeddings`, `encoder` and `final_layer_norm`
    package init(_ weights: WeightScope, _ configuration: TextEncoderConfiguration) throws(CheckpointError) {
        let width = configuration.width
        let epsilon = Float(configuration.epsilon)
        let embeddings = weights["embeddings"]
        tokens = try embeddings["token_embedding"].matrix(
            "weight", rows: configuration.vocabularyCount, columns: width)
        positions = try embeddings["position_embedding"].matrix(
            "weight", rows: configuration.positions, columns: width)
        var layers: [Layer] = []
        for index in 0..<configuration.layers {
            let scope = weights["encoder"]["layers"][index]
            func projection(_ name: String) throws(CheckpointError) -> Linear {
                try Linear(scope["self_attn"][name], from: width, to: width, hasBias: true)
            }
            layers.append(
                Layer(
                    norm1: try LayerNorm(scope["layer_norm1"], channels: width, epsilon: epsilon),
                    attention: Attention(
                        toQuery: try projection("q_proj"), toKey: try projection("k_proj"),
                        toValue: try projection("v_proj"), toOutput: try projection("out_proj"),
                        heads: configuration.heads),
                    norm2: try LayerNorm(scope["layer_norm2"], channels: width, epsilon: epsilon),
                    expand: try Linear(
                        scope["mlp"]["fc1"], from: width, to: configuration.intermediate, hasBias: true),
                    contract: try Linear(
                        scope["mlp"]["fc2"], from: configuration.intermediate, to: width, hasBias: true)))
        }
        self.layers = layers
        finalNorm = try LayerNorm(weights["final_layer_norm"], channels: width, epsilon: epsilon)
        self.configuration = configuration
    }

    /// The text as the U-Net reads it.
    ///
    /// - Parameters:
    ///   - prompt: `configuration.positions` tokens
    ///   - y: `[L, width]`
    /// - Throws: `Interruption` between layers
    package func callAsFunction(
        _ prompt: [Int32], into y: Matrix, cancellation: Cancellation, _ arena: inout Arena
    ) throws(Interruption) {
        try arena.scope { (arena) throws(Interruption) in
            let x = arena.matrix(rows: prompt.count, columns: configuration.width)
            x.embed(prompt, table: tokens, positions: positions)
            let normalized = arena.matrix(rows: x.rows, columns: x.columns)
            let hidden = arena.matrix(rows: x.rows, columns: configuration.intermediate)
            for layer in layers {
                try cancellation.check()
                layer.norm1(x, into: normalized)
                layer.attention(
                    normalized, context: normalized, causal: true, addingTo: x, capture: .nothing, &arena)
                layer.norm2(x, into: normalized)
                layer.expand(normalized, into: hidden)
                switch configuration.activation {
                case .quickGELU: hidden.quickGELU()
                case .gelu: hidden.gelu()
                }
                layer.contract(hidden, addingTo: x)
            }
            finalNorm(x, into: y)
        }
    }
}
