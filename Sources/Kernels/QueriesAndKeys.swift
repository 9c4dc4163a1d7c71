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
    ///   - mean: `[N, L]`, to which the probabilities, averaged over heads, times `share`, are added
    package func attend(
        to values: Matrix, causal: Bool, into y: Matrix, addingMeanTo mean: Matrix?, share: Float,
        _ arena: inout Arena
    ) {
        precondition(values.rows == keys.rows && y.rows == queries.rows && y.columns == values.columns, "values")
        precondition(mean.map { $0.rows == queries.rows && $0.columns == keys.rows } ?? true, "the mean's shape")
        arena.scope { arena in
            let scratch = unsafe arena.floats(dseg_attention_scratch(keys.rows, keys.columns, heads))
            if let mean {
                unsafe withUnsafePointer(to: mean.c) { mean in
                    unsafe dseg_attention(
                        queries.c, keys.c, values.c, heads, causal, y.c, mean, share, precision == .int16, scratch)
                }
            } else {
                unsafe dseg_attention(
                    queries.c, keys.c, values.c, heads, causal, y.c, nil, 0, precision == .int16, scratch)
            }
        }
    }

    /// `mean ← mean + share · (softmax(q kᵀ / √D), averaged over heads)`, `[N, L]`.
    package func add(toMean mean: Matrix, share: Float, _ arena: inout Arena) {
        precondition(mean.rows == queries.rows && mean.columns == keys.rows, "the mean's shape")
        arena.scope { arena in
            let scratch = unsafe arena.floats(dseg_attention_scratch(keys.rows, keys.columns, heads))
            unsafe dseg_attention_mean(queries.c, keys.c, heads, mean.c, share, precision == .int16, scratch)
        }
    }
}
