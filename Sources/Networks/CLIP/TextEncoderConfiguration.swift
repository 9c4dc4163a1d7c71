/// The sizes of a CLIP text encoder, from its `config.json` (transformers' CLIPTextModel).
package struct TextEncoderConfiguration: Sendable {
    package let sizes: TransformerSizes
    /// Tokens of a prompt, start and end included.
    package let positions: Int
    package let vocabularyCount: Int

    package var width: Int { sizes.width }

    /// What absent keys mean.
    private static let absent = TransformerSizes(
        width: 512, intermediate: 2048, layers: 12, heads: 8, activation: .quickGELU, epsilon: 1e-5)

    /// Reads `file`; what this program cannot compute is refused by its key.
    package init(_ file: RegularFile) throws(CheckpointError) {
        try self.init(ConfigurationFile(file))
    }

    init(_ file: ConfigurationFile) throws(CheckpointError) {
        try file.require("model_type", oneOf: [.string("clip_text_model")])
        sizes = try TransformerSizes(file, absent: Self.absent)
        positions = try file.integer("max_position_embeddings", absent: 77, in: 3...65536)
        vocabularyCount = try file.integer("vocab_size", absent: 49408, in: 1...(1 << 24))
    }
}
