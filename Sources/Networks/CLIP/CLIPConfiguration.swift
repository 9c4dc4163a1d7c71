/// The sizes of a CLIP, from its `config.json` (transformers' CLIPConfig).
package struct CLIPConfiguration: PretrainedConfiguration, Sendable {
    package let text: TextEncoderConfiguration
    package let vision: VisionConfiguration
    /// Numbers of an embedding.
    package let projection: Int
    /// The token at whose first place a text's state is pooled; `nil`: the largest token of the text.
    package let end: Token?

    /// Configurations before 2023 call the end 2, whatever it is in their vocabulary; transformers pools at the largest
    /// token where it reads that number.
    private static let unstatedEnd = 2

    /// Reads `file`; what this program cannot compute is refused by its key.
    package init(_ file: RegularFile) throws(CheckpointError) {
        let file = try ConfigurationFile(file)
        let textFile = try file.object("text_config", overridden: "text_config_dict")
        text = try TextEncoderConfiguration(textFile)
        vision = try VisionConfiguration(file.object("vision_config", overridden: "vision_config_dict"), absent: .clip)
        projection = try file.integer("projection_dim", absent: 512, in: ConfigurationFile.sizes)
        let end = try textFile.integer("eos_token_id", absent: 49407, in: 0...(1 << 24))
        self.end = end == Self.unstatedEnd ? nil : Token(end)
    }

    package var copied: [[Int]] { [] }

    /// Where a text's state is pooled; as in transformers at its first token where the end does not stand in it.
    package func pooledPosition(in prompt: [Token]) -> Int {
        prompt.firstIndex(of: end ?? prompt.max() ?? 0) ?? 0
    }
}
