import FoundationEssentials
import Glibc
import Support

/// A folder of checkpoints as people have them, removed with its owner.
final class Shelf {
    private let place: TemporaryDirectory
    var path: String { place.path }

    init() throws {
        place = try TemporaryDirectory()
    }

    func write(_ name: String, _ bytes: [UInt8]) throws {
        try makeFolder(of: name)
        try Data(bytes).write(to: URL(filePath: "\(path)/\(name)"))
    }

    func write(_ name: String, _ text: String) throws { try write(name, Array(text.utf8)) }

    func makeFolder(_ name: String) throws {
        try FileManager.default.createDirectory(atPath: "\(path)/\(name)", withIntermediateDirectories: true)
    }

    private func makeFolder(of name: String) throws {
        let parts = name.split(separator: "/").dropLast()
        if !parts.isEmpty { try makeFolder(parts.joined(separator: "/")) }
    }

    /// A link at `name`, whose `target` is as it is spelled.
    func link(_ name: String, to target: String) throws {
        try makeFolder(of: name)
        try FileManager.default.createSymbolicLink(atPath: "\(path)/\(name)", withDestinationPath: target)
    }

    /// A diffusers folder of few tensors at `folder`, F16 but for the autoencoder.
    func writePipeline(_ folder: String, index: String? = "StableDiffusionPipeline", variant: String = "") throws {
        if let index { try write("\(folder)/model_index.json", #"{"_class_name": "\#(index)"}"#) }
        let networks = [
            ("unet", "diffusion_pytorch_model", Stored.diffusersUNet),
            ("vae", "diffusion_pytorch_model", Stored.autoencoder),
            ("text_encoder", "model", Stored.textEncoder),
        ]
        for (name, stem, tensors) in networks {
            try write("\(folder)/\(name)/config.json", "{}")
            try write("\(folder)/\(name)/\(stem)\(variant).safetensors", safetensors(tensors))
        }
        try write("\(folder)/tokenizer/vocab.json", "{}")
    }

    /// What a cache makes of a repository's files: blobs, and links to them under `commit`.
    func writeRepository(_ folder: String, commit: String, isMain: Bool, _ files: [String: [UInt8]]) throws {
        if isMain { try write("\(folder)/refs/main", commit) }
        for (name, bytes) in files {
            let blob = "\(commit)-\(name.split(separator: "/").joined(separator: "-"))"
            try write("\(folder)/blobs/\(blob)", bytes)
            let up = String(repeating: "../", count: name.split(separator: "/").count + 1)
            try link("\(folder)/snapshots/\(commit)/\(name)", to: "\(up)blobs/\(blob)")
        }
    }
}

/// Tensors by which kinds are known.
enum Stored {
    static func half(_ name: String, _ shape: [Int]) -> StoredTensor {
        StoredTensor(name, type: "F16", shape: shape, halves: [UInt16](repeating: 0, count: shape.reduce(1, *)))
    }

    static func single(_ name: String, _ shape: [Int]) -> StoredTensor {
        StoredTensor(name, shape: shape, [Float](repeating: 0, count: shape.reduce(1, *)))
    }

    static let diffusersUNet = [
        half("conv_in.weight", [2, 4, 3, 3]), half("down_blocks.0.attentions.0.proj_in.weight", [2, 2, 1, 1]),
        half("down_blocks.0.attentions.0.transformer_blocks.0.attn2.to_k.weight", [2, 3]),
        half("mid_block.attentions.0.norm.weight", [2]),
    ]
    static let autoencoder = [
        single("encoder.down_blocks.0.resnets.0.norm1.weight", [2]), single("encoder.conv_out.weight", [8, 2, 1, 1]),
    ]
    static let textEncoder = [half("text_model.embeddings.token_embedding.weight", [4, 3])]
    static let blip = [single("vision_model.embeddings.class_embedding", [1]), single("text_decoder.cls.bias", [1])]
    static let clip = [
        single("vision_model.embeddings.class_embedding", [1]), single("text_model.final_layer_norm.bias", [1]),
        single("logit_scale", []),
    ]

    /// A whole model in the LDM layout.
    static func whole(channels: Int, autoencoder hasAutoencoder: Bool) -> [StoredTensor] {
        let unet = "model.diffusion_model."
        return [
            half("\(unet)input_blocks.0.0.weight", [2, channels, 3, 3]),
            half("\(unet)input_blocks.1.1.transformer_blocks.0.attn2.to_k.weight", [2, 3]),
            half("\(unet)middle_block.1.transformer_blocks.0.norm1.weight", [2]),
            half("cond_stage_model.transformer.text_model.final_layer_norm.bias", [3]),
        ] + (hasAutoencoder ? [single("first_stage_model.encoder.down.0.block.0.norm1.bias", [2])] : [])
    }
}
