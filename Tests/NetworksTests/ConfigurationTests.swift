import FoundationEssentials
import Networks
import Support
import Testing

/// A configuration's members: keys and their values as JSON.
typealias Members = [String: String]

/// Writes `members` to a file and reads it with `initializer`.
func read<Value>(
    _ members: Members, by initializer: (RegularFile) throws(CheckpointError) -> Value
) throws -> Value {
    let folder = try TemporaryDirectory()
    let text = members.map { "\"\($0)\": \($1)" }.joined(separator: ",\n")
    return try initializer(RegularFile(path: folder.write("config.json", "{\(text)}")))
}

/// Expects `members` to be refused by `key`, and the sentence to quote the file, key and value.
func expectRefusal<Value>(
    _ members: Members, by key: String, _ initializer: (RegularFile) throws(CheckpointError) -> Value
) {
    let error = #expect(throws: CheckpointError.self) { try read(members, by: initializer) }
    guard case .configuration(let file, key, let found, let expected) = error else {
        Issue.record("\(key): \(String(describing: error))")
        return
    }
    #expect("\(String(describing: error ?? .noWeights(directory: "", stem: "")))".contains(key))
    #expect(file.hasSuffix("config.json"))
    #expect(!found.isEmpty && !expected.isEmpty)
}

func oracle(_ fixture: String, _ file: String) -> String {
    "\(oracleFolder)/\(fixture)/checkpoint/\(file)"
}

@Suite struct `the U-Net's configuration` {
    private let least: Members = ["sample_size": "64"]

    @Test func `real files give the sizes of their networks`() throws {
        let tiny = try UNetConfiguration(RegularFile(path: oracle("tiny", "unet/config.json")))
        #expect(tiny.sampleSize == 16)
        #expect(tiny.inChannels == 4)
        #expect(tiny.blockChannels == [16, 32, 48, 48])
        #expect(tiny.layersPerBlock == 2)
        #expect(tiny.crossAttentionWidth == 48)
        #expect(tiny.heads == [4, 4, 4, 4])
        #expect(tiny.downHasAttention == [true, true, true, false])
        #expect(tiny.upHasAttention == [false, true, true, true])
        #expect(tiny.groups == 8)
        #expect(tiny.epsilon == 1e-5)
        #expect(!tiny.linearProjection)
        #expect(tiny.flipSinToCos)
        #expect(tiny.frequencyShift == 0)
        #expect(tiny.downsamplePadding == 1)
        let odd = try UNetConfiguration(RegularFile(path: oracle("tiny-odd", "unet/config.json")))
        #expect(odd.blockChannels == [24, 36, 60])
        #expect(odd.heads == [6, 6, 6])
        #expect(odd.upHasAttention == [false, true, true])
        #expect((odd.sampleSize, odd.layersPerBlock, odd.groups) == (24, 1, 12))
    }

    /// The defaults of diffusers 0.42's UNet2DConditionModel.
    @Test func `absent keys mean what diffusers takes them to mean`() throws {
        let unet = try read(least, by: UNetConfiguration.init)
        #expect(unet.inChannels == 4)
        #expect(unet.blockChannels == [320, 640, 1280, 1280])
        #expect(unet.layersPerBlock == 2)
        #expect(unet.crossAttentionWidth == 1280)
        #expect(unet.heads == [8, 8, 8, 8])
        #expect(unet.downHasAttention == [true, true, true, false])
        #expect(unet.upHasAttention == [false, true, true, true])
        #expect((unet.groups, unet.epsilon) == (32, 1e-5))
        #expect(!unet.linearProjection && unet.flipSinToCos && unet.frequencyShift == 0)
        #expect(unet.downsamplePadding == 1)
    }

