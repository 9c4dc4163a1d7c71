import Texts

/// The configurations that were published for a family of Stable Diffusion, for single files, which have none: sizes
/// are those of the tensors' shapes, and the family says what shapes cannot.
///
/// Source: the `config.json` files of stable-diffusion-v1-5 and stable-diffusion-2-1, and what diffusers'
/// `from_single_file` takes for the size of the picture.
struct LDMFamily {
    /// Attention heads of a level of the U-Net with so many channels.
    private let heads: @Sendable (Int) -> Int
    /// Side of the latents that the U-Net was trained on, where the file does not say it.
    private let sampleSize: Int
    /// `hidden_act` of the text encoder.
    private let activation: String
    /// The token that fills the rest of a prompt.
    let padding: String
    /// Layers at the end of the text encoder's file that the U-Net was trained without.
    private let unusedLayers: Int

    /// Channels of an attention head in every CLIP text encoder, and of the U-Net's in Stable Diffusion 2.x.
    private static let headWidth = 64

    /// Stable Diffusion 1.x.
    static let first = LDMFamily(
        heads: { _ in 8 }, sampleSize: 64, activation: "quick_gelu", padding: BytePairConfiguration.clipEnd,
        unusedLayers: 0)
    /// Stable Diffusion 2.x.
    static let second = LDMFamily(
        heads: { $0 / headWidth }, sampleSize: 96, activation: "gelu", padding: "!", unusedLayers: 1)

    /// The family of a text encoder, by its activation.
    static func of(_ textEncoder: TextEncoderConfiguration) -> LDMFamily {
        textEncoder.sizes.activation == .quickGELU ? .first : .second
    }

    /// - Parameters:
    ///   - tensors: the U-Net's, under diffusers' names
    ///   - pictureSide: pixels of the pictures that it was trained on, where the file says so
    func unet(_ tensors: TensorShapes, pictureSide: Int?) -> ConfigurationFile {
        let levels = tensors.count("down_blocks")
        let channels = (0..<levels).map { tensors["down_blocks.\($0).resnets.0.conv1.weight", 0] }
        func attends(_ side: String, _ block: Int) -> Bool {
            tensors.has("\(side)_blocks.\(block).attentions.0.norm.weight")
        }
        func types(_ side: String, _ name: String) -> ConfigurationValue {
            .list((0..<levels).map { .string((attends(side, $0) ? "CrossAttn" : "") + name) })
        }
        let attention = (0..<levels).first { attends("down", $0) }.map { "down_blocks.\($0).attentions.0" } ?? ""
        return ConfigurationFile(
            path: tensors.path,
            values: [
                "sample_size": .number(Double(pictureSide.map { $0 / 8 } ?? sampleSize)),
                "in_channels": .number(Double(tensors["conv_in.weight", 1])),
                "block_out_channels": .list(channels.map { .number(Double($0)) }),
                "layers_per_block": .number(Double(tensors.count("down_blocks.0.resnets"))),
                "cross_attention_dim": .number(
                    Double(tensors["\(attention).transformer_blocks.0.attn2.to_k.weight", 1])),
                "attention_head_dim": .list(channels.map { .number(Double(max(1, heads($0)))) }),
                "down_block_types": types("down", "DownBlock2D"),
                "up_block_types": types("up", "UpBlock2D"),
                "use_linear_projection": .bool(tensors.rank("\(attention).proj_in.weight") == 2),
            ])
    }

    /// - Parameter tensors: the autoencoder's, under diffusers' names
    static func autoencoder(_ tensors: TensorShapes) -> ConfigurationFile {
        let levels = tensors.count("encoder.down_blocks")
        let channels = (0..<levels).map { tensors["encoder.down_blocks.\($0).resnets.0.conv1.weight", 0] }
        return ConfigurationFile(
            path: tensors.path,
            values: [
                "latent_channels": .number(Double(tensors["quant_conv.weight", 0] / 2)),
                "block_out_channels": .list(channels.map { .number(Double($0)) }),
                "layers_per_block": .number(Double(tensors.count("encoder.down_blocks.0.resnets"))),
                "down_block_types": .list(channels.map { _ in .string("DownEncoderBlock2D") }),
            ])
    }

    /// - Parameter tensors: the text encoder's, under transformers' names
    func textEncoder(_ tensors: TensorShapes) -> ConfigurationFile {
        let width = tensors["embeddings.token_embedding.weight", 1]
        return ConfigurationFile(
            path: tensors.path,
            values: [
                "vocab_size": .number(Double(tensors["embeddings.token_embedding.weight", 0])),
                "max_position_embeddings": .number(Double(tensors["embeddings.position_embedding.weight", 0])),
                "hidden_size": .number(Double(width)),
                "intermediate_size": .number(Double(tensors["encoder.layers.0.mlp.fc1.weight", 0])),
                "num_hidden_layers": .number(Double(tensors.count("encoder.layers") - unusedLayers)),
                "num_attention_heads": .number(Double(max(1, width / Self.headWidth))),
                "hidden_act": .string(activation),
            ])
    }
}

/// The shapes of a network's tensors by their names, for reading sizes off.
struct TensorShapes {
    /// The file that errors name.
    let path: String
    private let shapes: [String: [Int]]

    init(_ tensors: [SafetensorsHeader.Tensor], of path: String) {
        self.path = path
        shapes = Dictionary(tensors.map { ($0.name, $0.shape) }) { first, _ in first }
    }

    func has(_ name: String) -> Bool { shapes[name] != nil }

    func rank(_ name: String) -> Int { shapes[name]?.count ?? 0 }

    /// A side of a tensor; 0 where there is no such tensor, which no configuration accepts.
    subscript(name: String, axis: Int) -> Int {
        shapes[name].flatMap { axis < $0.count ? $0[axis] : nil } ?? 0
    }

    /// How many of the numbers 0, 1, 2, ... stand behind `list.` in names.
    func count(_ list: String) -> Int {
        Set(
            shapes.keys.lazy.filter { $0.hasPrefix("\(list).") }.compactMap { name in
                Int(name.dropFirst(list.count + 1).prefix { $0 != "." })
            }
        ).count
    }
}

extension SafetensorsHeader {
    /// Pixels of a side of the square pictures that a model was trained on, where its metadata state it
    /// (Stability's modelspec: "768x768").
    var pictureSide: Int? {
        let sides = metadata[ExactString("modelspec.resolution")]?.split(separator: "x").compactMap { Int($0) } ?? []
        return sides.count == 2 && sides[0] == sides[1] ? sides[0] : nil
    }
}
