/// The sizes of an autoencoder, from its `config.json` (diffusers' AutoencoderKL).
package struct AutoencoderConfiguration: Sendable {
    /// Channels of a picture: red, green and blue.
    package let inChannels: Int
    package let latentChannels: Int
    /// Channels of each level, highest resolution first; between two levels the map's sides are halved.
    package let blockChannels: [Int]
    /// Residual blocks of a level of the encoder.
    package let layersPerBlock: Int
    /// Groups of each group normalization.
    package let groups: Int
    /// latent = scalingFactor · sample of the posterior.
    package let scalingFactor: Float

    /// Pixels of a picture to one of its latent, along each side. (`sample_size` says what pictures the weights were
    /// trained on, often falsely; they read any.)
    package var factor: Int { 1 << (blockChannels.count - 1) }

    /// Reads `file`; what this program cannot compute is refused by its key.
    package init(_ file: RegularFile) throws(CheckpointError) {
        try self.init(ConfigurationFile(file))
    }

    init(_ file: ConfigurationFile) throws(CheckpointError) {
        let sizes = ConfigurationFile.sizes
        try file.require("_class_name", oneOf: ["AutoencoderKL", "FlaxAutoencoderKL"])
        blockChannels = try file.integers("block_out_channels", absent: [64], in: sizes)
        inChannels = try file.integer("in_channels", absent: 3, in: 3...3)
        latentChannels = try file.integer("latent_channels", absent: 4, in: sizes)
        layersPerBlock = try file.integer("layers_per_block", absent: 1, in: 1...64)
        groups = try file.integer("norm_num_groups", absent: 32, in: sizes)
        scalingFactor = Float(
            try file.number("scaling_factor", absent: 0.18215, in: 1e-6...1e6))
        _ = try file.blocks(
            "down_block_types", absent: ["DownEncoderBlock2D"], count: blockChannels.count,
            meanings: ["DownEncoderBlock2D": true])
        try file.require("act_fn", oneOf: [.string("silu"), .string("swish")])
        for key in ["use_quant_conv", "mid_block_add_attention"] {
            try file.require(key, oneOf: [.bool(true)])
        }
        for key in ["latents_mean", "latents_std"] {
            try file.require(key, oneOf: [.null])
        }
        try file.require("shift_factor", oneOf: [.null, .number(0)])
        guard blockChannels.allSatisfy({ $0.isMultiple(of: groups) }) else {
            throw file.refusal("norm_num_groups", expected: "a divisor of each of \(blockChannels)")
        }
    }
}
