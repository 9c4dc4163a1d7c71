import FoundationEssentials
import Kernels
import Networks
import Segmentation
import Support
import Testing

/// A copy of `tiny` to be spoiled, removed with the value.
private final class ModelCopy {
    private let place: TemporaryDirectory
    var path: String { "\(place.path)/model" }

    init() throws {
        place = try TemporaryDirectory()
        try FileManager.default.copyItem(atPath: Fixture.tiny, toPath: path)
    }

    func remove(_ name: String) throws {
        try FileManager.default.removeItem(atPath: "\(path)/\(name)")
    }

    func replace(_ name: String, byThatOf other: String) throws {
        try remove(name)
        try FileManager.default.copyItem(atPath: "\(other)/\(name)", toPath: "\(path)/\(name)")
    }

    /// Replaces a value in a network's `config.json`.
    func configure(_ network: String, _ old: String, _ new: String) throws {
        let file = URL(filePath: "\(path)/\(network)/config.json")
        let text = String(decoding: try Data(contentsOf: file), as: UTF8.self)
        #expect(text.contains(old))
        try Data(text.replacing(old, with: new).utf8).write(to: file)
    }

    /// Replaces a network's tensors.
    ///
    /// - Parameter change: what takes a tensor's place, given its values; `nil`: nothing
    func rewrite(_ network: String, _ change: (StoredTensor, [Float]) -> StoredTensor?) throws {
        let stem = network == "text_encoder" ? "model" : "diffusion_pytorch_model"
        let path = "\(path)/\(network)/\(stem).safetensors"
        let file = try TensorFile(path: path)
        let tensors = try file.header.tensors.compactMap { tensor in
            change(
                StoredTensor(
                    tensor.name, type: "\(tensor.type.word)", shape: tensor.shape,
                    bytes: try file.bytes(of: tensor.name)),
                tensor.type.storedFloats == nil ? [] : try file.values(of: tensor.name))
        }
        try Data(safetensors(tensors)).write(to: URL(filePath: path))
    }

    /// Expects a refusal that holds all of `parts`.
    func expectRefusal(_ parts: String..., sourceLocation: SourceLocation = #_sourceLocation) {
        let error = #expect(throws: ModelError.self, sourceLocation: sourceLocation) {
            try Fixture.model(path)
        }
        for part in parts {
            #expect("\(error, default: "")".contains(part), sourceLocation: sourceLocation)
        }
    }
}

