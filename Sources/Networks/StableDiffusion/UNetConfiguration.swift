/// The sizes and choices of a U-Net, from its `config.json` (diffusers' UNet2DConditionModel).
package struct UNetConfiguration: Sendable {
    /// Side of the square latents that the U-Net was trained on.
    package let sampleSize: Int
    /// Channels of the latent picture as the U-Net takes it.
    package let inChannels: Int
    /// Channels of each level, highest resolution first.
    package let blockChannels: [Int]
    /// Residual blocks of a level on the way down; one more on the way up.
    package let layersPerBlock: Int
    /// Width of the text encoder's states.
    package let crossAttentionWidth: Int
    /// Attention heads of each level, highest resolution first.
    package let heads: [Int]
    /// Whether the levels have attention on the way down, in the order of `down_blocks`.
    package let downHasAttention: [Bool]
    /// The same on the way up, in the order of `up_blocks`: lowest resolution first.
    package let upHasAttention: [Bool]
    /// Groups of each group normalization.
    package let groups: Int
    /// Epsilon of the group normalizations in residual blocks.
    package let epsilon: Float
    /// Whether the transformers' projections are stored as matrices and not as convolutions.
    package let linearProjection: Bool
    /// Whether cosines come before sines in the timestep's embedding.
    package let flipSinToCos: Bool
    /// diffusers' `downscale_freq_shift`: frequency i of n is 10000^(-i / (n - shift)).
    package let frequencyShift: Double
    /// Padding of the convolutions that halve a map: 1 on all sides, or 0: right and below only.
    package let downsamplePadding: Int

    /// Sides of a latent are multiples of this: each level but the last halves them.
    package var latentUnit: Int { 1 << (blockChannels.count - 1) }

    /// Reads `file`; what this program cannot compute is refused by its key.
    package init(_ file: RegularFile) throws(CheckpointError) {
        try self.init(ConfigurationFile(file))
    }

    init(_ file: ConfigurationFile) throws(CheckpointError) {
        let sizes = ConfigurationFile.sizes
        blockChannels = try file.integers(
            "block_out_channels", absent: [320, 640, 1280, 1280], in: sizes)
        let levels = blockChannels.count
        sampleSize = try UNetConfiguration.sampleSize(file)
        inChannels = try file.integer("in_channels", absent: 4, in: sizes)
        layersPerBlock = try file.integer("layers_per_block", ofEach: levels, absent: 2, in: 1...64)
        crossAttentionWidth = try file.integer("cross_attention_dim", ofEach: levels, absent: 1280, in: sizes)
        downHasAttention = try file.blocks(
            "down_block_types",
            absent: Array(repeating: "CrossAttnDownBlock2D", count: 3) + ["DownBlock2D"],
            count: levels, meanings: ["CrossAttnDownBlock2D": true, "DownBlock2D": false])
        upHasAttention = try file.blocks(
            "up_block_types",
            absent: ["UpBlock2D"] + Array(repeating: "CrossAttnUpBlock2D", count: 3),
            count: levels, meanings: ["CrossAttnUpBlock2D": true, "UpBlock2D": false])
        groups = try file.integer("norm_num_groups", absent: 32, in: sizes)
        epsilon = Float(try file.number("norm_eps", absent: 1e-5, in: 1e-12...1e-1))
        linearProjection = try file.bool("use_linear_projection", absent: false)
        flipSinToCos = try file.bool("flip_sin_to_cos", absent: true)
        frequencyShift = try file.number("freq_shift", absent: 0, in: 0...1)
        downsamplePadding = try file.integer("downsample_padding", absent: 1, in: 0...1)
        heads = try UNetConfiguration.heads(file, levels: levels)
        try UNetConfiguration.requireStableDiffusion(file, levels: levels)
        try checkSizes(file)
    }

    /// The side of latents. Before 0.9 diffusers wrote 32 into files of networks that were trained on 64, so its
    /// pipeline takes a smaller side in such a file for 64.
    private static func sampleSize(_ file: ConfigurationFile) throws(CheckpointError) -> Int {
        let side = try file.integer("sample_size", absent: nil, in: 1...1024)
        guard case .string(let version) = file.value("_diffusers_version") else { return side }
        let numbers = version.split(separator: ".").prefix(2).map { Int($0) ?? Int.max }
        return numbers.lexicographicallyPrecedes([0, 9]) ? max(side, 64) : side
    }

    /// Heads of each level. In spite of its name, `attention_head_dim` is their number, unless there is
    /// `num_attention_heads`.
    private static func heads(
        _ file: ConfigurationFile, levels: Int
    ) throws(CheckpointError) -> [Int] {
        let isNamed = file.value("num_attention_heads") != nil
        let key = isNamed ? "num_attention_heads" : "attention_head_dim"
        if case .list = file.value(key) {
            let heads = try file.integers(key, absent: [], in: ConfigurationFile.sizes)
            guard heads.count == levels else {
                throw file.refusal(key, expected: "a number for each of \(levels) levels")
            }
            return heads
        }
        let heads = try file.integer(key, absent: 8, in: ConfigurationFile.sizes)
        return Array(repeating: heads, count: levels)
    }

    /// Refuses every option that this implementation lacks.
    private static func requireStableDiffusion(
        _ file: ConfigurationFile, levels: Int
    ) throws(CheckpointError) {
        try file.require("_class_name", oneOf: ["UNet2DConditionModel", "FlaxUNet2DConditionModel"])
        try file.require("act_fn", oneOf: [.string("silu"), .string("swish")])
        try file.require("mid_block_type", oneOf: [.string("UNetMidBlock2DCrossAttn")])
        try file.require("resnet_time_scale_shift", oneOf: [.string("default")])
        try file.require("time_embedding_type", oneOf: [.string("positional")])
        try file.require("attention_type", oneOf: [.string("default")])
        try file.require("transformer_layers_per_block", ofEach: levels, oneOf: [.number(1)])
        for key in ["mid_block_scale_factor", "resnet_out_scale_factor"] {
            try file.require(key, oneOf: [.number(1)])
        }
        for key in ["conv_in_kernel", "conv_out_kernel"] {
            try file.require(key, oneOf: [.number(3)])
        }
        let switches = [
            "center_input_sample", "dual_cross_attention", "only_cross_attention",
            "resnet_skip_time_act", "class_embeddings_concat", "mid_block_only_cross_attention",
        ]
        for key in switches {
            try file.require(key, ofEach: levels, oneOf: [.bool(false), .null])
        }
        let additions = [
            "addition_embed_type", "class_embed_type", "num_class_embeds", "encoder_hid_dim",
            "encoder_hid_dim_type", "time_cond_proj_dim", "time_embedding_act_fn",
            "time_embedding_dim", "timestep_post_act", "cross_attention_norm",
            "projection_class_embeddings_input_dim", "reverse_transformer_layers_per_block",
        ]
        for key in additions {
            try file.require(key, oneOf: [.null])
        }
    }

    /// Refuses sizes that groups, levels or heads do not divide.
    private func checkSizes(_ file: ConfigurationFile) throws(CheckpointError) {
        let levels = blockChannels.count
        guard blockChannels.allSatisfy({ $0.isMultiple(of: groups) }) else {
            throw file.refusal("norm_num_groups", expected: "a divisor of each of \(blockChannels)")
        }
        guard sampleSize.isMultiple(of: latentUnit) else {
            throw file.refusal("sample_size", expected: "a multiple of \(latentUnit)")
        }
        for level in 0..<levels {
            let hasAttention =
                downHasAttention[level] || upHasAttention[levels - 1 - level] || level == levels - 1
            guard !hasAttention || blockChannels[level].isMultiple(of: heads[level]) else {
                throw file.refusal(
                    file.value("num_attention_heads") == nil
                        ? "attention_head_dim" : "num_attention_heads",
                    expected: "a divisor of \(blockChannels[level]) at level \(level)")
            }
        }
    }
}
