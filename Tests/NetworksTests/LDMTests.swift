import FoundationEssentials
import Glibc
import Networks
import Support
import Testing

/// A file of the published sizes without weights: its header, and nothing behind it on the disk.
private struct PublishedFile {
    /// Names and shapes of Stable Diffusion 1.5, the decoder's left out but for two.
    var tensors: [(name: String, shape: [Int])]
    var metadata: [String: String] = [:]
    private let folder: TemporaryDirectory

    init() throws {
        folder = try TemporaryDirectory()
        let rows = try Data(contentsOf: URL(filePath: "\(Repository.root)/Tests/Fixtures/single/sd15-shapes.json"))
        tensors = try JSONDecoder().decode([Row].self, from: rows).map { ($0.name, $0.shape) }
    }

    private struct Row: Decodable {
        let name: String
        let shape: [Int]

        init(from decoder: any Decoder) throws {
            var row = try decoder.unkeyedContainer()
            name = try row.decode(String.self)
            shape = try row.decode([Int].self)
        }
    }

    /// The same of Stable Diffusion 2.x: states of width 1024, matrices before and behind transformers, OpenCLIP's text
    /// encoder with its 24 layers.
    func second() -> PublishedFile {
        var other = self
        other.tensors = tensors.filter { !$0.name.hasPrefix("cond_stage_model.") }.map { name, shape in
            if name.contains("attn2.to_k.") || name.contains("attn2.to_v.") { return (name, [shape[0], 1024]) }
            let isProjection = name.contains("proj_in.weight") || name.contains("proj_out.weight")
            return (name, isProjection && name.hasPrefix("model.") ? Array(shape.prefix(2)) : shape)
        }
        let root = "cond_stage_model.model."
        other.tensors += [
            ("\(root)token_embedding.weight", [49408, 1024]), ("\(root)positional_embedding", [77, 1024]),
            ("\(root)ln_final.weight", [1024]), ("\(root)ln_final.bias", [1024]),
            ("\(root)text_projection", [1024, 1024]), ("\(root)logit_scale", []),
        ]
        for layer in 0..<24 {
            let block = "\(root)transformer.resblocks.\(layer)."
            for norm in ["ln_1", "ln_2"] {
                other.tensors += [("\(block)\(norm).weight", [1024]), ("\(block)\(norm).bias", [1024])]
            }
            other.tensors += [
                ("\(block)attn.in_proj_weight", [3072, 1024]), ("\(block)attn.in_proj_bias", [3072]),
                ("\(block)attn.out_proj.weight", [1024, 1024]), ("\(block)attn.out_proj.bias", [1024]),
                ("\(block)mlp.c_fc.weight", [4096, 1024]), ("\(block)mlp.c_fc.bias", [4096]),
                ("\(block)mlp.c_proj.weight", [1024, 4096]), ("\(block)mlp.c_proj.bias", [1024]),
            ]
        }
        return other
    }

    func read() throws -> StableDiffusionFiles {
        let path = "\(folder.path)/model.safetensors"
        var entries = metadata.isEmpty ? [] : ["\"__metadata__\":\(metadata.map { "{\"\($0)\":\"\($1)\"}" }[0])"]
        var end = 0
        for (name, shape) in tensors {
            let start = end
            end += 2 * shape.reduce(1, *)
            entries.append("\"\(name)\":{\"dtype\":\"F16\",\"shape\":\(shape),\"data_offsets\":[\(start),\(end)]}")
        }
        let header = safetensors(header: "{\(entries.joined(separator: ","))}", data: [])
        try Data(header).write(to: URL(filePath: path))
        #expect(unsafe truncate(path, header.count + end) == 0)
        return try StableDiffusionFiles(ModelSource(path))
    }
}

@Suite struct `a single file's sizes, read off its shapes` {
    private static let configs = "\(Repository.root)/Tests/Fixtures/configs"

    /// All that a configuration says.
    private func text(_ configuration: Any) -> String { String(describing: configuration) }

