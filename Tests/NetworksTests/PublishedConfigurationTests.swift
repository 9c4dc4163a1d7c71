import FoundationEssentials
import Networks
import Support
import Testing

/// A published configuration file, with all its keys.
private func published(_ model: String, _ file: String) -> String {
    "\(Repository.root)/Tests/Fixtures/configs/\(model)/\(file)"
}

@Suite struct `published configurations` {
    @Test(arguments: [
        ("sd14", 64, 768, [8, 8, 8, 8], false), ("sd15", 64, 768, [8, 8, 8, 8], false),
        ("sd21base", 64, 1024, [5, 10, 20, 20], true), ("sd21", 96, 1024, [5, 10, 20, 20], true),
    ])
    func `of Stable Diffusion give its sizes`(
        model: String, side: Int, width: Int, heads: [Int], isLinear: Bool
    ) throws {
        let unet = try UNetConfiguration(RegularFile(path: published(model, "unet/config.json")))
        #expect((unet.sampleSize, unet.crossAttentionWidth, unet.linearProjection) == (side, width, isLinear))
        #expect(unet.heads == heads && unet.blockChannels == [320, 640, 1280, 1280])
        let vae = try AutoencoderConfiguration(RegularFile(path: published(model, "vae/config.json")))
        #expect((vae.factor, vae.scalingFactor, vae.groups) == (8, 0.18215, 32))
        let text = try TextEncoderConfiguration(RegularFile(path: published(model, "text_encoder/config.json")))
        #expect((text.width, text.positions, text.vocabularyCount) == (width, 77, 49408))
        #expect(text.sizes.layers == (width == 768 ? 12 : 23) && text.sizes.heads == width / 64)
        let scheduler = try SchedulerConfiguration(
            RegularFile(path: published(model, "scheduler/scheduler_config.json")))
        #expect((scheduler.betaStart, scheduler.betaEnd, scheduler.trainTimesteps) == (0.00085, 0.012, 1000))
        #expect(scheduler.schedule == .scaledLinear)
        #expect([0, 100, 999].allSatisfy { SchedulerConfiguration.published.alphaBar($0) == scheduler.alphaBar($0) })
    }

    /// transformers 5.24 pads so: the map's token is the one that counts.
    @Test(arguments: [("sd14", false), ("sd15", false), ("sd21base", true), ("sd21", true)])
    func `of tokenizers say what pads`(model: String, isExclamation: Bool) throws {
        func text(_ name: String) throws -> String {
            String(decoding: try Repository.bytes(published(model, "tokenizer/\(name)")), as: UTF8.self)
        }
        let files = ["tokenizer_config.json", "special_tokens_map.json"]
        let texts = try Dictionary(uniqueKeysWithValues: files.map { ($0, Optional(try text($0))) })
        try TokenizerFixtures.withFolder(texts) { folder in
            let tokenizer = try BytePairTokenizer(ModelFolder(folder))
            #expect(tokenizer.maximumLength == 77)
            #expect((tokenizer.start, tokenizer.end) == (813, 814))
            #expect(tokenizer.padding == (isExclamation ? 0 : 814))
        }
    }

    @Test func `of CLIP give its sizes`() throws {
        let clip = try CLIPConfiguration(RegularFile(path: published("clip-l14", "config.json")))
        #expect((clip.text.width, clip.vision.width, clip.vision.patch, clip.projection) == (768, 1024, 14, 768))
        #expect(clip.end == nil, "the published 2 is no end: the largest token is")
        let picture = try PictureConfiguration(
            RegularFile(path: published("clip-l14", "preprocessor_config.json")), .clip)
        #expect(picture == .published(.clip, side: 224))
    }
}

@Suite struct `keys that mean another thing than they say` {
    /// What diffusers' StableDiffusionPipeline makes of them.
    @Test(arguments: [
        ("\"0.6.0\"", 32, 64), ("\"0.8.9.dev0\"", 16, 64), ("\"0.6.0\"", 96, 96), ("\"0.9.0.dev0\"", 32, 32),
        ("\"0.10.0.dev0\"", 32, 32), ("\"1.0\"", 32, 32), ("\"0.42.1\"", 16, 16), ("null", 32, 32), ("\"new\"", 32, 32),
    ])
    func `the U-Net's side was written as 32 by early versions`(version: String, side: Int, meant: Int) throws {
        let members = ["_diffusers_version": version, "sample_size": "\(side)"]
        #expect(try read(members, by: UNetConfiguration.init).sampleSize == meant)
    }

