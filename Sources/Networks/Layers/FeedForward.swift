import Kernels

/// The nonlinearity between the two matrices of a feed-forward block, as configurations spell it.
package enum Activation: String, Sendable {
    /// x · σ(1.702 x)
    case quickGELU = "quick_gelu"
    /// x · Φ(x), by the error function
    case gelu
}

extension Matrix {
    /// `x ← activation(x)`
    func activate(_ activation: Activation) {
        switch activation {
        case .quickGELU: quickGELU()
        case .gelu: gelu()
        }
    }
}

/// `W₂ activation(W₁ x + b₁) + b₂`, position by position.
struct FeedForward {
    let expand: Linear
    let contract: Linear
    let activation: Activation

    init(expand: WeightScope, contract: WeightScope, _ sizes: TransformerSizes) throws(CheckpointError) {
        self.expand = try Linear(expand, from: sizes.width, to: sizes.intermediate, hasBias: true)
        self.contract = try Linear(contract, from: sizes.intermediate, to: sizes.width, hasBias: true)
        activation = sizes.activation
    }

    /// `y ← y + feedForward(x)`; x and y are `[N, C]` and distinct.
    func callAsFunction(_ x: Matrix, addingTo y: Matrix, _ arena: inout Arena) {
        arena.scope { arena in
            let hidden = arena.matrix(rows: x.rows, columns: expand.width)
            expand(x, into: hidden, &arena)
            hidden.activate(activation)
            contract(hidden, addingTo: y, &arena)
        }
    }
}
