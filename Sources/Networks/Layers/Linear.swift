package import Kernels

/// `y = x wᵀ + b`
package struct Linear {
    let weight: PackedWeights
    let bias: WeightVector?
    /// Columns of the result.
    package var width: Int { weight.rows }

    /// - Parameter hasBias: whether the architecture gives this product a bias.
    init(_ weights: WeightScope, from input: Int, to output: Int, hasBias: Bool) throws(CheckpointError) {
        weight = try weights.panels("weight", outputs: output, inputs: input)
        bias = hasBias ? try weights.floats("bias", count: output) : nil
    }

    /// A product of one of the U-Net's feed-forward layers, in the precision that the model multiplies in. They are
    /// half of its matrix products; the others stay f32, for rounding them too would move some score maps further than
    /// PyTorch's bf16 does.
    init(feedForward weights: WeightScope, from input: Int, to output: Int) throws(CheckpointError) {
        weight = try weights.rounded("weight", outputs: output, inputs: input)
        bias = try weights.floats("bias", count: output)
    }

    /// - Parameters:
    ///   - x: `[N, input]`, distinct from y
    ///   - y: `[N, output]`
    package func callAsFunction(_ x: Matrix, into y: Matrix) {
        y.setProduct(x, weight, bias: bias)
    }

    /// `y ← y + x wᵀ + b`
    func callAsFunction(_ x: Matrix, addingTo y: Matrix) {
        y.addProduct(x, weight, bias: bias)
    }
}
