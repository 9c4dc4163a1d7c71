import Kernels

/// A transformer layer with its norms in front: `x ← x + attention(norm1 x)`, `x ← x + feedForward(norm2 x)`.
///
/// CLIP's two towers, Stable Diffusion's text encoder and BLIP's vision tower consist of it.
struct PreNormLayer {
    let norm1: LayerNorm
    let attention: Attention
    let norm2: LayerNorm
    let feedForward: FeedForward

    /// - Parameters:
    ///   - weights: the layer's scope, whose norms and feed-forward block have the same names in all of these networks
    ///   - attention: of the same scope, with the names that the network gives it
    init(
        _ weights: WeightScope, _ sizes: TransformerSizes, attention: Attention
    ) throws(CheckpointError) {
        norm1 = try LayerNorm(weights["layer_norm1"], channels: sizes.width, epsilon: sizes.epsilon)
        self.attention = attention
        norm2 = try LayerNorm(weights["layer_norm2"], channels: sizes.width, epsilon: sizes.epsilon)
        feedForward = try FeedForward(expand: weights["mlp"]["fc1"], contract: weights["mlp"]["fc2"], sizes)
    }

    /// - Parameters:
    ///   - x: `[N, C]`
    ///   - wanted: how many of the first rows are needed; the others are left as they are
    ///   - attend: `y ← y + attention(x)`, given `norm1 x`, `[N, C]`, and y, the rows that are wanted
    func callAsFunction(
        _ x: Matrix, wanted: Int, _ arena: inout Arena, attend: (Matrix, Matrix, inout Arena) -> Void
    ) {
        arena.scope { arena in
            let normalized = arena.matrix(rows: x.rows, columns: x.columns)
            let (first, rows) = (x.rows(0..<wanted), normalized.rows(0..<wanted))
            norm1(x, into: normalized)
            attend(normalized, first, &arena)
            norm2(first, into: rows)
            feedForward(rows, addingTo: first, &arena)
        }
    }

    /// The layer over one sequence, whose positions all see each other; x and `wanted` as above.
    func callAsFunction(_ x: Matrix, wanted: Int, _ arena: inout Arena) {
        self(x, wanted: wanted, &arena) { normalized, y, arena in
            attention(
                normalized.rows(0..<wanted), context: normalized, causal: false, addingTo: y, capture: .nothing,
                &arena)
        }
    }

    /// `y ← out(v(norm1 x))`: each position's own value, as if it attended to itself alone; x and y are `[N, C]`.
    ///
    /// MaskCLIP (Zhou et al., 2022, 3.2) takes it for a dense embedding from the last layer.
    func values(_ x: Matrix, into y: Matrix, _ arena: inout Arena) {
        arena.scope { arena in
            let normalized = arena.matrix(rows: x.rows, columns: x.columns)
            let values = arena.matrix(rows: x.rows, columns: x.columns)
            norm1(x, into: normalized)
            attention.toValue(normalized, into: values, &arena)
            attention.toOutput(values, into: y, &arena)
        }
    }
}

extension Attention {
    /// Attention of a width to itself, with biases, by the names of its four projections.
    init(
        _ weights: WeightScope, _ sizes: TransformerSizes, query: String, key: String, value: String, output: String
    ) throws(CheckpointError) {
        func projection(_ name: String) throws(CheckpointError) -> Linear {
            try Linear(weights[name], from: sizes.width, to: sizes.width, hasBias: true)
        }
        self.init(
            toQuery: try projection(query), toKey: try projection(key), toValue: try projection(value),
            toOutput: try projection(output), heads: sizes.heads)
    }
}
