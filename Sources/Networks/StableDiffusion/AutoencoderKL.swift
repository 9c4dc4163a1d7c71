package import Kernels

/// The encoder half of Stable Diffusion's autoencoder (diffusers' AutoencoderKL).
package struct AutoencoderKL {
    private struct Level {
        let resnets: [ResnetBlock]
        let downsample: Convolution?
    }

    private let convIn: Convolution
    private let levels: [Level]
    private let middle: (ResnetBlock, ResnetBlock)
    private let attentionNorm: GroupNorm
    private let attention: Attention
    private let normOut: GroupNorm
    private let convOut: Convolution
    private let quantize: Linear
    package let configuration: AutoencoderConfiguration

    /// Epsilon of all its group norms: diffusers' `resnet_eps`, not the U-Net's `norm_eps`.
    private static let epsilon: Float = 1e-6

    /// Tensors that segmentation never needs: the decoder.
    package static func isTail(_ name: String) -> Bool {
        name.hasPrefix("decoder.") || name.hasPrefix("post_quant_conv.")
    }

    package init(_ weights: WeightScope, _ configuration: AutoencoderConfiguration) throws(CheckpointError) {
        let encoder = weights["encoder"]
        let channels = configuration.blockChannels
        let groups = configuration.groups
        let last = channels[channels.count - 1]
        func resnet(_ scope: WeightScope, _ from: Int, _ to: Int) throws(CheckpointError) -> ResnetBlock {
            try ResnetBlock(scope, from: from, to: to, groups: groups, epsilon: Self.epsilon, timeWidth: nil)
        }
        convIn = try Convolution(
            encoder["conv_in"], from: configuration.inChannels, to: channels[0], window: .same)
        var levels: [Level] = []
        var input = channels[0]
        for (index, output) in channels.enumerated() {
            let scope = encoder["down_blocks"][index]
            var resnets: [ResnetBlock] = []
            for layer in 0..<configuration.layersPerBlock {
                resnets.append(try resnet(scope["resnets"][layer], input, output))
                input = output
            }
            let isLast = index == channels.count - 1
            levels.append(
                Level(
                    resnets: resnets,
                    downsample: isLast
                        ? nil
                        : try Convolution(
                            scope["downsamplers"][0]["conv"], from: output, to: output,
                            window: .halvingFromCorner)))
        }
        self.levels = levels
        let mid = encoder["mid_block"]
        middle = (try resnet(mid["resnets"][0], last, last), try resnet(mid["resnets"][1], last, last))
        let scope = mid["attentions"][0]
        attentionNorm = try GroupNorm(
            scope["group_norm"], channels: last, groups: groups, epsilon: Self.epsilon)
        attention = try Self.attention(scope, channels: last)
        normOut = try GroupNorm(encoder["conv_norm_out"], channels: last, groups: groups, epsilon: Self.epsilon)
        let moments = 2 * configuration.latentChannels
        convOut = try Convolution(encoder["conv_out"], from: last, to: moments, window: .same)
        quantize = try Linear(weights["quant_conv"], from: moments, to: moments, hasBias: true)
        self.configuration = configuration
    }

    /// Files from older versions of diffusers name the projections `query`, `key`, `value` and `proj_attn`.
    private static func attention(_ scope: WeightScope, channels: Int) throws(CheckpointError) -> Attention {
        let isOld = scope.has("query.weight")
        func linear(_ name: String, _ old: String) throws(CheckpointError) -> Linear {
            try Linear(scope[isOld ? old : name], from: channels, to: channels, hasBias: true)
        }
        return Attention(
            toQuery: try linear("to_q", "query"), toKey: try linear("to_k", "key"),
            toValue: try linear("to_v", "value"), toOutput: try linear("to_out.0", "proj_attn"), heads: 1)
    }

    /// Encodes a picture as a normal distribution over latents.
    ///
    /// - Parameters:
    ///   - picture: `[H·W, 3]` in -1...1, its sides multiples of `configuration.factor`
    ///   - moments: `[h·w, 2 · latent]`, the sides divided by it: means, then logarithms of variances
    /// - Throws: `Interruption` between layers
    package func callAsFunction(
        _ picture: FeatureMap, into moments: FeatureMap, cancellation: Cancellation, _ arena: inout Arena
    ) throws(Interruption) {
        try arena.scope { (arena) throws(Interruption) in
            var x = arena.featureMap(
                height: picture.height, width: picture.width, channels: configuration.blockChannels[0])
            convIn(picture, into: x, &arena)
            for level in levels {
                for resnet in level.resnets {
                    try cancellation.check()
                    let y =
                        resnet.shortcut == nil
                        ? x
                        : arena.featureMap(
                            height: x.height, width: x.width, channels: resnet.conv2.outputs)
                    resnet(x, into: y, time: nil, &arena)
                    x = y
                }
                if let downsample = level.downsample {
                    let y = arena.featureMap(
                        height: downsample.window.output(of: x.height),
                        width: downsample.window.output(of: x.width), channels: x.channels)
                    downsample(x, into: y, &arena)
                    x = y
                }
            }
            try cancellation.check()
            finish(x, into: moments, &arena)
        }
    }

    /// The middle block, the last norm and the projection to moments; x is changed.
    private func finish(_ x: FeatureMap, into moments: FeatureMap, _ arena: inout Arena) {
        middle.0(x, into: x, time: nil, &arena)
        let normalized = arena.featureMap(height: x.height, width: x.width, channels: x.channels)
        attentionNorm(x.matrix, into: normalized.matrix, &arena)
        attention(
            normalized.matrix, context: normalized.matrix, causal: false, addingTo: x.matrix,
            capture: .nothing, &arena)
        middle.1(x, into: x, time: nil, &arena)
        let unquantized = arena.featureMap(height: x.height, width: x.width, channels: moments.channels)
        convOut(normOut, siluOf: x, into: unquantized, &arena)
        quantize(unquantized.matrix, into: moments.matrix, &arena)
    }
}
