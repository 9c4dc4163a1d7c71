package import Kernels

/// Early-layer fusion (Sun et al., "CLIPer", 2024, 3.2): the last layer reads the inputs of all layers, and in place of
/// its own attention the sum of all others'.
///
///     layers 0 ... L - 2       f_k, their normalised inputs; of the last the input itself     [N, C]
///                              W, the sum of their probabilities, of each head                [N, N]
///     k = 0 ... L - 1          W, balanced once more for each k: Sinkhorn's rounds
///                              B = max(0, (W + Wᵀ) / 2 - column means), rows of sum 1
///                              y_k = out(B v), v the last layer's values of its normalised f_k
///
/// N is 1 + patches, the class token first. A row of B whose links are all cut is 0, where the authors' code divides by
/// zero.
extension VisionTransformer {
    /// Runs all layers but the last.
    ///
    /// - Parameters:
    ///   - picture: `[H·W, 3]`, normalised; positions are interpolated bilinearly
    ///   - attention: W, `[heads · N, N]`, head under head
    ///   - inputs: f_k, `[layers · N, C]`, layer under layer
    /// - Throws: `Interruption` between layers
    package func gather(
        _ picture: FeatureMap, attention: Matrix, inputs: Matrix, cancellation: Cancellation, _ arena: inout Arena
    ) throws(Interruption) {
        let (rows, heads) = (attention.columns, configuration.sizes.heads)
        precondition(attention.rows == heads * rows && inputs.rows == layers.count * rows, "what layers leave")
        try arena.scope { (arena) throws(Interruption) in
            let states = arena.matrix(rows: rows, columns: configuration.width)
            embed(picture, into: states, positions: .bilinear, &arena)
            preNorm?(states, into: states)
            attention.clear()
            for (index, layer) in layers.dropLast().enumerated() {
                try cancellation.check()
                let input = inputs.rows(index * rows..<(index + 1) * rows)
                arena.scope { arena in
                    let (queries, keys) = (
                        arena.matrix(rows: rows, columns: states.columns),
                        arena.matrix(rows: rows, columns: states.columns)
                    )
                    layer(states, wanted: rows, &arena) { normalized, y, arena in
                        input.copy(from: normalized)
                        layer.attention(
                            normalized, context: normalized, causal: false, addingTo: y,
                            capture: .operands(queries: queries, keys: keys), &arena)
                    }
                    let operands = QueriesAndKeys(
                        queries: queries, keys: keys, heads: heads, precision: layer.attention.precision)
                    for head in 0..<heads {
                        operands.add(
                            to: attention.rows(head * rows..<(head + 1) * rows),
                            shares: (0..<heads).map { $0 == head ? 1 : 0 }, &arena)
                    }
                }
            }
            inputs.rows(inputs.rows - rows..<inputs.rows).copy(from: states)
        }
    }

    /// `y ← y_k`, after a round of balancing; k = 0 ... L - 1, in this order.
    ///
    /// - Parameters:
    ///   - input: f_k, `[N, C]`
    ///   - attention: W of the round before, `[heads · N, N]`; of this one afterwards
    ///   - y: `[N, C]`, distinct from all
    ///   - links: the mean of B over heads, `[N, N]`; `nil`: not wanted
    package func fuse(
        _ input: Matrix, by attention: Matrix, into y: Matrix, links: Matrix?, _ arena: inout Arena
    ) {
        guard let last = layers.last else { preconditionFailure("a transformer has layers") }
        let (rows, heads) = (input.rows, configuration.sizes.heads)
        let width = input.columns / heads
        precondition(attention.rows == heads * rows && attention.columns == rows, "the attention of other layers")
        arena.scope { arena in
            let joined = arena.matrix(rows: rows, columns: input.columns)
            let values = arena.matrix(rows: rows, columns: input.columns)
            let own = arena.matrix(rows: rows, columns: rows)
            last.norm1(input, into: joined)
            last.attention.toValue(joined, into: values, &arena)
            links?.clear()
            for head in 0..<heads {
                let balanced = attention.rows(head * rows..<(head + 1) * rows)
                balanced.balance(&arena)
                own.setLinks(of: balanced, &arena)
                let columns = head * width..<(head + 1) * width
                joined.columns(columns).setMatrixProduct(own, values.columns(columns))
                links?.blend(own, times: 1 / Float(heads), keeping: 1)
            }
            last.attention.toOutput(joined, into: y, &arena)
        }
    }
}
