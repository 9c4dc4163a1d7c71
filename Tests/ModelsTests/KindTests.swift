import Models
import Networks
import Testing

private typealias Names = [(String, [Int])]

/// A few tensors of each network, named and shaped as its files have them.
private enum Part {
    static func unet(_ prefix: String, channels: Int, matrices: Bool) -> Names {
        [
            ("\(prefix)input_blocks.0.0.weight", [320, channels, 3, 3]),
            ("\(prefix)input_blocks.1.1.proj_in.weight", matrices ? [320, 320] : [320, 320, 1, 1]),
            ("\(prefix)input_blocks.1.1.transformer_blocks.0.attn2.to_k.weight", [320, 768]),
            ("\(prefix)middle_block.1.transformer_blocks.0.attn2.to_k.weight", [1280, 768]),
            ("\(prefix)out.2.weight", [4, 320, 3, 3]),
        ]
    }

    static func diffusersUNet(channels: Int, matrices: Bool) -> Names {
        [
            ("conv_in.weight", [320, channels, 3, 3]),
            ("down_blocks.0.attentions.0.proj_in.weight", matrices ? [320, 320] : [320, 320, 1, 1]),
            ("down_blocks.0.attentions.0.transformer_blocks.0.attn2.to_k.weight", [320, 768]),
            ("mid_block.attentions.0.transformer_blocks.0.attn2.to_k.weight", [1280, 768]),
        ]
    }

    static let whole = "model.diffusion_model."

    static func autoencoder(_ prefix: String, latents: Int) -> Names {
        [
            ("\(prefix)encoder.conv_in.weight", [128, 3, 3, 3]),
            ("\(prefix)encoder.down.0.block.0.conv1.weight", [128, 128, 3, 3]),
            ("\(prefix)encoder.conv_out.weight", [2 * latents, 512, 3, 3]),
            ("\(prefix)decoder.conv_in.weight", [512, latents, 3, 3]),
        ]
    }

    static let clipText: Names = [
        ("cond_stage_model.transformer.text_model.embeddings.token_embedding.weight", [9, 8])
    ]
    static let oldText: Names = [("cond_stage_model.transformer.embeddings.token_embedding.weight", [9, 8])]
    static let openText: Names = [("cond_stage_model.model.transformer.resblocks.0.attn.in_proj_weight", [24, 8])]
    static let averages: Names = [("model_ema.diffusion_modelinput_blocks00weight", [320, 9, 3, 3])]
    static let text: Names = [("text_model.embeddings.token_embedding.weight", [9, 8])]
    static let vision: Names = [("vision_model.embeddings.class_embedding", [8])]
}

private let sd1 = Part.unet(Part.whole, channels: 4, matrices: false) + Part.clipText
private let sd2 = Part.unet(Part.whole, channels: 4, matrices: true) + Part.openText
private let vae = Part.autoencoder("first_stage_model.", latents: 4)

private func kind(_ names: Names) -> CheckpointKind {
    CheckpointKind(
        names.map { SafetensorsHeader.Tensor(name: $0.0, type: .f16, shape: $0.1, bytes: 0..<2 * $0.1.reduce(1, *)) })
}

@Suite struct `kinds of checkpoints` {
    @Test func `Stable Diffusion 1.x and 2.x are known by the names of their text encoders`() {
        #expect(kind(sd1 + vae) == .stableDiffusion1)
        #expect(kind(sd1) == .stableDiffusion1)
        #expect(kind(sd1 + vae + Part.averages) == .stableDiffusion1)
        #expect(kind(Part.unet(Part.whole, channels: 4, matrices: false) + Part.oldText + vae) == .stableDiffusion1)
        #expect(kind(sd2 + vae) == .stableDiffusion2)
        #expect([kind(sd1), kind(sd2)].allSatisfy { $0.refusal == nil })
    }

    @Test(arguments: ["module.", "_orig_mod.", "model.", "module._orig_mod.", "_orig_mod.module.model."])
    func `a wrapper's prefix changes no kind`(prefix: String) {
        for plain in [sd1, sd2, vae, Part.diffusersUNet(channels: 4, matrices: true), Part.text] {
            #expect(kind(plain.map { (prefix + $0.0, $0.1) }) == kind(plain))
        }
    }

    @Test func `parts are known alone, in both layouts`() {
        #expect(kind(Part.unet(Part.whole, channels: 4, matrices: false) + vae) == .unet1)
        #expect(kind(Part.unet("", channels: 4, matrices: true)) == .unet2)
        #expect(kind(Part.diffusersUNet(channels: 4, matrices: false)) == .unet1)
        #expect(kind(Part.diffusersUNet(channels: 4, matrices: true)) == .unet2)
        for prefix in ["", "first_stage_model."] {
            #expect(kind(Part.autoencoder(prefix, latents: 4)) == .autoencoder)
            #expect(kind(Part.autoencoder(prefix, latents: 16)) == .otherAutoencoder)
        }
        let published = [
            ("encoder.down_blocks.0.resnets.0.norm1.weight", [8]), ("encoder.conv_out.weight", [8, 8, 3, 3]),
        ]
        #expect(kind(published) == .autoencoder)
        #expect(kind(Part.text) == .textEncoder)
        #expect(kind(Part.clipText) == .textEncoder)
        #expect(kind(Part.text + Part.vision + [("logit_scale", [])]) == .clip)
        #expect(kind(Part.vision + [("text_decoder.bert.embeddings.word_embeddings.weight", [9, 8])]) == .blip)
    }

