package import Kernels

/// One attention layer of the U-Net, in the order of a pass.
package struct AttentionLayer: Equatable {
    package enum Kind {
        /// Queries and keys from pixels.
        case selfAttention
        /// Queries from pixels, keys from the text.
        case crossAttention
    }

    package enum Part: CaseIterable {
        case down
        case middle
        case up
    }

    /// As diffusers names the module: `down_blocks.0.attentions.0.transformer_blocks.0.attn1`.
    package let name: String
    package let kind: Kind
    /// In `down_blocks`, `mid_block` or `up_blocks`.
    package let part: Part
    /// How often the latent's sides are halved to those of its map.
    package let level: Int
    package let channels: Int
    package let heads: Int
}

/// Stable Diffusion's U-Net (diffusers' UNet2DConditionModel), run for its attention, not for the noise it predicts.
///
///     latent ─ conv_in ┬───────────────────────── skip ────────────────────────┐
///       level 0        ├ resnet, attention ×n ─── skips ───────────────────┐   │
///                      └ ½ ─ skip ─────────────────────────────────────┐   │   │
///       level 1            resnet, attention ×n ─ skips ─ …            │   │   │
///       middle                 resnet, attention, resnet ─┐            │   │   │
///       levels 1, 0    each layer reads [what comes up | its skip] ────┴───┴───┘
///
/// A layer on the way up reads a concatenation: one wide map whose right columns are the skip. These maps are allocated
/// before the pass: the way down writes each skip in place, the way up writes to the left columns of the next map, and
/// nothing is copied. The pass ends with the last capture; what follows the last attention layer (`isTail`) is not
/// loaded.
package struct UNet {
    let convIn: Convolution
    let time: TimestepEmbedding
    let down: [UNetBlock]
    let middle: [UNetLayer]
    let up: [UNetBlock]
    package let configuration: UNetConfiguration
    /// All attention layers, in the order of a pass.
    package let attentionLayers: [AttentionLayer]

    /// Whether a tensor is of the layers after the last attention layer.
    package static func isTail(_ name: String) -> Bool {
        name.hasPrefix("conv_norm_out.") || name.hasPrefix("conv_out.")
    }

    /// - Parameters:
    ///   - latent: `[H·W, 4]`, noised
    ///   - context: the text, `[L, context]`
    ///   - captures: one for each of `attentionLayers`
    /// - Throws: `Interruption` between layers
    package func callAsFunction(
        _ latent: FeatureMap, timestep: Int, context: Matrix, captures: [AttentionCapture],
        cancellation: Cancellation, _ arena: inout Arena
    ) throws(Interruption) {
        precondition(captures.count == attentionLayers.count, "\(captures.count) captures")
        var walk = CaptureWalk(captures)
        try arena.scope { (arena) throws(Interruption) in
            let embedded = arena.matrix(rows: 1, columns: time.width)
            time(timestep, into: embedded, &arena)
            let pass = UNetPass(context: context, time: embedded, cancellation: cancellation)
            let joints = joints(height: latent.height, width: latent.width, &arena)
            let bottom = try descend(latent, pass, joints, walk: &walk, &arena)
            if walk.isOver { return }
            let lifted = joints[0].lifted
            try middle[0](bottom, into: lifted, pass, walk: &walk, &arena)
            if walk.isOver { return }
            try middle[1](lifted, into: lifted, pass, walk: &walk, &arena)
            try ascend(pass, joints, walk: &walk, &arena)
        }
    }

    /// The input of a layer on the way up, `whole`: the columns `[lifted | skip]`, where `lifted` comes from the layer
    /// before.
    private struct Joint {
        let whole: FeatureMap
        let lifted: FeatureMap
        let skip: FeatureMap
    }

    /// The joints in the order of the way up; skips are written to them in the opposite order.
    private func joints(height: Int, width: Int, _ arena: inout Arena) -> [Joint] {
        var skips = [(channels: convIn.outputs, height: height, width: width)]
        for (level, block) in down.enumerated() {
            let last = skips[skips.count - 1]
            for _ in block.layers {
                skips.append((configuration.blockChannels[level], last.height, last.width))
            }
            if let window = block.resize?.window {
                skips.append(
                    (
                        configuration.blockChannels[level], window.output(of: last.height),
                        window.output(of: last.width)
                    ))
            }
        }
        var joints: [Joint] = []
        for (layer, skip) in zip(up.flatMap(\.layers), skips.reversed()) {
            let channels = layer.resnet.conv1.inputs
            let whole = arena.featureMap(height: skip.height, width: skip.width, channels: channels)
            let lifted = channels - skip.channels
            joints.append(
                Joint(
                    whole: whole, lifted: whole.channels(0..<lifted),
                    skip: whole.channels(lifted..<channels)))
        }
        return joints
    }

    /// Fills the skips, and returns the last of them, the input of the middle block.
    private func descend(
        _ latent: FeatureMap, _ pass: UNetPass, _ joints: [Joint], walk: inout CaptureWalk, _ arena: inout Arena
    ) throws(Interruption) -> FeatureMap {
        var next = joints.count - 1
        var x = joints[next].skip
        convIn(latent, into: x, &arena)
        for block in down {
            for layer in block.layers {
                next -= 1
                try layer(x, into: joints[next].skip, pass, walk: &walk, &arena)
                if walk.isOver { return x }
                x = joints[next].skip
            }
            if let resize = block.resize {
                next -= 1
                resize(x, into: joints[next].skip, &arena)
                x = joints[next].skip
            }
        }
        return x
    }

    private func ascend(
        _ pass: UNetPass, _ joints: [Joint], walk: inout CaptureWalk, _ arena: inout Arena
    ) throws(Interruption) {
        var next = 0
        for block in up {
            for (index, layer) in block.layers.enumerated() {
                let joint = joints[next]
                next += 1
                let isLast = index == block.layers.count - 1
                try arena.scope { (arena) throws(Interruption) in
                    let y =
                        isLast
                        ? arena.featureMap(
                            height: joint.whole.height, width: joint.whole.width,
                            channels: layer.resnet.conv2.outputs)
                        : joints[next].lifted
                    try layer(joint.whole, into: y, pass, walk: &walk, &arena)
                    if isLast, !walk.isOver, let resize = block.resize {
                        resize(y, into: joints[next].lifted, &arena)
                    }
                }
                if walk.isOver { return }
            }
        }
    }
}
