import Glibc

/// What one tensor's name or shape tells of the checkpoint it lies in.
enum CheckpointTrait: UInt64, Sendable, CaseIterable {
    case unet, middleAttention, crossAttention, matrixProjections
    case fiveChannels, sevenChannels, eightChannels, nineChannels
    case sizeEmbedding, classEmbedding, pictureEmbedding, twoTextEncoders, textCLIP, textOpenCLIP
    case jointBlocks, fluxBlocks, otherTransformer, motion
    case lora, control, adapter, embedding
    case encoder, fourLatents
    case text, vision, textDecoder, blipTextEncoder, queryTransformer, logitScale, logitBias, resblocks

    /// The traits of a checkpoint with `tensors`.
    static func all(of tensors: [SafetensorsHeader.Tensor]) -> Set<CheckpointTrait> {
        var found: UInt64 = 0
        for tensor in tensors {
            var name = tensor.name
            name.withUTF8 { bytes in
                let own = unsafe withoutWrappers(bytes)
                guard let first = unsafe own.first, let last = unsafe own.last else { return }
                for table in [beginnings[Int(first)], endings[Int(last)]] {
                    for mark in table where found & mark.trait.bit == 0 {
                        if unsafe mark.fits(own, shape: tensor.shape) { found |= mark.trait.bit }
                    }
                }
            }
        }
        return Set(allCases.filter { found & $0.bit != 0 })
    }

    /// A set of traits as one word: each name is held against many.
    private var bit: UInt64 { 1 << rawValue }

    /// What programs put before every name: parallel training, compiling, and LDM's own module. Without them a name of
    /// LDM's begins `diffusion_model`, `first_stage_model` or `cond_stage_model`.
    private static let wrappers: [StaticString] = ["module.", "_orig_mod.", "model."]

    private static func withoutWrappers(_ name: UnsafeBufferPointer<UInt8>) -> UnsafeBufferPointer<UInt8> {
        var rest = unsafe name
        while let wrapper = wrappers.first(where: { unsafe rest.begins(with: $0) }) {
            unsafe rest = UnsafeBufferPointer(rebasing: rest[wrapper.utf8CodeUnitCount...])
        }
        return unsafe rest
    }

    /// Marks by the first byte of what names begin with, since most names fit none.
    private static let beginnings = byByte(marksAtStart) { unsafe $0.utf8Start.pointee }
    /// Marks by the last byte of what names end with.
    private static let endings = byByte(marksAtEnd) { unsafe $0.utf8Start[$0.utf8CodeUnitCount - 1] }

    private static func byByte(_ marks: [CheckpointMark], _ key: (StaticString) -> UInt8) -> [[CheckpointMark]] {
        var table = [[CheckpointMark]](repeating: [], count: 256)
        for mark in marks { table[Int(key(mark.text))].append(mark) }
        return table
    }
}

/// What a name must begin or end with, and what its tensor's shape must be, to show a trait.
struct CheckpointMark: Sendable {
    enum Place { case start, end }

    /// A condition on a shape: the number of sides, or the length of one.
    enum Shape {
        case any
        case sides(Int)
        case side(Int, is: Int)
    }

    let text: StaticString
    let place: Place
    let shape: Shape
    let trait: CheckpointTrait

    fileprivate func fits(_ name: UnsafeBufferPointer<UInt8>, shape found: [Int]) -> Bool {
        let isThere = unsafe place == .start ? name.begins(with: text) : name.ends(with: text)
        guard isThere else { return false }
        return switch shape {
        case .any: true
        case .sides(let count): found.count == count
        case .side(let index, let length): index < found.count && found[index] == length
        }
    }
}

extension UnsafeBufferPointer<UInt8> {
    fileprivate func begins(with text: StaticString) -> Bool {
        guard let base = baseAddress, count >= text.utf8CodeUnitCount else { return false }
        return unsafe memcmp(base, text.utf8Start, text.utf8CodeUnitCount) == 0
    }

    fileprivate func ends(with text: StaticString) -> Bool {
        guard let base = baseAddress, count >= text.utf8CodeUnitCount else { return false }
        return unsafe memcmp(base + count - text.utf8CodeUnitCount, text.utf8Start, text.utf8CodeUnitCount) == 0
    }
}

extension CheckpointTrait {
    private static func begin(_ trait: CheckpointTrait, _ texts: [StaticString]) -> [CheckpointMark] {
        texts.map { CheckpointMark(text: $0, place: .start, shape: .any, trait: trait) }
    }

