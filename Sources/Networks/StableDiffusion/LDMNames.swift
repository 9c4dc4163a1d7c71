/// The three networks of a Stable Diffusion checkpoint in one file, whose tensors have the names of LDM (CompVis'
/// latent-diffusion), each under the name that diffusers gives it.
///
/// Source: diffusers' `loaders/single_file_utils.py`, and for files without `text_model.` the replacements of A1111's
/// `sd_models.py`.
struct LDMNames {
    /// The U-Net's tensors; none where the file holds an autoencoder alone.
    private(set) var unet: [SafetensorsHeader.Tensor] = []
    /// The autoencoder's; none where it lies beside.
    private(set) var autoencoder: [SafetensorsHeader.Tensor] = []
    private(set) var textEncoder: [SafetensorsHeader.Tensor] = []
    /// Whether the text encoder is OpenCLIP's, as in Stable Diffusion 2.x; else it is CLIP's.
    let isOpenCLIP: Bool
    /// Whether the file holds a second set of the U-Net's weights, their moving averages, under `model_ema.`.
    let hasAverages: Bool

    /// Other networks with the U-Net's names: that of a ControlNet.
    private static let otherRoots = ["control_model."]

    /// - Parameter tensors: of a file's header, ``SafetensorsHeader/unwrapped``; names of other networks are not looked
    ///   at
    init(_ tensors: [SafetensorsHeader.Tensor]) {
        func root(_ signature: String) -> String? {
            let roots = tensors.map(\.name).filter { $0.hasSuffix(signature) }.map { $0.dropLast(signature.count) }
            return roots.filter { root in !Self.otherRoots.contains { root.hasSuffix($0) } }
                .min { ($0.utf8.count, $0) < ($1.utf8.count, $1) }.map(String.init)
        }
        let unetRoot = root("input_blocks.0.0.weight")
        let autoencoderRoot = root("encoder.conv_in.weight")
        let clipRoot = root("embeddings.token_embedding.weight")
        let openCLIPRoot = clipRoot == nil ? root("token_embedding.weight") : nil
        isOpenCLIP = openCLIPRoot != nil
        hasAverages = tensors.contains { $0.name.hasPrefix("model_ema.diffusion_model") }
        let levels = UNetLevels(tensors, under: unetRoot)
        for tensor in tensors {
            if let name = tensor.name(under: unetRoot) {
                unet.append(tensor.named(levels.renamed(name)))
            }
            if let name = tensor.name(under: autoencoderRoot) {
                autoencoder += Self.autoencoderName(name).map { [tensor.named($0)] } ?? []
            }
            if let name = tensor.name(under: clipRoot), Self.isOfText(name) {
                textEncoder.append(tensor.named(name))
            }
            if let name = tensor.name(under: openCLIPRoot) {
                textEncoder += Self.openCLIPTensors(tensor, name)
            }
        }
    }

    /// The text encoder's tensors without OpenCLIP's layers from `layers` on: Stable Diffusion 2.x was trained with the
    /// states before the last one, which its single files still hold.
    func textEncoder(layers: Int) -> [SafetensorsHeader.Tensor] {
        guard isOpenCLIP else { return textEncoder }
        return textEncoder.filter { tensor in
            let parts = tensor.name.split(separator: ".", maxSplits: 3)
            guard parts.count > 2, parts[1] == "layers", let layer = Int(parts[2]) else { return true }
            return layer < layers
        }
    }

    private static func isOfText(_ name: String) -> Bool {
        ["embeddings.", "encoder.", "final_layer_norm."].contains { name.hasPrefix($0) }
    }
}

/// The blocks of LDM's U-Net, numbered through where diffusers counts levels and layers.
private struct UNetLevels {
    /// Blocks of a level on the way down: residual blocks, and what halves the map.
    private let downBlocks: Int

    /// - Parameter root: what the network's names begin with
    init(_ tensors: [SafetensorsHeader.Tensor], under root: String?) {
        let halving = tensors.compactMap { $0.name(under: root) }.compactMap { name -> Int? in
            let parts = name.split(separator: ".")
            return parts.count > 3 && parts[0] == "input_blocks" && parts[3] == "op" ? Int(parts[1]) : nil
        }
        // A U-Net of one level halves nothing. The first block is the convolution: one that halves instead is none.
        downBlocks = halving.filter { $0 > 0 }.min() ?? Int.max
    }

    private static let whole = [
        "time_embed.0.": "time_embedding.linear_1.", "time_embed.2.": "time_embedding.linear_2.",
        "input_blocks.0.0.": "conv_in.", "out.0.": "conv_norm_out.", "out.2.": "conv_out.",
        "middle_block.0.": "mid_block.resnets.0.", "middle_block.1.": "mid_block.attentions.0.",
        "middle_block.2.": "mid_block.resnets.1.",
    ]

    /// Within a residual block.
    private static let resnet = [
        "in_layers.0.": "norm1.", "in_layers.2.": "conv1.", "emb_layers.1.": "time_emb_proj.",
        "out_layers.0.": "norm2.", "out_layers.3.": "conv2.", "skip_connection.": "conv_shortcut.",
    ]

    /// diffusers' name; as it is where nothing in it is known, so that loading names it.
    func renamed(_ name: String) -> String {
        let (block, rest) =
            Self.whole.first { name.hasPrefix($0.key) }.map { ($0.value, name.dropFirst($0.key.count)) }
            ?? numbered(name) ?? ("", name[...])
        return block + rest.replacingPrefix(Self.resnet)
    }