    @Test func `heads are a number or a list, and the honest name wins`() throws {
        func heads(_ members: Members) throws -> [Int] {
            try read(least.merging(members) { $1 }, by: UNetConfiguration.init).heads
        }
        #expect(try heads(["attention_head_dim": "[5, 10, 20, 20]"]) == [5, 10, 20, 20])
        #expect(
            try heads(["attention_head_dim": "8", "num_attention_heads": "4"]) == [4, 4, 4, 4])
        #expect(
            try heads(["attention_head_dim": "4", "num_attention_heads": "null"]) == [4, 4, 4, 4])
    }

    @Test func `heads need to divide only the levels that attend`() throws {
        let members: Members = [
            "sample_size": "8", "block_out_channels": "[35, 40, 80]", "norm_num_groups": "5",
            "down_block_types": #"["DownBlock2D", "CrossAttnDownBlock2D", "DownBlock2D"]"#,
            "up_block_types": #"["UpBlock2D", "CrossAttnUpBlock2D", "UpBlock2D"]"#,
        ]
        #expect(try read(members, by: UNetConfiguration.init).blockChannels == [35, 40, 80])
        let attending = members.merging(
            ["up_block_types": #"["UpBlock2D", "UpBlock2D", "CrossAttnUpBlock2D"]"#]) { $1 }
        expectRefusal(attending, by: "attention_head_dim", UNetConfiguration.init)
    }

    @Test(arguments: [
        ("sample_size", "null"), ("sample_size", "0"), ("sample_size", "64.5"),
        ("sample_size", "\"64\""), ("sample_size", "60"), ("sample_size", "1e300"),
        ("sample_size", "2048"), ("in_channels", "-4"), ("in_channels", "65537"),
        ("block_out_channels", "[]"), ("block_out_channels", "320"),
        ("block_out_channels", "[320, 640, 1280, 1280.5]"),
        ("block_out_channels", "[320, 640, 1280, 9223372036854775807]"),
        ("block_out_channels", "[32,32,32,32,32,32,32,32,32]"),
        ("layers_per_block", "[1, 2, 2, 2]"), ("layers_per_block", "[2, 2, 2]"), ("layers_per_block", "0"),
        ("cross_attention_dim", "[768, 768, 768, 1024]"), ("_class_name", "\"UNet2DModel\""),
        ("cross_attention_dim", "null"),
        ("down_block_types", #"["DownBlock2D"]"#), ("down_block_types", "4"),
        ("down_block_types", #"["DownBlock2D", "AttnDownBlock2D", "DownBlock2D", "DownBlock2D"]"#),
        ("up_block_types", #"["UpBlock2D", 1, "UpBlock2D", "UpBlock2D"]"#),
        ("up_block_types", #"["SimpleCrossAttnUpBlock2D", "UpBlock2D", "UpBlock2D", "UpBlock2D"]"#),
        ("norm_num_groups", "7"), ("norm_num_groups", "null"), ("norm_eps", "0"),
        ("norm_eps", "\"1e-5\""), ("attention_head_dim", "7"), ("attention_head_dim", "0"),
        ("attention_head_dim", "[5, 10, 20]"), ("attention_head_dim", "null"),
        ("num_attention_heads", "7"), ("use_linear_projection", "1"), ("flip_sin_to_cos", "null"),
        ("freq_shift", "2"), ("downsample_padding", "2"), ("act_fn", "\"gelu\""),
        ("mid_block_type", "\"UNetMidBlock2DSimpleCrossAttn\""), ("mid_block_type", "null"),
        ("resnet_time_scale_shift", "\"scale_shift\""), ("time_embedding_type", "\"fourier\""),
        ("attention_type", "\"gated\""), ("transformer_layers_per_block", "2"),
        ("transformer_layers_per_block", "[1, 2, 10]"), ("mid_block_scale_factor", "0.5"),
        ("resnet_out_scale_factor", "2"), ("conv_in_kernel", "1"), ("conv_out_kernel", "5"),
        ("center_input_sample", "true"), ("dual_cross_attention", "true"),
        ("only_cross_attention", "true"), ("only_cross_attention", "[true, false, false, false]"),
        ("resnet_skip_time_act", "true"), ("class_embeddings_concat", "true"),
        ("mid_block_only_cross_attention", "true"), ("addition_embed_type", "\"text_time\""),
        ("class_embed_type", "\"timestep\""), ("num_class_embeds", "1000"),
        ("encoder_hid_dim", "4096"), ("encoder_hid_dim_type", "\"text_proj\""),
        ("time_cond_proj_dim", "256"), ("time_embedding_act_fn", "\"silu\""),
        ("time_embedding_dim", "320"), ("timestep_post_act", "\"silu\""),
        ("cross_attention_norm", "\"layer_norm\""),
        ("reverse_transformer_layers_per_block", "[[1]]"),
    ])
    func `what cannot be computed is refused by its key`(key: String, value: String) {
        expectRefusal(least.merging([key: value]) { $1 }, by: key, UNetConfiguration.init)
    }
}

@Suite struct `the autoencoder's configuration` {
    @Test func `real files give the sizes of their networks`() throws {
        let tiny = try AutoencoderConfiguration(RegularFile(path: oracle("tiny", "vae/config.json")))
        #expect((tiny.inChannels, tiny.latentChannels) == (3, 4))
        #expect(tiny.blockChannels == [16, 32, 32, 48])
        #expect((tiny.layersPerBlock, tiny.groups, tiny.factor) == (2, 8, 8))
        #expect(tiny.scalingFactor == 0.18215)
        let odd = try AutoencoderConfiguration(RegularFile(path: oracle("tiny-odd", "vae/config.json")))
        #expect(odd.blockChannels == [12, 20, 28])
        #expect((odd.scalingFactor, odd.factor) == (0.37, 4))
    }

    @Test func `without a scaling factor it is Stable Diffusion's`() throws {
        let least = try read(["latent_channels": "4"], by: AutoencoderConfiguration.init)
        #expect(least.scalingFactor == 0.18215)
        #expect((least.blockChannels, least.layersPerBlock) == ([64], 1))
        #expect((least.groups, least.factor) == (32, 1))
    }

    @Test(arguments: [
        ("scaling_factor", "null"), ("scaling_factor", "0"), ("scaling_factor", "\"0.2\""),
        ("in_channels", "4"), ("latent_channels", "0"), ("norm_num_groups", "24"),
        ("down_block_types", #"["AttnDownEncoderBlock2D"]"#),
        ("down_block_types", #"["DownEncoderBlock2D", "DownEncoderBlock2D"]"#),
        ("act_fn", "\"relu\""), ("use_quant_conv", "false"), ("mid_block_add_attention", "false"),
        ("latents_mean", "[0.1]"), ("latents_std", "[1]"), ("shift_factor", "0.1"),
        ("layers_per_block", "65"),
    ])
    func `what cannot be computed is refused by its key`(key: String, value: String) {
        expectRefusal([key: value], by: key, AutoencoderConfiguration.init)
    }
}

@Suite struct `the text encoder's configuration` {
    @Test func `real files give the sizes of their networks`() throws {
        let tiny = try TextEncoderConfiguration(RegularFile(path: oracle("tiny", "text_encoder/config.json")))
        #expect((tiny.width, tiny.sizes.intermediate, tiny.sizes.layers, tiny.sizes.heads) == (48, 192, 3, 4))
        #expect((tiny.positions, tiny.vocabularyCount) == (77, 815))
        #expect((tiny.sizes.epsilon, tiny.sizes.activation) == (1e-5, .quickGELU))
        let odd = try TextEncoderConfiguration(RegularFile(path: oracle("tiny-odd", "text_encoder/config.json")))
        #expect((odd.width, odd.sizes.intermediate, odd.sizes.layers, odd.sizes.heads) == (40, 112, 2, 5))
        #expect(odd.positions == 40)
    }

    /// The defaults of transformers' CLIPTextConfig.
    @Test func `absent keys mean what transformers takes them to mean`() throws {
        let text = try read(["hidden_act": "\"gelu\""], by: TextEncoderConfiguration.init)
        #expect((text.width, text.sizes.intermediate, text.sizes.layers, text.sizes.heads) == (512, 2048, 12, 8))
        #expect((text.positions, text.vocabularyCount) == (77, 49408))
        #expect(text.sizes.activation == .gelu)
    }

    @Test(arguments: [
        ("model_type", "\"t5\""), ("hidden_size", "0"), ("hidden_size", "65537"),
        ("num_attention_heads", "7"), ("hidden_act", "\"relu\""), ("hidden_act", "null"),
        ("max_position_embeddings", "2"), ("vocab_size", "16777217"), ("layer_norm_eps", "-1"),
        ("num_hidden_layers", "100000"), ("intermediate_size", "true"),
    ])
    func `what cannot be computed is refused by its key`(key: String, value: String) {
        expectRefusal([key: value], by: key, TextEncoderConfiguration.init)
    }
}

@Suite struct `the scheduler's configuration` {
    @Test(arguments: ["tiny", "tiny-odd"])
    func `its products are the reference's, to the bit`(fixture: String) throws {
        let scheduler = try SchedulerConfiguration(
            RegularFile(path: oracle(fixture, "scheduler/scheduler_config.json")))
        let golden = try TensorFile(path: "\(oracleFolder)/\(fixture)/golden/vae.safetensors")
            .values(of: "alphas_cumprod")
        #expect(golden.count == scheduler.trainTimesteps)
        #expect(golden == (0..<golden.count).map(scheduler.alphaBar))
        #expect(scheduler.schedule == .scaledLinear)
        #expect((scheduler.betaStart, scheduler.betaEnd) == (0.00085, 0.012))
    }

    /// numpy: `np.cumprod(1 - np.linspace(1e-4, .02, 1000))[[0, 499, 999]]`, diffusers' defaults.
    @Test func `absent keys mean an even schedule of a thousand steps`() throws {
        let scheduler = try read([:], by: SchedulerConfiguration.init)
        #expect((scheduler.schedule, scheduler.trainTimesteps) == (.linear, 1000))
        #expect(abs(scheduler.alphaBar(0) - 0.9999) < 1e-6)
        #expect(abs(scheduler.alphaBar(499) - 0.078587243) < 1e-6)
        #expect(abs(scheduler.alphaBar(999) - 0.000040358) < 1e-6)
    }

    @Test(arguments: [
        ("beta_schedule", "\"sigmoid\""), ("beta_start", "-0.1"), ("beta_end", "1"),
        ("num_train_timesteps", "1"), ("num_train_timesteps", "null"),
        ("trained_betas", "[0.1]"), ("rescale_betas_zero_snr", "true"), ("use_flow_sigmas", "true"),
        ("_class_name", "\"FlowMatchEulerDiscreteScheduler\""), ("beta_start", "NaN"), ("beta_end", "-Infinity"),
        ("num_train_timesteps", "Infinity"),
    ])
    func `what cannot be computed is refused by its key`(key: String, value: String) {
        expectRefusal([key: value], by: key, SchedulerConfiguration.init)
    }
}

@Suite struct `configuration files` {
    @Test(arguments: [
        " ", "[]", "null", "{", "{\"a\":}", "\u{feff}", String(repeating: "[", count: 100_000),
        "{\"a\":" + String(repeating: "[", count: 100_000), "{\"a\": 01}", "{\"a\": inf}",
        "{\"a\": +Infinity}", "{\"a\": nan}", "{\"a\": 0x1p3}", "{\"a\": 1.}", "{\"a\": .5}", "{\"a\": True}",
        "{\"a\": 'b'}",
        "{\"a\": 1,}", "{a: 1}", "{} x", "{\"a\" 1}",
    ])
    func `what is not an object of JSON is refused`(text: String) throws {
        let folder = try TemporaryDirectory()
        let path = try folder.write("config.json", text)
        let error = #expect(throws: CheckpointError.self) { try UNetConfiguration(RegularFile(path: path)) }
        guard case .notJSON(path, _) = error else {
            Issue.record("\(String(describing: error))")
            return
        }
    }

    /// As JSON they would take hours.
    @Test func `half a million marks in a row are refused, as a key and as a value`() throws {
        let folder = try TemporaryDirectory()
        let marks = "a" + String(repeating: "\u{301}\u{323}", count: 125_000)
        for text in ["{\"\(marks)\": 1}", "{\"act_fn\": \"\(marks)\"}"] {
            let path = try folder.write("config.json", text)
            let error = #expect(throws: CheckpointError.self) { try UNetConfiguration(RegularFile(path: path)) }
            #expect("\(error, default: "")".contains("30 combining marks"))
        }
    }

    @Test func `one over a megabyte is refused by its size`() throws {
        let folder = try TemporaryDirectory()
        let path = try folder.write(
            "config.json", [UInt8](repeating: UInt8(ascii: " "), count: (1 << 20) + 1))
        let error = CheckpointError.tooLarge(path: path, bytes: (1 << 20) + 1, limit: 1 << 20)
        #expect(throws: error) {
            try AutoencoderConfiguration(RegularFile(path: path))
        }
    }
}
