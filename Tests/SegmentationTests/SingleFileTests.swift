import FoundationEssentials
import Kernels
import Networks
import Segmentation
import Support
import Testing

/// A single file and the folder that its weights come from are one model: every answer has the same bits.
@Suite struct `a single file in the layout of LDM` {
    private let folder: TemporaryDirectory

    init() throws { folder = try TemporaryDirectory() }

    private static func checkpoint(_ fixture: String) -> String {
        "\(Repository.root)/Tests/Fixtures/\(fixture)/checkpoint"
    }

    private func contents(_ source: ModelSource) throws(ModelError) -> ModelContents {
        try ModelContents(source, clipMerges: Fixture.clipMerges, precision: .f32)
    }

    private func bits(_ source: ModelSource, _ precision: Precision = .f32) throws -> [String: [UInt32]] {
        try Threads.start(nil)
        let model = try Model(source, clipMerges: Fixture.clipMerges, precision: precision, cache: nil) { true }
        let segmenter = try Segmenter(
            Pipeline(model: model, captioner: nil, filter: nil), workspace: Workspace(limits: .standard))
        return try segmenter.ask(RequestBuilder("dog", "teddy bear!")).bits
    }

    private func source(_ file: SingleFile, of fixture: String, autoencoder: String? = nil) throws -> ModelSource {
        ModelSource(
            path: try file.write("model.safetensors", in: folder), autoencoder: autoencoder,
            configuration: Self.checkpoint(fixture))
    }

    private func expectSame(_ file: SingleFile, _ fixture: String, autoencoder: String? = nil) throws {
        let expected = try bits(ModelSource(Self.checkpoint(fixture)))
        #expect(Set(expected.values.map(\.count)).count == 1)
        #expect(try bits(source(file, of: fixture, autoencoder: autoencoder)) == expected)
    }

    @Test(arguments: ["tiny", "sd2"], Precision.allCases)
    func `answers as the folder does`(fixture: String, precision: Precision) throws {
        let source = try source(SingleFile(fixture), of: fixture)
        #expect(try bits(source, precision) == bits(ModelSource(Self.checkpoint(fixture)), precision))
    }

    @Test(arguments: ["module.", "_orig_mod.", "module._orig_mod.", "model."])
    func `with a prefix before all names`(prefix: String) throws {
        try expectSame(SingleFile("tiny").renamed { prefix + $0 }, "tiny")
    }

    @Test func `with a compiled U-Net inside`() throws {
        try expectSame(
            SingleFile("tiny").renamed { $0.replacing("diffusion_model.", with: "diffusion_model._orig_mod.") }, "tiny")
    }

    @Test func `without text_model, as NAI's family`() throws {
        let file = try SingleFile("tiny")
        let old = file.renamed { $0.replacing("transformer.text_model.", with: "transformer.") }
        #expect(old.tensors.map(\.name) != file.tensors.map(\.name))
        try expectSame(old, "tiny")
    }

    @Test func `with averages beside the weights, which are said not to be used`() throws {
        let file = try SingleFile("tiny")
        let averages = file.only("model.").tensors.map { tensor in
            let name = tensor.name.dropFirst("model.".count).filter { $0 != "." }
            return StoredTensor(
                "model_ema.\(name)", type: tensor.type, shape: tensor.shape, bytes: tensor.bytes.map { $0 ^ 1 })
        }
        #expect(!averages.isEmpty)
        let both = file.with(averages)
        try expectSame(both, "tiny")
        let notes = try contents(source(both, of: "tiny")).notes
        #expect(notes.count == 1 && notes[0].contains("model_ema."))
        #expect(try contents(source(file, of: "tiny")).notes.isEmpty)
    }

    @Test func `with what training and merging leave in it`() throws {
        let left = [
            StoredTensor("betas", shape: [2], [0, 1]),
            StoredTensor("sqrt_alphas_cumprod", shape: [2], [0, 1]),
            StoredTensor("cond_stage_model.transformer.logit_scale", shape: [], [1]),
            StoredTensor("first_stage_model.loss.logvar", shape: [], [1]),
            StoredTensor("global_step", type: "I64", shape: [], bytes: Array(repeating: 0, count: 8)),
        ]
        try expectSame(SingleFile("tiny").with(left), "tiny")
    }

    @Test func `without OpenCLIP's last layer and what follows it`() throws {
        let file = try SingleFile("sd2")
        let layer = file.tensors.filter { $0.name.contains("resblocks.0.") }.map { tensor in
            StoredTensor(
                tensor.name.replacing("resblocks.0.", with: "resblocks.99."), type: tensor.type, shape: tensor.shape,
                bytes: tensor.bytes)
        }
        let root = "cond_stage_model.model."
        #expect(!layer.isEmpty)
        try expectSame(
            file.with(
                layer + [
                    StoredTensor("\(root)text_projection", shape: [1, 1], [2]),
                    StoredTensor("\(root)logit_scale", shape: [], [2]),
                ]), "sd2")
    }

