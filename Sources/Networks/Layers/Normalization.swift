import Kernels

/// `y = (x - mean) / √(variance + ε) · γ + β`, over all pixels of each group of channels.
struct GroupNorm {
    let gamma: WeightVector
    let beta: WeightVector
    let groups: Int
    let epsilon: Float

    /// - Parameter epsilon: 1e-5 in the U-Net's residual blocks, 1e-6 in the autoencoder and before transformers.
    init(_ weights: WeightScope, channels: Int, groups: Int, epsilon: Float) throws(CheckpointError) {
        gamma = try weights.floats("weight", count: channels)
        beta = try weights.floats("bias", count: channels)
        self.groups = groups
        self.epsilon = epsilon
    }

    /// x and y are `[H·W, C]` and may be the same map.
    func callAsFunction(_ x: Matrix, into y: Matrix, _ arena: inout Arena) {
        y.setGroupNorm(x, gamma: gamma, beta: beta, groups: groups, epsilon: epsilon, silu: false, &arena)
    }

    /// What it multiplies and adds: for those who normalise x as they read it.
    func gains(_ x: Matrix, _ arena: inout Arena) -> GroupGains {
        GroupGains(x, gamma: gamma, beta: beta, groups: groups, epsilon: epsilon, &arena)
    }

    /// `silu(norm(x))`; x and y are `[H·W, C]` and may be the same map.
    func silu(_ x: Matrix, into y: Matrix, _ arena: inout Arena) {
        y.setGroupNorm(x, gamma: gamma, beta: beta, groups: groups, epsilon: epsilon, silu: true, &arena)
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