    private static func end(
        _ trait: CheckpointTrait, _ texts: [StaticString], _ shape: CheckpointMark.Shape
    ) -> [CheckpointMark] {
        texts.map { CheckpointMark(text: $0, place: .end, shape: shape, trait: trait) }
    }

    /// The first convolution of a U-Net with so many channels, in both layouts.
    private static func channels(_ count: Int, _ trait: CheckpointTrait) -> [CheckpointMark] {
        ["diffusion_model.input_blocks.0.0.weight", "input_blocks.0.0.weight", "conv_in.weight"].map {
            CheckpointMark(text: $0, place: .start, shape: .side(1, is: count), trait: trait)
        }
    }

    private static let marksAtStart: [CheckpointMark] =
        begin(.unet, ["diffusion_model.input_blocks.", "input_blocks.", "down_blocks."])
        + begin(
            .middleAttention,
            [
                "diffusion_model.middle_block.1.transformer_blocks.", "middle_block.1.transformer_blocks.",
                "mid_block.attentions.",
            ])
        + channels(5, .fiveChannels) + channels(7, .sevenChannels)
        + channels(8, .eightChannels) + channels(9, .nineChannels)
        + begin(.sizeEmbedding, ["add_embedding."])
        + begin(.classEmbedding, ["diffusion_model.label_emb.", "label_emb."])
        + begin(.pictureEmbedding, ["class_embedding."])
        + begin(.twoTextEncoders, ["conditioner.embedders."])
        + begin(.textCLIP, ["cond_stage_model.transformer."])
        + begin(.textOpenCLIP, ["cond_stage_model.model."])
        + begin(
            .jointBlocks, ["diffusion_model.joint_blocks.", "joint_blocks.", "transformer_blocks.0.attn.add_q_proj."])
        + begin(.fluxBlocks, ["diffusion_model.double_blocks.", "double_blocks.", "single_transformer_blocks."])
        + begin(
            .otherTransformer,
            [
                "double_layers.", "patchify_proj.", "diffusion_model.patchify_proj.", "cap_embedder.",
                "diffusion_model.cap_embedder.", "blocks.0.cross_attn.", "diffusion_model.blocks.0.",
                "blocks.0.attn.qkv_x.", "diffusion_model.layers.0.adaLN_modulation.", "layers.0.adaLN_modulation.",
                "head.modulation", "diffusion_model.head.modulation", "clip_txt_mapper.",
                "down_blocks.1.0.channelwise.", "txt_in.individual_token_refiner.",
            ])
        + begin(
            .motion,
            [
                "diffusion_model.input_blocks.1.0.time_stack.", "down_blocks.0.resnets.0.temporal_res_block.",
                "down_blocks.0.motion_modules.", "down_blocks.0.temp_convs.",
            ])
        + begin(.lora, ["lora_unet_", "lora_te_", "lora_te1_", "lora_te2_", "lora_transformer_"])
        + begin(
            .control,
            [
                "control_model.", "controlnet_cond_embedding.", "controlnet_down_blocks.", "input_hint_block.",
                "control_all_x_embedder.", "control_layers.",
            ])
        + begin(.adapter, ["ip_adapter.", "image_proj.", "adapter.body.", "body.0.in_conv.", "body.0.block1."])
        + begin(.embedding, ["emb_params", "string_to_param.", "clip_g", "clip_l", "<"])
        + begin(
            .encoder,
            [
                "encoder.down.", "encoder.down_blocks.", "first_stage_model.encoder.down.", "vae.encoder.down",
                "taesd_encoder.",
            ])
        + begin(.text, ["text_model.", "embeddings.token_embedding."])
        + begin(.vision, ["vision_model."])
        + begin(.textDecoder, ["text_decoder."])
        + begin(.blipTextEncoder, ["text_encoder."])
        + begin(.queryTransformer, ["qformer."])
        + begin(.logitScale, ["logit_scale"])
        + begin(.logitBias, ["logit_bias"])
        + begin(.resblocks, ["transformer.resblocks.", "text.transformer.resblocks.", "visual.transformer.resblocks."])

    private static let marksAtEnd: [CheckpointMark] =
        end(.crossAttention, [".attn2.to_k.weight", ".attn2.to_v.weight"], .any)
        + end(.matrixProjections, [".proj_in.weight"], .sides(2))
        + end(.fourLatents, ["encoder.conv_out.weight"], .side(0, is: 8))
        + end(
            .lora,
            [
                ".lora_down.weight", ".lora.down.weight", "_lora.down.weight", ".lora_A.weight",
                ".lora_A.default.weight", ".lora_linear_layer.down.weight", ".hada_w1_a", ".lokr_w1", ".oft_blocks",
            ], .any)
}