    /// diffusers reads a Flax configuration with its own defaults; the weights are another matter.
    @Test func `a class of Flax is read as PyTorch's, another one is refused`() throws {
        let unet = ["sample_size": "64", "_class_name": "\"FlaxUNet2DConditionModel\""]
        #expect(try read(unet, by: UNetConfiguration.init).sampleSize == 64)
        #expect(try read(["_class_name": "\"FlaxAutoencoderKL\""], by: AutoencoderConfiguration.init).factor == 1)
        for name in ["AutoencoderTiny", "AutoencoderKLTemporalDecoder", "VQModel"] {
            expectRefusal(["_class_name": "\"\(name)\""], by: "_class_name", AutoencoderConfiguration.init)
        }
    }

    @Test func `the autoencoder's picture size decides nothing`() throws {
        for size in ["768", "256", "null", "[512, 512]", "\"large\"", "NaN"] {
            #expect(try read(["sample_size": size], by: AutoencoderConfiguration.init).factor == 1)
        }
    }

    @Test func `a list that says the same of each level is one number`() throws {
        let unet = try read(
            [
                "sample_size": "64", "cross_attention_dim": "[768, 768, 768, 768]", "layers_per_block": "[2, 2, 2, 2]",
                "transformer_layers_per_block": "[1, 1, 1, 1]", "only_cross_attention": "[false, false, false, false]",
            ], by: UNetConfiguration.init)
        #expect((unet.crossAttentionWidth, unet.layersPerBlock) == (768, 2))
    }

    /// The defaults of diffusers 0.42's classes.
    @Test(arguments: [
        ("PNDMScheduler", 0.0001, 0.02, false), ("FlaxDDIMScheduler", 0.0001, 0.02, false),
        ("LCMScheduler", 0.00085, 0.012, true), ("HeunDiscreteScheduler", 0.00085, 0.012, false),
    ])
    func `absent keys of a scheduler mean what its class says`(
        name: String, start: Double, end: Double, isScaled: Bool
    ) throws {
        let scheduler = try read(["_class_name": "\"\(name)\""], by: SchedulerConfiguration.init)
        #expect((scheduler.betaStart, scheduler.betaEnd) == (start, end))
        #expect((scheduler.schedule == .scaledLinear) == isScaled)
    }

    @Test func `a class of later days is read where nothing is absent`() throws {
        let betas = ["beta_start": "0.00085", "beta_end": "0.012", "beta_schedule": "\"scaled_linear\""]
        let scheduler = try read(
            betas.merging(["_class_name": "\"NewScheduler\""]) { $1 }, by: SchedulerConfiguration.init)
        #expect(scheduler.alphaBar(500) == SchedulerConfiguration.published.alphaBar(500))
    }
}

@Suite struct `JSON as Python writes it` {
    private let betas = #""beta_start": 0.00085, "beta_end": 0.012, "beta_schedule": "scaled_linear""#

    private func scheduler(_ text: String) throws -> SchedulerConfiguration {
        let folder = try TemporaryDirectory()
        return try SchedulerConfiguration(RegularFile(path: folder.write("scheduler_config.json", text)))
    }

    @Test(arguments: [
        #""lambda_min_clipped": -Infinity"#, #""a": Infinity, "b": NaN"#, #""a":[NaN,-Infinity , Infinity]"#,
        #""a": {"b": NaN}"#, #""a": "NaN, Infinity: -Infinity""#, #""NaN": "\"NaN\\""#, #""a": 1e999, "b": -1e999"#,
        #""a": 123456789012345678901234567890"#, #""beta_start": 0.5, "beta_start": 0.00085"#,
        #""a": "\u00e9\ud83d\ude00""#,
    ])
    func `infinities, none numbers, large ones and keys that stand twice are read`(member: String) throws {
        for text in ["{\(betas), \(member)}", "{\n \(member),\r\n\t\(betas)\n}\n"] {
            #expect(try scheduler(text).alphaBar(500) == SchedulerConfiguration.published.alphaBar(500))
        }
    }

    @Test(arguments: ["NaN", "Infinity", "-Infinity"])
    func `a number that is needed and none is refused by its key`(value: String) throws {
        let error = #expect(throws: CheckpointError.self) { try scheduler(#"{"beta_start": \#(value)}"#) }
        guard case .configuration(_, "beta_start", value, _) = error else {
            Issue.record("\(String(describing: error))")
            return
        }
    }

    @Test func `in quotes they are words`() throws {
        let error = #expect(throws: CheckpointError.self) { try scheduler(#"{"beta_start": "NaN"}"#) }
        guard case .configuration(_, "beta_start", "\"NaN\"", _) = error else {
            Issue.record("\(String(describing: error))")
            return
        }
    }
}
