import Kernels

extension UNet {
    /// Reads every tensor before the tail.
    ///
    /// - Parameter weights: the root of the U-Net's checkpoint
    package init(_ weights: WeightScope, _ configuration: UNetConfiguration) throws(CheckpointError) {
        let channels = configuration.blockChannels
        convIn = try Convolution(
            weights["conv_in"], from: configuration.inChannels, to: channels[0], window: .same)
        time = try TimestepEmbedding(weights["time_embedding"], configuration)
        var loading = Loading(configuration: configuration, timeWidth: time.width)
        down = try loading.down(weights["down_blocks"])
        middle = try loading.middle(weights["mid_block"])
        up = try loading.up(weights["up_blocks"])
        attentionLayers = loading.attentionLayers
        self.configuration = configuration
    }

    /// Walks the blocks in the order of a pass, noting attention layers and the channels of skips.
    private struct Loading {
        let configuration: UNetConfiguration
        let timeWidth: Int
        var attentionLayers: [AttentionLayer] = []
        var skips: [Int] = []

        private var levels: Int { configuration.blockChannels.count }

        mutating func down(_ weights: WeightScope) throws(CheckpointError) -> [UNetBlock] {
            var blocks: [UNetBlock] = []
            var input = configuration.blockChannels[0]
            skips = [input]
            for level in 0..<levels {
                let output = configuration.blockChannels[level]
                var layers: [UNetLayer] = []
                for index in 0..<configuration.layersPerBlock {
                    layers.append(
                        try layer(
                            weights[level], .down, "down_blocks.\(level)", index, level: level, from: input,
                            to: output, hasAttention: configuration.downHasAttention[level]))
                    input = output
                    skips.append(output)
                }
                var resize: Convolution?
                if level < levels - 1 {
                    resize = try Convolution(
                        weights[level]["downsamplers"][0]["conv"], from: output, to: output,
                        window: configuration.downsamplePadding == 1 ? .halving : .halvingFromCorner)
                    skips.append(output)
                }
                blocks.append(UNetBlock(layers: layers, resize: resize))
            }
            return blocks
        }

        mutating func middle(_ weights: WeightScope) throws(CheckpointError) -> [UNetLayer] {
            let channels = configuration.blockChannels[levels - 1]
            let first = try layer(
                weights, .middle, "mid_block", 0, level: levels - 1, from: channels, to: channels, hasAttention: true)
            let second = try layer(
                weights, .middle, "mid_block", 1, level: levels - 1, from: channels, to: channels, hasAttention: false)
            return [first, second]
        }

        mutating func up(_ weights: WeightScope) throws(CheckpointError) -> [UNetBlock] {
            var blocks: [UNetBlock] = []
            var input = configuration.blockChannels[levels - 1]
            for index in 0..<levels {
                let level = levels - 1 - index
                let output = configuration.blockChannels[level]
                var layers: [UNetLayer] = []
                for position in 0...configuration.layersPerBlock {
                    let skip = skips.removeLast()
                    layers.append(
                        try layer(
                            weights[index], .up, "up_blocks.\(index)", position, level: level, from: input + skip,
                            to: output, hasAttention: configuration.upHasAttention[index]))
                    input = output
                }
                let resize =
                    level == 0
                    ? nil
                    : try Convolution(
                        weights[index]["upsamplers"][0]["conv"], from: output, to: output, window: .doubling)
                blocks.append(UNetBlock(layers: layers, resize: resize))
            }
            return blocks
        }

        private mutating func layer(
            _ weights: WeightScope, _ part: AttentionLayer.Part, _ path: String, _ index: Int, level: Int,
            from input: Int, to output: Int, hasAttention: Bool
        ) throws(CheckpointError) -> UNetLayer {
            let resnet = try ResnetBlock(
                weights["resnets"][index], from: input, to: output, groups: configuration.groups,
                epsilon: Float(configuration.epsilon), timeWidth: timeWidth)
            guard hasAttention else { return UNetLayer(resnet: resnet, transformer: nil) }
            let heads = configuration.heads[level]
            let transformer = try SpatialTransformer(
                weights["attentions"][index], channels: output, context: configuration.crossAttentionWidth,
                heads: heads, groups: configuration.groups)
            let block = "\(path).attentions.\(index).transformer_blocks.0"
            for (name, kind) in [("attn1", AttentionLayer.Kind.selfAttention), ("attn2", .crossAttention)] {
                attentionLayers.append(
                    AttentionLayer(
                        name: "\(block).\(name)", kind: kind, part: part, level: level, channels: output, heads: heads))
            }
            return UNetLayer(resnet: resnet, transformer: transformer)
        }
    }

    /// The key projections of cross-attention, in the order of a pass: they give the keys of a text in each layer.
    package var crossKeys: [Linear] {
        let layers = down.flatMap(\.layers) + middle + up.flatMap(\.layers)
        return layers.compactMap { $0.transformer?.block.attn2.toKey }
    }
}