    /// `input_blocks.N.M.` and `output_blocks.N.M.`, where M is a block's part: residual block, attention, resize.
    private func numbered(_ name: String) -> (block: String, rest: Substring)? {
        let parts = name.split(separator: ".", maxSplits: 3)
        guard parts.count == 4, let number = Int(parts[1]), let part = Int(parts[2]) else { return nil }
        let rest = parts[3]
        let kind = part == 0 ? "resnets" : "attentions"
        switch parts[0] {
        case "input_blocks":
            guard number > 0 else { return nil }
            let (level, layer) = (number - 1).quotientAndRemainder(dividingBy: downBlocks)
            return rest.hasPrefix("op.")
                ? ("down_blocks.\(level).downsamplers.0.conv.", rest.dropFirst("op.".count))
                : ("down_blocks.\(level).\(kind).\(layer).", rest)
        case "output_blocks":
            let (level, layer) = number.quotientAndRemainder(dividingBy: downBlocks)
            return rest.hasPrefix("conv.")
                ? ("up_blocks.\(level).upsamplers.0.", rest) : ("up_blocks.\(level).\(kind).\(layer).", rest)
        default: return nil
        }
    }
}

extension LDMNames {
    private static let encoderParts = [
        "mid.block_1.": "mid_block.resnets.0.", "mid.block_2.": "mid_block.resnets.1.",
        "mid.attn_1.norm.": "mid_block.attentions.0.group_norm.", "mid.attn_1.q.": "mid_block.attentions.0.to_q.",
        "mid.attn_1.k.": "mid_block.attentions.0.to_k.", "mid.attn_1.v.": "mid_block.attentions.0.to_v.",
        "mid.attn_1.proj_out.": "mid_block.attentions.0.to_out.0.", "norm_out.": "conv_norm_out.",
    ]

    /// diffusers' name of an autoencoder's tensor; nil of what no encoder has: the decoder, and what training left.
    private static func autoencoderName(_ name: String) -> String? {
        guard name.hasPrefix("encoder.") else { return name.hasPrefix("quant_conv.") ? name : nil }
        let parts = name.split(separator: ".", maxSplits: 5)
        guard parts.count == 6, parts[1] == "down" else {
            return "encoder." + name.dropFirst("encoder.".count).replacingPrefix(encoderParts)
        }
        let block = "encoder.down_blocks.\(parts[2])."
        return parts[3] == "block"
            ? block + "resnets.\(parts[4])." + parts[5].replacingPrefix(["nin_shortcut.": "conv_shortcut."])
            : block
                + name.dropFirst("encoder.down.\(parts[2]).".count).replacingPrefix(
                    ["downsample.": "downsamplers.0."])
    }

    private static let openCLIPParts = [
        "ln_1.": "layer_norm1.", "ln_2.": "layer_norm2.", "mlp.c_fc.": "mlp.fc1.", "mlp.c_proj.": "mlp.fc2.",
        "attn.out_proj.": "self_attn.out_proj.",
    ]
    private static let openCLIPWhole = [
        "token_embedding.weight": "embeddings.token_embedding.weight",
        "positional_embedding": "embeddings.position_embedding.weight",
        "ln_final.weight": "final_layer_norm.weight", "ln_final.bias": "final_layer_norm.bias",
    ]

    /// A tensor of OpenCLIP's text encoder: one that is stacked of three becomes these. What follows the last hidden
    /// state (`text_projection`, `logit_scale`) and its mask become nothing.
    private static func openCLIPTensors(
        _ tensor: SafetensorsHeader.Tensor, _ name: String
    ) -> [SafetensorsHeader.Tensor] {
        if let whole = openCLIPWhole[name] { return [tensor.named(whole)] }
        let parts = name.split(separator: ".", maxSplits: 3)
        guard parts.count == 4, parts[0] == "transformer", parts[1] == "resblocks" else { return [] }
        let layer = "encoder.layers.\(parts[2])."
        guard let kind = ["weight", "bias"].first(where: { parts[3] == "attn.in_proj_\($0)" }) else {
            return [tensor.named(layer + parts[3].replacingPrefix(openCLIPParts))]
        }
        return tensor.rows(cutInto: ["q", "k", "v"].map { "\(layer)self_attn.\($0)_proj.\(kind)" })
    }
}

extension SafetensorsHeader.Tensor {
    /// The name after a root that it begins with.
    fileprivate func name(under root: String?) -> String? {
        guard let root, name.hasPrefix(root) else { return nil }
        return String(name.dropFirst(root.count))
    }

    /// The same elements under another name.
    func named(_ name: String) -> Self {
        SafetensorsHeader.Tensor(name: name, type: type, shape: shape, bytes: bytes)
    }

    /// The tensor's rows in equal parts; the whole under the first name where they cannot be cut so, which its shape
    /// will show.
    fileprivate func rows(cutInto names: [String]) -> [Self] {
        guard let rows = shape.first, rows.isMultiple(of: names.count) else { return [named(names[0])] }
        let size = bytes.count / names.count
        return names.enumerated().map { index, name in
            let start = bytes.lowerBound + index * size
            return SafetensorsHeader.Tensor(
                name: name, type: type, shape: [rows / names.count] + shape.dropFirst(), bytes: start..<start + size)
        }
    }
}

extension StringProtocol {
    /// The text with the first key that it begins with replaced.
    fileprivate func replacingPrefix(_ table: [String: String]) -> String {
        guard let (old, new) = table.first(where: { hasPrefix($0.key) }) else { return String(self) }
        return new + dropFirst(old.count)
    }
}
