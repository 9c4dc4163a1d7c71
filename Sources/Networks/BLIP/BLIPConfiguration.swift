/// The sizes of a BLIP that writes captions, from its `config.json` (transformers' BlipConfig).
package struct BLIPConfiguration: PretrainedConfiguration, Sendable {
    package let vision: VisionConfiguration
    package let text: TextDecoderConfiguration

    /// The words' embeddings, where they score words too.
    package var copied: [[Int]] { text.isTied ? [[text.vocabularyCount, text.width]] : [] }

    /// Reads `file`; what this program cannot compute is refused by its key.
    package init(_ file: RegularFile) throws(CheckpointError) {
        let file = try ConfigurationFile(file)
        vision = try VisionConfiguration(file.object("vision_config"), absent: .blip)
        let words = try file.object("text_config")
        let areTied = [
            try file.bool("tie_word_embeddings", absent: true), try words.bool("tie_word_embeddings", absent: true),
        ]
        text = try TextDecoderConfiguration(words, isTied: areTied.contains(true))
    }
}

/// The sizes of BLIP's text decoder (transformers' BlipTextConfig).
///
/// Its `encoder_hidden_size` is not read: the width of what it looks at is the vision tower's, as transformers has it
/// whatever the file says.
package struct TextDecoderConfiguration: Sendable {
    package let sizes: TransformerSizes
    /// The most tokens of a caption, start and end included.
    package let positions: Int
    package let vocabularyCount: Int
    /// The token that begins a caption, and the one that ends it: published files say another `eos_token_id`, at which
    /// transformers does not stop.
    package let start, end: Token
    /// Whether words are scored by their embeddings where the file has no other matrix.
    let isTied: Bool

    package var width: Int { sizes.width }

    /// What absent keys mean.
    private static let absent = TransformerSizes(
        width: 768, intermediate: 3072, layers: 12, heads: 8, activation: .gelu, epsilon: 1e-12)

    init(_ file: ConfigurationFile, isTied: Bool) throws(CheckpointError) {
        try file.require("model_type", oneOf: [.string("blip_text_model")])
        try file.require("is_decoder", oneOf: [.bool(true)])
        sizes = try TransformerSizes(file, absent: Self.absent)
        positions = try file.integer("max_position_embeddings", absent: 512, in: 2...65536)
        vocabularyCount = try file.integer("vocab_size", absent: 30524, in: 1...(1 << 24))
        start = Token(try file.integer("bos_token_id", absent: 30522, in: 0...vocabularyCount - 1))
        end = Token(try file.integer("sep_token_id", absent: 102, in: 0...vocabularyCount - 1))
        self.isTied = isTied
    }
}
