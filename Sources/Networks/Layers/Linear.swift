package import Kernels

/// `y = x wᵀ + b`
package struct Linear {
    let weight: WeightMatrix
    let bias: WeightVector?
    /// Columns of the result.
    package var width: Int { weight.rows }

    /// - Parameter hasBias: whether the architecture gives this product a bias.
    init(_ weights: WeightScope, from input: Int, to output: Int, hasBias: Bool) throws(CheckpointError) {
        weight = try weights.matrix("weight", outputs: output, inputs: input)
        bias = hasBias ? try weights.floats("bias", shape: [output]) : nil
    }

    init(weight: WeightMatrix, bias: WeightVector?) {
        self.weight = weight
        self.bias = bias
    }

    /// - Parameters:
    ///   - x: `[N, input]`, distinct from y
    ///   - y: `[N, output]`
    package func callAsFunction(_ x: Matrix, into y: Matrix, _ arena: inout Arena) {
        y.setProduct(x, weight, bias: bias, &arena)
    }

    /// `y ← h gelu(g)`, where `[h, g] = x wᵀ + b`; y is `[N, output / 2]`, distinct from x.
    func callAsFunction(gating x: Matrix, into y: Matrix, _ arena: inout Arena) {
        guard let bias else { preconditionFailure("a gate has a bias") }
        y.setGatedProduct(x, weight, bias: bias, &arena)
    }

    /// `y ← y + x wᵀ + b`
    func callAsFunction(_ x: Matrix, addingTo y: Matrix, _ arena: inout Arena) {
        y.addProduct(x, weight, bias: bias, &arena)
    }
}
