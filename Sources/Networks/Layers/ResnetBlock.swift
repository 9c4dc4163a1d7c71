import Kernels

/// Two GroupNorm-SiLU-convolution stages around a shortcut, in the U-Net and in the autoencoder.
struct ResnetBlock {
    let norm1: GroupNorm
    let conv1: Convolution
    let norm2: GroupNorm
    let conv2: Convolution
    let shortcut: Linear?
    /// Projects the time embedding to channels; `nil` in the autoencoder, which has no time.
    let timeProjection: Linear?

    /// - Parameter timeWidth: the width of the time embedding, `nil` in the autoencoder.
    init(
        _ weights: WeightScope, from input: Int, to output: Int, groups: Int, epsilon: Float, timeWidth: Int?
    ) throws(CheckpointError) {
        norm1 = try GroupNorm(weights["norm1"], channels: input, groups: groups, epsilon: epsilon)
        conv1 = try Convolution(weights["conv1"], from: input, to: output, window: .same)
        norm2 = try GroupNorm(weights["norm2"], channels: output, groups: groups, epsilon: epsilon)
        conv2 = try Convolution(weights["conv2"], from: output, to: output, window: .same)
        shortcut =
            input == output
            ? nil : try Linear(weights["conv_shortcut"], from: input, to: output, hasBias: true)
        if let timeWidth {
            timeProjection = try Linear(
                weights["time_emb_proj"], from: timeWidth, to: output, hasBias: true)
        } else {
            timeProjection = nil
        }
    }

    /// Writes `conv2(silu(norm2(conv1(silu(norm1(x))) + time))) + shortcut(x)` to `y`.
    ///
    /// - Parameters:
    ///   - x: `[H·W, input]`
    ///   - y: `[H·W, output]`; may be x where there is no shortcut
    ///   - time: the silu of the time embedding, `[1, timeWidth]`, where the block has a time
    func callAsFunction(_ x: FeatureMap, into y: FeatureMap, time: Matrix?, _ arena: inout Arena) {
        arena.scope { arena in
            let hidden = arena.featureMap(height: y.height, width: y.width, channels: y.channels)
            let bias = arena.matrix(rows: 1, columns: y.channels)
            bias.fill(conv1.bias)
            if let time, let timeProjection { timeProjection(time, addingTo: bias, &arena) }
            conv1(norm1, siluOf: x, bias: bias, into: hidden, &arena)
            if let shortcut {
                shortcut(x.matrix, into: y.matrix, &arena)
            } else {
                y.matrix.copy(from: x.matrix)
            }
            conv2(norm2, siluOf: hidden, addingTo: y, &arena)
        }
    }
}
