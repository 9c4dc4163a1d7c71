import Kernels
import Networks
import Support
import Testing

/// What a network's loading says of a copy with its tensors changed.
private func refusal(
    _ network: String, _ change: ([StoredTensor]) -> [StoredTensor]
) throws -> CheckpointError? {
    try CheckpointCopy(network, change(CheckpointCopy.tensors(of: network))).reading { path in
        do throws(CheckpointError) {
            switch network {
            case "unet": _ = try loadUNet(path)
            case "vae": _ = try loadAutoencoder(path)
            default: _ = try loadTextEncoder(path)
            }
            return nil
        } catch {
            return error
        }
    }
}

/// Tensors of each kind of layer.
private let samples = [
    ("unet", "conv_in.bias"), ("unet", "time_embedding.linear_2.weight"),
    ("unet", "down_blocks.1.resnets.0.conv_shortcut.weight"),
    ("unet", "down_blocks.0.attentions.1.transformer_blocks.0.attn2.to_k.weight"),
    ("unet", "mid_block.attentions.0.transformer_blocks.0.ff.net.0.proj.bias"),
    ("unet", "up_blocks.0.upsamplers.0.conv.weight"), ("unet", "up_blocks.3.attentions.2.proj_out.weight"),
    ("vae", "encoder.conv_in.weight"), ("vae", "encoder.down_blocks.0.downsamplers.0.conv.bias"),
    ("vae", "encoder.mid_block.attentions.0.key.weight"), ("vae", "quant_conv.weight"),
    ("text_encoder", "text_model.embeddings.token_embedding.weight"),
    ("text_encoder", "text_model.encoder.layers.2.self_attn.out_proj.bias"),
    ("text_encoder", "text_model.final_layer_norm.weight"),
]

@Suite struct `every tensor of a network is read once` {
    @Test(arguments: samples) func `one that is missing is named`(network: String, name: String) throws {
        let found = try refusal(network) { $0.filter { $0.name != name } }
        #expect(found == .missing(tensor: "\(network).\(name)"))
        #expect("\(found, default: "")".contains("\(network).\(name)"))
    }

    @Test(arguments: samples)
    func `one of another shape is named, with both shapes`(network: String, name: String) throws {
        var shape: [Int] = []
        let found = try refusal(network) { tensors in
            tensors.map { tensor in
                guard tensor.name == name else { return tensor }
                shape = tensor.shape
                return StoredTensor(name, type: tensor.type, shape: [1] + shape, bytes: tensor.bytes)
            }
        }
        guard case .shape(let tensor, let found, let expected) = found else {
            Issue.record("\(String(describing: found))")
            return
        }
        #expect((tensor, found) == ("\(network).\(name)", [1] + shape))
        #expect(expected.reduce(1, *) == shape.reduce(1, *))
    }

    @Test(arguments: ["unet", "vae", "text_encoder"])
    func `one that nobody reads is named`(network: String) throws {
        let found = try refusal(network) { $0 + [StoredTensor("extra.weight", shape: [1], [0])] }
        #expect(found == .neverRead(first: ["\(network).extra.weight"], count: 1))
        let renamed = try refusal(network) { tensors in
            tensors.map {
                $0.name == "conv_in.bias" || $0.name == "quant_conv.bias" || $0.name.hasSuffix("final_layer_norm.bias")
                    ? StoredTensor($0.name + "es", type: $0.type, shape: $0.shape, bytes: $0.bytes) : $0
            }
        }
        guard case .missing(let tensor) = renamed else {
            Issue.record("\(String(describing: renamed))")
            return
        }
        #expect(tensor.hasSuffix(".bias"))
    }

    @Test func `behind the U-Net's last attention nothing need be there`() throws {
        #expect(try refusal("unet") { $0.filter { !UNet.isTail($0.name) } } == nil)
    }
}

@Suite struct `one network in any file layout` {
    /// The keys that the first cross-attention layer makes of a text: they depend on few tensors, but on their bits.
    private func keys(_ path: String) throws -> [Float] {
        let loaded = try loadUNet(path)
        var arena = try Arena(reserving: 1 << 36)
        return loaded.network.crossKeys.flatMap { linear in
            let text = Matrix(stored: 2, by: 48)
            text.fill((0..<96).map { Float($0) / 96 })
            let y = Matrix(stored: 2, by: linear.width)
            linear(text, into: y, &arena)
            return y.array
        }
    }

