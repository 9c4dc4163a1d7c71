import Kernels

/// `y = (x - mean) / √(variance + ε) · γ + β`, over all pixels of each group of channels.
struct GroupNorm {
    let weights: GroupNormWeights

    /// - Parameter epsilon: 1e-5 in the U-Net's residual blocks, 1e-6 in the autoencoder and before transformers.
    init(_ weights: WeightScope, channels: Int, groups: Int, epsilon: Float) throws(CheckpointError) {
        self.weights = GroupNormWeights(
            gamma: try weights.floats("weight", count: channels), beta: try weights.floats("bias", count: channels),
            groups: groups, epsilon: epsilon)
    }

    /// x and y are `[H·W, C]` and may be the same map.
    func callAsFunction(_ x: Matrix, into y: Matrix, _ arena: inout Arena) {
        y.setGroupNorm(x, weights, silu: false, &arena)
    }
}

/// `y = (x - mean) / √(variance + ε) · γ + β`, over the channels of each position.
struct LayerNorm {
    let gamma: WeightVector
    let beta: WeightVector
    let epsilon: Float

    init(_ weights: WeightScope, channels: Int, epsilon: Float) throws(CheckpointError) {
        gamma = try weights.floats("weight", count: channels)
        beta = try weights.floats("bias", count: channels)
        self.epsilon = epsilon
    }

    /// x and y are `[N, C]` and may be the same.
    func callAsFunction(_ x: Matrix, into y: Matrix) {
        y.setLayerNorm(x, gamma: gamma, beta: beta, epsilon: epsilon)
    }
}
