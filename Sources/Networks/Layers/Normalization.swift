import Kernels

/// `y = (x - mean) / √(variance + ε) · γ + β`, over all pixels of each group of channels.
struct GroupNorm {
    let weights: GroupNormWeights

    /// - Parameter epsilon: 1e-5 in the U-Net's residual blocks, 1e-6 in the autoencoder and before transformers.
    init(_ weights: WeightScope, channels: Int, groups: Int, epsilon: Float) throws(CheckpointError) {
        self.weights = GroupNormWeights(
            gamma: try weights.floats("weight", shape: [channels]), beta: try weights.floats("bias", shape: [channels]),
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

    /// Its parameters are called `weight` and `bias`, or `gamma` and `beta`, as in TensorFlow's BERT and in files that
    /// were converted from it.
    init(_ weights: WeightScope, channels: Int, epsilon: Float) throws(CheckpointError) {
        let isOld = weights.has("gamma")
        gamma = try weights.floats(isOld ? "gamma" : "weight", shape: [channels])
        beta = try weights.floats(isOld ? "beta" : "bias", shape: [channels])
        self.epsilon = epsilon
    }

    /// x and y are `[N, C]` and may be the same.
    func callAsFunction(_ x: Matrix, into y: Matrix) {
        y.setLayerNorm(x, gamma: gamma, beta: beta, epsilon: epsilon)
    }
}