    @Test func `one file, shards and the fp16 name give the same weights`() throws {
        let tensors = try CheckpointCopy.tensors(of: "unet")
        let expected = try CheckpointCopy("unet", tensors).reading(keys)
        let stem = "diffusion_pytorch_model"
        let named = try CheckpointCopy("unet", ["\(stem).fp16.safetensors": tensors])
        #expect(try named.reading(keys) == expected)
        let shards = try CheckpointCopy(
            "unet",
            ["a.safetensors": Array(tensors[..<100]), "b.safetensors": Array(tensors[100...])])
        let map = tensors.enumerated().map { index, tensor in
            "\"\(tensor.name)\":\"\(index < 100 ? "a" : "b").safetensors\""
        }
        try shards.folder.write("\(stem).safetensors.index.json", #"{"weight_map":{\#(map.joined(separator: ","))}}"#)
        #expect(try shards.reading(keys) == expected)
    }

    /// A number that all three types hold exactly.
    @Test func `F32, F16 and BF16 copies of one network load alike`() throws {
        let tensors = try CheckpointCopy.tensors(of: "unet")
        func copy(_ type: String) throws -> CheckpointCopy {
            try CheckpointCopy(
                "unet",
                tensors.map { tensor in
                    let values = (0..<tensor.shape.reduce(1, *)).map { Float(($0 * 7) % 31 - 15) / 16 }
                    return StoredTensor(tensor.name, type: type, shape: tensor.shape, values)
                })
        }
        let expected = try copy("F32").reading(keys)
        #expect(Set(expected).count > 10)
        for type in ["F16", "BF16"] {
            #expect(try copy(type).reading(keys) == expected)
        }
    }

    /// A number that all three types hold exactly.
    @Test func `tensors of one file may have different types, and its shards the names of variants`() throws {
        let types = ["F32", "F16", "BF16"]
        let tensors = try CheckpointCopy.tensors(of: "unet")
        func stored(_ tensor: StoredTensor, _ type: String) -> StoredTensor {
            let values = (0..<tensor.shape.reduce(1, *)).map { Float(($0 * 7) % 31 - 15) / 16 }
            return StoredTensor(tensor.name, type: type, shape: tensor.shape, values)
        }
        let plain = tensors.map { stored($0, "F32") }
        let mixed = tensors.enumerated().map { index, tensor in stored(tensor, types[index % 3]) }
        let expected = try CheckpointCopy("unet", plain).reading(keys)
        #expect(try CheckpointCopy("unet", mixed).reading(keys) == expected)
        let stem = "diffusion_pytorch_model"
        let names = (1...2).map { "\(stem)-0000\($0)-of-00002.fp16.safetensors" }
        let index = "\(stem).safetensors.index.fp16.json"
        let copy = try CheckpointCopy(
            "unet",
            [
                names[0]: Array(mixed[..<200]), names[1]: Array(mixed[200...]), "\(stem).non_ema.safetensors": [],
                "\(stem).safetensors": [],
            ])
        let map = mixed.enumerated().map { index, tensor in
            "\"\(tensor.name)\":\"\(names[index < 200 ? 0 : 1])\""
        }
        try copy.folder.write(index, #"{"metadata":{"total_size":1},"weight_map":{\#(map.joined(separator: ","))}}"#)
        #expect(try copy.reading(keys) == expected)
    }

    @Test func `weights that end early are an error that names the file`() throws {
        for network in ["unet", "vae", "text_encoder"] {
            let copy = try CheckpointCopy(network, CheckpointCopy.tensors(of: network))
            let file = "\(copy.stem).safetensors"
            try copy.folder.resize(file, to: 300_000)
            let error = #expect(throws: CheckpointError.self) {
                try Checkpoint(directory: copy.folder.path, stem: copy.stem, component: network)
            }
            #expect("\(error, default: "")".contains(file))
        }
    }

    @Test func `weights cut between opening and reading are an error that names the file`() throws {
        let copy = try CheckpointCopy("text_encoder", CheckpointCopy.tensors(of: "text_encoder"))
        let checkpoint = try Checkpoint(directory: copy.folder.path, stem: copy.stem, component: "text_encoder")
        let region = try WeightRegion(capacity: checkpoint.packedBytes)
        try copy.folder.resize("model.safetensors", to: 300_000)
        _ = try CLIPTextEncoder(
            checkpoint.weights(in: region, precision: .f32)["text_model"],
            TextEncoderConfiguration(RegularFile(path: "\(copy.folder.path)/config.json")))
        let error = #expect(throws: CheckpointError.self) {
            try Checkpoint.read([checkpoint], hashing: []) { true }
        }
        #expect("\(error, default: "")".contains("model.safetensors"))
    }
}