    @Test(arguments: ["", "first_stage_model.", "vae."])
    func `with the autoencoder in a file beside`(prefix: String) throws {
        let file = try SingleFile("tiny")
        let autoencoder = file.only("first_stage_model.").renamed { prefix + $0.dropFirst("first_stage_model.".count) }
        let path = try autoencoder.with([StoredTensor("loss.logvar", shape: [], [0])])
            .write("vae.safetensors", in: folder)
        let rest = file.without("first_stage_model.")
        try expectSame(rest, "tiny", autoencoder: path)
        // It replaces one that there is.
        let wrong = file.renamed { $0 }.with([])
        try expectSame(wrong, "tiny", autoencoder: path)
        #expect(throws: ModelError.self) { try contents(source(rest, of: "tiny")) }
    }

    @Test func `with the autoencoder in diffusers' folder beside`() throws {
        try expectSame(
            SingleFile("tiny").without("first_stage_model."), "tiny", autoencoder: "\(Fixture.tiny)/vae")
    }

    @Test(arguments: ["input_blocks.4.0.", "output_blocks.11.1.", "middle_block.1.", "mid.attn_1.q", "layers.0."])
    func `that lacks a part is refused by a name`(part: String) throws {
        let source = try source(SingleFile("tiny").without(part), of: "tiny")
        #expect(throws: ModelError.self) { try contents(source) }
    }

    @Test(arguments: [
        "model.diffusion_model.input_blocks.1.2.weight", "model.diffusion_model.unknown.weight",
        "first_stage_model.encoder.down.0.block.9.norm1.weight",
        "cond_stage_model.transformer.text_model.encoder.layers.77.layer_norm1.weight",
    ])
    func `with a tensor more of a network is refused by its name`(name: String) throws {
        let source = try source(SingleFile("tiny").with([StoredTensor(name, shape: [1], [0])]), of: "tiny")
        let error = #expect(throws: ModelError.self) { try contents(source) }
        #expect("\(try #require(error))".contains("never read"))
    }

    @Test func `has the hash of its files, whatever they are called and wherever they lie`() throws {
        let file = try SingleFile("tiny")
        let source = try source(file, of: "tiny")
        let hash = try contents(source).hash(cache: nil) { true }
        let other = ModelSource(
            path: try file.write("other.safetensors", in: folder), autoencoder: nil,
            configuration: Self.checkpoint("tiny"))
        #expect(try contents(other).hash(cache: nil) { true }.description == hash.description)
        let model = try Model(source, clipMerges: Fixture.clipMerges, precision: .f32, cache: nil) { true }
        #expect(model.hash == hash.description)
        #expect(model.name == "model")
        let plain = try contents(ModelSource(Self.checkpoint("tiny"))).hash(cache: nil) { true }
        #expect(plain.description != hash.description)
    }

    @Test func `that is cut short anywhere is refused, and names the file`() throws {
        let whole = safetensors(try SingleFile("tiny").tensors)
        var random = SeededGenerator(seed: 16)
        for _ in 0..<100 {
            let length = Int.random(in: 0..<whole.count, using: &random)
            let path = "\(folder.path)/cut.safetensors"
            try Data(whole.prefix(length)).write(to: URL(filePath: path))
            let source = ModelSource(path: path, autoencoder: nil, configuration: Self.checkpoint("tiny"))
            let error = #expect(throws: ModelError.self) { try contents(source) }
            #expect("\(try #require(error))".contains(path))
        }
    }

    @Test func `with one bit flipped anywhere is refused, or has another hash`() throws {
        var bytes = safetensors(try SingleFile("tiny").tensors)
        let path = "\(folder.path)/flipped.safetensors"
        let source = ModelSource(path: path, autoencoder: nil, configuration: Self.checkpoint("tiny"))
        func hash() throws -> String {
            try Data(bytes).write(to: URL(filePath: path))
            return try contents(source).hash(cache: nil) { true }.description
        }
        let whole = try hash()
        var random = SeededGenerator(seed: 17)
        // Half of the places in the header, which is a small part of the file.
        let header = 8 + bytes.prefix(8).reversed().reduce(0) { $0 << 8 | Int($1) }
        for turn in 0..<100 {
            let place = Int.random(in: 0..<(turn.isMultiple(of: 2) ? header : bytes.count), using: &random)
            let bit = UInt8(1) << UInt8.random(in: 0..<8, using: &random)
            bytes[place] ^= bit
            do {
                #expect(try hash() != whole)
            } catch is ModelError {}
            bytes[place] ^= bit
        }
        #expect(try hash() == whole)
    }
}
