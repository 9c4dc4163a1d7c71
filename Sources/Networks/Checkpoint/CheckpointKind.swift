/// What a safetensors file holds, known by the names and shapes of its tensors alone: files are called anything.
///
/// The marks are those that diffusers tells checkpoints by (`single_file_utils.py`), and those of the programs that
/// write adapters.
package enum CheckpointKind: Sendable, CaseIterable {
    /// A whole model in the LDM layout, with CLIP's text encoder.
    case stableDiffusion1
    /// A whole model in the LDM layout, with OpenCLIP's text encoder.
    case stableDiffusion2
    /// A U-Net alone whose transformers are entered by convolutions, as in 1.x.
    case unet1
    /// A U-Net alone whose transformers are entered by matrices, as in 2.x.
    case unet2
    case autoencoder, textEncoder, blip, clip
    case inpainting, pix2pix, depth, upscaler, unclip, distilled
    case sdxl, sd3, flux, diffusionTransformer, video
    case lora, controlNet, adapter, textualInversion
    case openCLIP, siglip, otherBLIP, otherAutoencoder, other

    /// The kind of a checkpoint with `tensors`: those of all its shards.
    package init(_ tensors: [SafetensorsHeader.Tensor]) {
        self = CheckpointKind.contents(of: tensors).kind
    }

    /// The kind, and whether an autoencoder is among the tensors: a whole model may lie beside its own.
    package static func contents(
        of tensors: [SafetensorsHeader.Tensor]
    ) -> (kind: CheckpointKind, hasAutoencoder: Bool) {
        let traits = CheckpointTrait.all(of: tensors)
        let rule = rules.first { $0.all.isSubset(of: traits) && $0.none.isDisjoint(with: traits) }
        return (rule?.kind ?? .other, traits.contains(.encoder))
    }

    /// A few letters for tables.
    package var label: String { meaning.label }

    /// Why dseg cannot use such a file and what to do, in one sentence; `nil`: a whole model, or a part that can be
    /// named beside one.
    package var refusal: String? { meaning.refusal }

    /// Throws `unusable` unless it is one of `wanted`.
    ///
    /// - Parameter path: what errors name
    func check(_ path: String, isOneOf wanted: Set<CheckpointKind>) throws(CheckpointError) {
        guard !wanted.contains(self) else { return }
        throw .unusable(
            path: path, reason: refusal ?? "it holds a \(label) and no more: \(CheckpointKind.wholeModel)")
    }

    /// A kind, the traits it has, and those that would make it another. The first that fits holds.
    private struct Rule {
        let kind: CheckpointKind
        let all: Set<CheckpointTrait>
        let none: Set<CheckpointTrait>

        init(_ kind: CheckpointKind, _ all: Set<CheckpointTrait>, without none: Set<CheckpointTrait>) {
            self.kind = kind
            self.all = all
            self.none = none
        }
    }

    /// Additions come first, since they repeat the names of what they add to; then families, each before those whose
    /// marks it has too.
    private static let rules: [Rule] = [
        Rule(.lora, [.lora], without: []),
        Rule(.adapter, [.adapter], without: [.unet]),
        Rule(.controlNet, [.control], without: []),
        Rule(.textualInversion, [.embedding], without: [.unet]),
        Rule(.video, [.motion], without: []),
        Rule(.flux, [.fluxBlocks], without: []),
        Rule(.sd3, [.jointBlocks], without: []),
        Rule(.diffusionTransformer, [.otherTransformer], without: []),
        Rule(.sdxl, [.twoTextEncoders], without: []),
        Rule(.sdxl, [.unet, .sizeEmbedding], without: []),
        Rule(.inpainting, [.unet, .nineChannels], without: []),
        Rule(.pix2pix, [.unet, .eightChannels], without: []),
        Rule(.upscaler, [.unet, .sevenChannels], without: []),
        Rule(.depth, [.unet, .fiveChannels], without: []),
        Rule(.unclip, [.unet, .classEmbedding, .textCLIP], without: []),
        Rule(.unclip, [.unet, .classEmbedding, .textOpenCLIP], without: []),
        Rule(.unclip, [.unet, .pictureEmbedding], without: []),
        Rule(.sdxl, [.unet, .classEmbedding], without: []),
        Rule(.other, [.unet], without: [.crossAttention]),
        Rule(.distilled, [.unet], without: [.middleAttention]),
        Rule(.stableDiffusion2, [.unet, .textOpenCLIP], without: []),
        Rule(.stableDiffusion1, [.unet, .textCLIP], without: []),
        Rule(.unet2, [.unet, .matrixProjections], without: []),
        Rule(.unet1, [.unet], without: []),
        Rule(.otherBLIP, [.textDecoder, .vision, .blipTextEncoder], without: []),
        Rule(.otherBLIP, [.queryTransformer], without: []),
        Rule(.blip, [.textDecoder, .vision], without: []),
        Rule(.siglip, [.text, .vision, .logitBias], without: []),
        Rule(.clip, [.text, .vision, .logitScale], without: []),
        Rule(.openCLIP, [.resblocks], without: []),
        Rule(.autoencoder, [.encoder, .fourLatents], without: []),
        Rule(.otherAutoencoder, [.encoder], without: []),
        Rule(.textEncoder, [.text], without: [.vision]),
        Rule(.textEncoder, [.textCLIP], without: []),
        Rule(.textEncoder, [.textOpenCLIP], without: []),
    ]
}

