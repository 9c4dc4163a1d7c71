package import Kernels

/// What is captured of an attention layer besides its output.
package enum AttentionCapture {
    case nothing
    /// A copy of the queries, `[N, C]`: other words can be scored against them without another pass.
    case queries(into: Matrix)
    /// The probabilities of each head, times its share, added to `[N, L]`.
    case probabilities(addingTo: Matrix, shares: [Float])
    /// Copies of the queries, `[N, C]`, and of the keys, `[L, C]`, from which the probabilities of each head follow.
    case operands(queries: Matrix, keys: Matrix)

    /// The probabilities averaged over heads, times `share`, added to `[N, L]`.
    package static func mean(addingTo store: Matrix, share: Float, heads: Int) -> AttentionCapture {
        .probabilities(addingTo: store, shares: Array(repeating: share / Float(heads), count: heads))
    }
}

/// Multi-head attention: `softmax(q kᵀ / √D) v` in each head, and an output projection. Self-attention takes keys and
/// values from `x` itself, cross-attention from the text.
struct Attention {
    let toQuery: Linear
    let toKey: Linear
    let toValue: Linear
    let toOutput: Linear
    let heads: Int
    /// The arithmetic of attention: that of its projections.
    var precision: Precision { toQuery.weight.packing.precision }

    /// - Parameters:
    ///   - channels: the width of `x`, and of all heads together
    ///   - context: the width of the matrix that keys and values are projected from
    init(_ weights: WeightScope, channels: Int, context: Int, heads: Int) throws(CheckpointError) {
        toQuery = try Linear(weights["to_q"], from: channels, to: channels, hasBias: false)
        toKey = try Linear(weights["to_k"], from: context, to: channels, hasBias: false)
        toValue = try Linear(weights["to_v"], from: context, to: channels, hasBias: false)
        toOutput = try Linear(weights["to_out.0"], from: channels, to: channels, hasBias: true)
        self.heads = heads
    }

    init(toQuery: Linear, toKey: Linear, toValue: Linear, toOutput: Linear, heads: Int) {
        self.toQuery = toQuery
        self.toKey = toKey
        self.toValue = toValue
        self.toOutput = toOutput
        self.heads = heads
    }

    /// `y ← y + attention(x, context)`
    ///
    /// - Parameters:
    ///   - x: `[N, C]`
    ///   - context: `[L, context]`; `x` itself for self-attention
    ///   - y: `[N, C]`, distinct from x
    func callAsFunction(
        _ x: Matrix, context: Matrix, causal: Bool, addingTo y: Matrix, capture: AttentionCapture,
        _ arena: inout Arena
    ) {
        arena.scope { arena in
            let projected = project(x, context, &arena)
            let values = arena.matrix(rows: context.rows, columns: x.columns)
            toValue(context, into: values, &arena)
            let joined = arena.matrix(rows: x.rows, columns: x.columns)
            var mean: Matrix?
            var shares: [Float] = []
            switch capture {
            case .nothing: break
            case .queries(let store): store.copy(from: projected.queries)
            case .probabilities(let store, let parts): (mean, shares) = (store, parts)
            case .operands(let queries, let keys):
                queries.copy(from: projected.queries)
                keys.copy(from: projected.keys)
            }
            projected.attend(
                to: values, causal: causal, into: joined, addingTo: mean, shares: shares, &arena)
            toOutput(joined, addingTo: y, &arena)
        }
    }

    /// Captures without computing an output: for the last layer of a pass that is run for its attention.
    func capture(_ x: Matrix, context: Matrix, _ capture: AttentionCapture, _ arena: inout Arena) {
        arena.scope { arena in
            switch capture {
            case .nothing: break
            case .queries(let store): toQuery(x, into: store, &arena)
            case .probabilities(let store, let shares):
                project(x, context, &arena).add(to: store, shares: shares, &arena)
            case .operands(let queries, let keys):
                toQuery(x, into: queries, &arena)
                toKey(context, into: keys, &arena)
            }
        }
    }

    private func project(_ x: Matrix, _ context: Matrix, _ arena: inout Arena) -> QueriesAndKeys {
        let queries = arena.matrix(rows: x.rows, columns: x.columns)
        let keys = arena.matrix(rows: context.rows, columns: x.columns)
        toQuery(x, into: queries, &arena)
        toKey(context, into: keys, &arena)
        return QueriesAndKeys(queries: queries, keys: keys, heads: heads, precision: precision)
    }
}