    @Test(arguments: [
        (9, CheckpointKind.inpainting), (8, .pix2pix), (7, .upscaler), (5, .depth),
    ])
    func `the channels of a U-Net's first convolution tell what else it asks for`(count: Int, expected: CheckpointKind)
    {
        for matrices in [false, true] {
            #expect(kind(Part.unet(Part.whole, channels: count, matrices: matrices) + Part.clipText + vae) == expected)
            #expect(kind(Part.diffusersUNet(channels: count, matrices: matrices)) == expected)
        }
        // A U-Net's alone: the averages beside plain weights, and other networks' convolutions, mean nothing.
        #expect(kind(sd1 + [("model.control.conv_in.weight", [320, count, 3, 3])]) == .stableDiffusion1)
    }

    @Test func `families whose names contain those of 1.x and 2.x are told apart`() {
        let unet = Part.unet(Part.whole, channels: 4, matrices: true)
        let labels: Names = [("model.diffusion_model.label_emb.0.0.weight", [1280, 2816])]
        let second: Names = [("conditioner.embedders.1.model.transformer.resblocks.9.mlp.c_proj.bias", [8])]
        #expect(kind(unet + labels + second + vae) == .sdxl)
        #expect(kind(unet + labels) == .sdxl)
        #expect(
            kind(Part.diffusersUNet(channels: 4, matrices: true) + [("add_embedding.linear_1.weight", [8, 8])]) == .sdxl
        )
        #expect(kind(sd2 + labels) == .unclip)
        let distilled = sd1.filter { !$0.0.contains("middle_block") }
        #expect(kind(distilled) == .distilled)
        #expect(
            kind(Part.diffusersUNet(channels: 4, matrices: false).filter { !$0.0.contains("mid_block") }) == .distilled)
        #expect(kind([("down_blocks.0.resnets.0.norm1.weight", [8]), ("conv_in.weight", [8, 3, 3, 3])]) == .other)
        #expect(kind(unet + [("model.diffusion_model.input_blocks.1.0.time_stack.emb_layers.1.bias", [8])]) == .video)
    }

    @Test(arguments: [
        ("model.diffusion_model.joint_blocks.0.context_block.adaLN_modulation.1.bias", CheckpointKind.sd3),
        ("joint_blocks.37.x_block.mlp.fc1.weight", .sd3),
        ("double_blocks.0.img_attn.norm.key_norm.scale", .flux),
        ("model.diffusion_model.double_blocks.0.img_attn.norm.key_norm.scale", .flux),
        ("single_transformer_blocks.0.attn.to_q.weight", .flux),
        ("model.diffusion_model.patchify_proj.weight", .diffusionTransformer),
        ("blocks.0.cross_attn.q_linear.weight", .diffusionTransformer),
        ("lora_unet_down_blocks_0_attentions_0_proj_in.lora_down.weight", .lora),
        ("unet.down_blocks.0.attentions.0.transformer_blocks.0.attn1.processor.to_q_lora.down.weight", .lora),
        ("down_blocks.0.attentions.0.transformer_blocks.0.attn1.to_q.lora_A.weight", .lora),
        ("lora_te_text_model_encoder_layers_0_mlp_fc1.hada_w1_a", .lora),
        ("control_model.time_embed.0.weight", .controlNet),
        ("controlnet_cond_embedding.conv_in.weight", .controlNet),
        ("image_proj.latents", .adapter),
        ("emb_params", .textualInversion),
        ("<my-cat>", .textualInversion),
        ("visual.transformer.resblocks.0.ln_1.weight", .openCLIP),
        ("qformer.encoder.layer.0.attention.output.dense.weight", .otherBLIP),
        ("layer.0.weight", .other),
    ])
    func `one name is enough for what is no Stable Diffusion, and each is refused`(
        name: String, expected: CheckpointKind
    ) {
        #expect(kind([(name, [8, 8])]) == expected)
        #expect(expected.refusal != nil)
    }

    @Test func `additions to a model are not taken for the model whose names they repeat`() {
        let unet = Part.diffusersUNet(channels: 4, matrices: false)
        #expect(kind(unet + [("controlnet_down_blocks.0.weight", [8, 8, 1, 1])]) == .controlNet)
        #expect(kind(unet + [("down_blocks.0.motion_modules.0.proj.weight", [8])]) == .video)
        let everything = Part.text + Part.vision + [("logit_scale", []), ("logit_bias", [])]
        #expect(kind(everything) == .siglip)
        let answers = Part.vision + [("text_decoder.cls.weight", [8]), ("text_encoder.pooler.weight", [8])]
        #expect(kind(answers) == .otherBLIP)
    }

    @Test func `every refusal is one sentence that says what to do, and labels are all different`() {
        for refusal in CheckpointKind.allCases.compactMap(\.refusal) {
            #expect(refusal.contains("name ") && !refusal.contains(". ") && !refusal.hasSuffix("."))
        }
        #expect(Set(CheckpointKind.allCases.map(\.label)).count == CheckpointKind.allCases.count)
        #expect(kind([]) == .other)
    }

    @Test func `names of any bytes are looked at without harm`() {
        let names = ["", ".", "model.", "module.model.", "model.model.", "\u{0}", "é", "e\u{301}", "\n", "m", "<"]
        #expect(names.map { kind([($0, [])]) }.filter { $0 != .other } == [.textualInversion])
    }
}