extension CheckpointKind {
    private static let wholeModel =
        "name a whole Stable Diffusion 1.x or 2.x model, a single file or a folder in the diffusers layout"

    private var meaning: (label: String, refusal: String?) {
        let whole = CheckpointKind.wholeModel
        return switch self {
        case .stableDiffusion1: ("sd1", nil)
        case .stableDiffusion2: ("sd2", nil)
        case .unet1: ("sd1 unet", "it is a U-Net alone, without a text encoder: \(whole)")
        case .unet2: ("sd2 unet", "it is a U-Net alone, without a text encoder: \(whole)")
        case .autoencoder: ("vae", nil)
        case .textEncoder: ("text encoder", "it is a text encoder alone, without a U-Net: \(whole)")
        case .blip: ("blip", nil)
        case .clip: ("clip", nil)
        case .inpainting:
            ("sd inpainting", "it is an inpainting model, whose U-Net asks for 9 channels instead of 4: \(whole)")
        case .pix2pix:
            ("sd pix2pix", "it is an InstructPix2Pix model, whose U-Net asks for 8 channels instead of 4: \(whole)")
        case .depth:
            ("sd depth", "it is a depth model, whose U-Net asks for 5 channels instead of 4: \(whole)")
        case .upscaler:
            ("sd upscaler", "it is an upscaler, whose U-Net asks for 7 channels instead of 4: \(whole)")
        case .unclip:
            ("sd unclip", "it is an unCLIP model, whose U-Net asks for a picture's embedding: \(whole)")
        case .distilled:
            ("sd distilled", "its U-Net is distilled and has no attention in a middle block: \(whole)")
        case .sdxl: ("sdxl", "it is Stable Diffusion XL, which has two text encoders: \(whole)")
        case .sd3: ("sd3", "it is Stable Diffusion 3, a transformer instead of a U-Net: \(whole)")
        case .flux: ("flux", "it is Flux, a transformer instead of a U-Net: \(whole)")
        case .diffusionTransformer: ("dit", "it is a diffusion transformer, which has no U-Net: \(whole)")
        case .video: ("video", "it makes videos, with layers over time: \(whole)")
        case .lora: ("lora", "it is a LoRA, which only changes a model: merge it into one with diffusers and name that")
        case .controlNet: ("controlnet", "it is a ControlNet, which only steers a model: \(whole)")
        case .adapter: ("adapter", "it is an adapter, which only steers a model: \(whole)")
        case .textualInversion:
            ("textual inversion", "it is a textual inversion, words added to a model: \(whole)")
        case .openCLIP:
            ("openclip", "it is a CLIP in OpenCLIP's layout: name one in transformers' layout (config.json beside it)")
        case .siglip: ("siglip", "it is a SigLIP: name a CLIP, such as openai/clip-vit-base-patch16")
        case .otherBLIP:
            ("blip other", "it is a BLIP that does not caption: name Salesforce/blip-image-captioning-base or -large")
        case .otherAutoencoder:
            (
                "vae other",
                "its latents have other than 4 channels, as no Stable Diffusion 1.x or 2.x has: name its own VAE"
            )
        case .other: ("other", "its tensors are those of no model that dseg knows: \(whole)")
        }
    }
}
