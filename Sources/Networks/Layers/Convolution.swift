import Kernels

/// A square convolution with a bias, over a map with its channels last.
struct Convolution {
    let weight: WeightMatrix
    let bias: WeightVector
    let window: Window
    /// Channels of the input.
    var inputs: Int { weight.columns / (window.kernel * window.kernel) }
    /// Channels of the output.
    var outputs: Int { weight.rows }

    init(
        _ weights: WeightScope, from input: Int, to output: Int, window: Window
    ) throws(CheckpointError) {
        weight = try weights.matrix("weight", outputs: output, inputs: input, window: window)
        bias = try weights.floats("bias", shape: [output])
        self.window = window
    }

    /// - Parameters:
    ///   - x: `[H·W, input]`, distinct from y
    ///   - y: `[H'·W', output]`, of the size that the window gives
    func callAsFunction(_ x: FeatureMap, into y: FeatureMap, _ arena: inout Arena) {
        unsafe y.convolve(x, weight, bias: bias.base, window: window, adding: false, &arena)
    }

    /// `y ← conv(silu(norm(x))) + bias` with a bias in place of the layer's own, `[1, output]`: that plus a constant,
    /// such as the projected time embedding.
    func callAsFunction(
        _ norm: GroupNorm, siluOf x: FeatureMap, bias: Matrix, into y: FeatureMap, _ arena: inout Arena
    ) {
        precondition(bias.rows == 1 && bias.columns == y.channels, "a bias's length")
        guard let base = unsafe bias.floats.baseAddress else { return }
        unsafe y.convolve(
            norm.weights, siluOf: x, weight, bias: base, window: window, adding: false, &arena)
    }

    /// `y ← conv(silu(norm(x))) + bias`
    func callAsFunction(_ norm: GroupNorm, siluOf x: FeatureMap, into y: FeatureMap, _ arena: inout Arena) {
        unsafe y.convolve(
            norm.weights, siluOf: x, weight, bias: bias.base, window: window, adding: false, &arena)
    }

    /// `y ← y + conv(silu(norm(x))) + bias`
    func callAsFunction(
        _ norm: GroupNorm, siluOf x: FeatureMap, addingTo y: FeatureMap, _ arena: inout Arena
    ) {
        unsafe y.convolve(
            norm.weights, siluOf: x, weight, bias: bias.base, window: window, adding: true, &arena)
    }
}

extension Window {
    /// Squares side by side: what a vision transformer makes tokens of.
    static func patches(_ side: Int) -> Window {
        Window(kernel: side, stride: side, before: 0, after: 0, doubled: false)
    }
    /// 1 x 1: a product at each pixel.
    static let pixel = Window(kernel: 1, stride: 1, before: 0, after: 0, doubled: false)
    /// 3 x 3, the map keeps its size.
    static let same = Window(kernel: 3, stride: 1, before: 1, after: 1, doubled: false)
    /// 3 x 3 on the map enlarged twice: the U-Net's upsampling.
    static let doubling = Window(kernel: 3, stride: 1, before: 1, after: 1, doubled: true)
    /// 3 x 3, every second position, zeros on all sides: the U-Net's downsampling.
    static let halving = Window(kernel: 3, stride: 2, before: 1, after: 1, doubled: false)
    /// 3 x 3, every second position, zeros below and right only: the autoencoder's downsampling.
    static let halvingFromCorner = Window(kernel: 3, stride: 2, before: 0, after: 1, doubled: false)
}
