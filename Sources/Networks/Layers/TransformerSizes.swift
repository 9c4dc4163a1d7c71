/// The sizes of a transformer's layers, by the keys that all configurations of transformers have for them.
package struct TransformerSizes: Sendable {
    /// Channels of a token's state.
    package let width: Int
    /// Channels inside a feed-forward block.
    package let intermediate: Int
    package let layers: Int
    package let heads: Int
    package let activation: Activation
    /// Epsilon of the layer normalizations.
    package let epsilon: Float
}

extension TransformerSizes {
    /// - Parameter absent: what absent keys mean
    init(_ file: ConfigurationFile, absent: TransformerSizes) throws(CheckpointError) {
        let sizes = ConfigurationFile.sizes
        width = try file.integer("hidden_size", absent: absent.width, in: sizes)
        intermediate = try file.integer("intermediate_size", absent: absent.intermediate, in: sizes)
        layers = try file.integer("num_hidden_layers", absent: absent.layers, in: 1...1024)
        heads = try file.integer("num_attention_heads", absent: absent.heads, in: sizes)
        epsilon = Float(try file.number("layer_norm_eps", absent: Double(absent.epsilon), in: 1e-12...1e-1))
        guard let activation = Activation(rawValue: try file.string("hidden_act", absent: absent.activation.rawValue))
        else { throw file.refusal("hidden_act", expected: "\"quick_gelu\" or \"gelu\"") }
        self.activation = activation
        guard width.isMultiple(of: heads) else {
            throw file.refusal("num_attention_heads", expected: "a divisor of \(width)")
        }
    }
}