@Suite struct `a model folder` {
    /// Numbers that all three types hold exactly: of 8 bits, none of them too small for F16's exponent.
    @Test(arguments: Precision.allCases)
    func `answers alike whichever type its numbers are stored in`(precision: Precision) throws {
        func bits(_ type: String) throws -> [String: [UInt32]] {
            let copy = try ModelCopy()
            for network in ["unet", "vae", "text_encoder"] {
                try copy.rewrite(network) { tensor, values in
                    guard tensor.type == "F32" else { return tensor }
                    let values = values.map {
                        $0.magnitude < 0x1p-14 ? 0 : Float(bitPattern: $0.bitPattern & 0xffff_0000)
                    }
                    return StoredTensor(tensor.name, type: type, shape: tensor.shape, values)
                }
            }
            return try Fixture.segmenter(copy.path, precision).ask(RequestBuilder("dog", "grass")).bits
        }
        let expected = try bits("F32")
        #expect(Set(expected["dog"] ?? []).count > 10)
        for type in ["F16", "BF16"] { #expect(try bits(type) == expected, "\(type)") }
    }

    @Test func `has a hash of its files that does not depend on where it lies`() throws {
        let copy = try ModelCopy()
        let (here, there) = (try Fixture.model(Fixture.tiny), try Fixture.model(copy.path))
        #expect(here.hash == there.hash)
        #expect(here.name != there.name)
        try copy.configure("vae", "0.18215", "0.18216")
        #expect(try Fixture.model(copy.path).hash != here.hash)
        #expect(try Fixture.model(Fixture.odd).hash != here.hash)
    }

    @Test func `has a hash of the file that its words are read from`() throws {
        let copy = try ModelCopy()
        let path = "\(copy.path)/tokenizer/tokenizer.json"
        try FileManager.default.copyItem(atPath: "\(Fixture.odd)/clip/tokenizer.json", toPath: path)
        let beside = try Fixture.model(copy.path)
        #expect(beside.hash == (try Fixture.model(Fixture.tiny)).hash)
        for name in ["vocab.json", "merges.txt"] { try copy.remove("tokenizer/\(name)") }
        let alone = try Fixture.model(copy.path)
        #expect(alone.tokenizer.tokens(of: "a teddy bear") == beside.tokenizer.tokens(of: "a teddy bear"))
        let text = String(decoding: try Data(contentsOf: URL(filePath: path)), as: UTF8.self)
        try Data("\(text)\n".utf8).write(to: URL(filePath: path))
        #expect(Set([beside.hash, alone.hash, try Fixture.model(copy.path).hash]).count == 3)
    }

    @Test func `whose networks do not fit each other is refused by what does not`() throws {
        let text = try ModelCopy()
        try text.replace("text_encoder", byThatOf: Fixture.odd)
        text.expectRefusal("cross_attention_dim", "48", "40")
    }

    /// Stable Diffusion 2's says 768 where the U-Net reads 512 pixels, others' nothing.
    @Test(arguments: [#""sample_size": 64,"#, #""sample_size": 100000,"#, ""])
    func `answers alike whatever pictures the autoencoder says it was trained on`(size: String) throws {
        let question = try RequestBuilder("dog", "grass")
        let expected = try Fixture.segmenter(Fixture.tiny).ask(question).bits
        let copy = try ModelCopy()
        try copy.configure("vae", #""sample_size": 128,"#, size)
        let answer = try Fixture.segmenter(copy.path).ask(question)
        #expect(answer.bits == expected)
        #expect((answer.header.latentWidth, answer.header.latentHeight) == (16, 16))
    }

    @Test func `without a tokenizer has CLIP's, which a text encoder of other words cannot read`() throws {
        let copy = try ModelCopy()
        try copy.remove("tokenizer")
        copy.expectRefusal("vocabulary", "49408", "815")
    }

    @Test(arguments: ["unet", "vae", "text_encoder"])
    func `that lacks a file is refused by its name`(network: String) throws {
        let configuration = try ModelCopy()
        try configuration.remove("\(network)/config.json")
        configuration.expectRefusal("\(network)/config.json")
        let all = try ModelCopy()
        try all.remove(network)
        all.expectRefusal("/\(network)")
    }

    @Test func `without a scheduler has the noise of every published model`() throws {
        let (copy, with) = (try ModelCopy(), try Fixture.model(Fixture.tiny).scheduler)
        try copy.remove("scheduler")
        let without = try Fixture.model(copy.path).scheduler
        #expect(without.trainTimesteps == with.trainTimesteps)
        for timestep in [0, 1, 100, 999] { #expect(without.alphaBar(timestep) == with.alphaBar(timestep)) }
    }

    @Test func `without self-attention at the latent's size is refused`() throws {
        let copy = try ModelCopy()
        try copy.rewrite("unet") { tensor, _ in
            let isOfLatentSize =
                tensor.name.hasPrefix("down_blocks.0.attentions.") || tensor.name.hasPrefix("up_blocks.3.attentions.")
            return isOfLatentSize ? nil : tensor
        }
        try copy.configure(
            "unet", "\"down_block_types\": [\n    \"CrossAttnDownBlock2D\"",
            "\"down_block_types\": [\n    \"DownBlock2D\"")
        try copy.configure("unet", "    \"CrossAttnUpBlock2D\"\n", "    \"UpBlock2D\"\n")
        copy.expectRefusal("self-attention", "16 x 16")
    }

    @Test func `of sizes that no memory holds is refused, not attempted`() throws {
        let features = try ModelCopy()
        try features.configure("unet", #""sample_size": 16"#, #""sample_size": 1024"#)
        features.expectRefusal("features", "GiB", "16 GiB")
        let legal = try ModelCopy()
        try legal.configure("unet", #""sample_size": 16"#, #""sample_size": 32"#)
        let scores = try Fixture.segmenter(legal.path).ask(RequestBuilder("dog")).scores[0]
        #expect((scores.width, scores.height) == (32, 32))
    }
}