    private func expect(_ found: StableDiffusionFiles, as published: String, sampleSize: Int) throws {
        let folder = "\(Self.configs)/\(published)"
        let unet = try UNetConfiguration(RegularFile(path: "\(folder)/unet/config.json"))
        #expect(text(found.unetConfiguration) == text(unet))
        #expect(found.unetConfiguration.sampleSize == sampleSize)
        let autoencoder = try AutoencoderConfiguration(RegularFile(path: "\(folder)/vae/config.json"))
        #expect(text(found.autoencoderConfiguration) == text(autoencoder))
        let textEncoder = try TextEncoderConfiguration(RegularFile(path: "\(folder)/text_encoder/config.json"))
        #expect(text(found.textEncoderConfiguration) == text(textEncoder))
        let scheduler = try SchedulerConfiguration(RegularFile(path: "\(folder)/scheduler/scheduler_config.json"))
        #expect(text(found.scheduler) == text(scheduler))
    }

    @Test func `of Stable Diffusion 1.5 are those of its published configurations`() throws {
        let found = try PublishedFile().read()
        try expect(found, as: "sd15", sampleSize: 64)
        #expect(found.padding == "<|endoftext|>" && found.tokenizer == nil)
        #expect(found.hashed.count == 1)
    }

    @Test func `of Stable Diffusion 2.1 are those of its published configurations`() throws {
        let found = try PublishedFile().second().read()
        try expect(found, as: "sd21", sampleSize: 96)
        #expect(found.padding == "!")
    }

    @Test func `of 2.1-base are, where the metadata say what pictures it was trained on`() throws {
        var file = try PublishedFile().second()
        file.metadata = ["modelspec.resolution": "512x512"]
        try expect(file.read(), as: "sd21base", sampleSize: 64)
        file.metadata = ["modelspec.resolution": "512"]
        #expect(try file.read().unetConfiguration.sampleSize == 96)
    }

    @Test(arguments: [
        ("model.diffusion_model.input_blocks.0.0.weight", [320, 9, 3, 3], "inpainting"),
        ("model.diffusion_model.input_blocks.0.0.weight", [320, 8, 3, 3], "InstructPix2Pix"),
        ("conditioner.embedders.1.model.token_embedding.weight", [49408, 1280], "Stable Diffusion XL"),
        ("model.diffusion_model.joint_blocks.0.x_block.attn.qkv.weight", [8, 8], "Stable Diffusion 3"),
        ("model.diffusion_model.double_blocks.0.img_attn.qkv.weight", [8, 8], "Flux"),
    ])
    func `of another family are not guessed: it is refused for what it is`(
        name: String, shape: [Int], words: String
    ) throws {
        var file = try PublishedFile()
        file.tensors.removeAll { $0.name == name }
        file.tensors.append((name, shape))
        let error = #expect(throws: CheckpointError.self) { try file.read() }
        let sentence = "\(try #require(error))"
        #expect(sentence.contains(words) && sentence.split(separator: "\n").count == 1)
    }

    @Test(arguments: ["0", "-1", "\(Int.min)", "99999999999999999999"])
    func `are not read off a block that cannot be one`(number: String) throws {
        var file = try PublishedFile()
        let root = "model.diffusion_model."
        file.tensors.append(("\(root)input_blocks.\(number).0.op.weight", [320, 320, 3, 3]))
        file.tensors.append(("\(root)input_blocks.\(Int.min).0.in_layers.2.weight", [320, 320, 3, 3]))
        file.tensors.append(("\(root)output_blocks.\(Int.min).0.in_layers.2.weight", [320, 320, 3, 3]))
        let sizes = try file.read().unetConfiguration
        #expect(sizes.blockChannels == [320, 640, 1280, 1280])
    }

    @Test func `of a distilled one are not guessed either`() throws {
        var file = try PublishedFile()
        file.tensors.removeAll { $0.name.contains(".middle_block.") }
        let error = #expect(throws: CheckpointError.self) { try file.read() }
        #expect("\(try #require(error))".contains("distilled"))
    }
}
