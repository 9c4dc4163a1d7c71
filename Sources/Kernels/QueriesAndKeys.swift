import CKernels

/// The operands of attention probabilities: queries `[N, C]`, keys `[L, C]`; heads are ranges of `C / heads` columns.
package struct QueriesAndKeys {
    package let queries: Matrix
    package let keys: Matrix
    package let heads: Int
    /// The arithmetic of their products.
    package let precision: Precision

    package init(queries: Matrix, keys: Matrix, heads: Int, precision: Precision) {
        precondition(queries.columns == keys.columns && queries.columns % heads == 0, "queries and keys differ")
        self.queries = queries
        self.keys = keys
        self.heads = heads
        self.precision = precision
    }

    /// `y ← softmax(q kᵀ / √D) v` for each head.
    ///
    /// - Parameters:
    ///   - values: `[L, C]`
    ///   - causal: whether a query sees only the keys up to its own position
    ///   - y: `[N, C]`, distinct from all
    ///   - mean: `[N, L]`, to which the probabilities of each head, times its share, are added
    ///   - shares: one for each head, where there is a mean
    package func attend(
        to values: Matrix, causal: Bool, into y: Matrix, addingTo mean: Matrix?, shares: [Float],
        _ arena: inout Arena
    ) {
        precondition(values.rows == keys.rows && y.rows == queries.rows && y.columns == values.columns, "values")
        precondition(mean.map { $0.rows == queries.rows && $0.columns == keys.rows } ?? true, "the mean's shape")
        precondition(mean == nil || shares.count == heads, "\(shares.count) shares of \(heads) heads")
        arena.scope { arena in
            let scratch = unsafe arena.floats(dseg_attention_scratch(keys.rows, keys.columns, heads))
            if let mean {
                unsafe withUnsafePointer(to: mean.c) { mean in
                    unsafe dseg_attention(
                        queries.c, keys.c, values.c, heads, causal, y.c, mean, shares, precision == .int16, scratch)
                }
            } else {
                unsafe dseg_attention(
                    queries.c, keys.c, values.c, heads, causal, y.c, nil, nil, precision == .int16, scratch)
            }
        }
    }

    /// `mean ← mean + Σ share · softmax(q kᵀ / √D)` over heads, `[N, L]`; a head whose share is 0 is not computed.
    package func add(to mean: Matrix, shares: [Float], _ arena: inout Arena) {
        precondition(shares.count == heads, "\(shares.count) shares of \(heads) heads")
        precondition(mean.rows == queries.rows && mean.columns == keys.rows, "the mean's shape")
        arena.scope { arena in
            let scratch = unsafe arena.floats(dseg_attention_scratch(keys.rows, keys.columns, heads))
            unsafe dseg_attention_mean(queries.c, keys.c, heads, mean.c, shares, precision == .int16, scratch)
        }
    }
}
