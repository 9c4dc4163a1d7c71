import CKernels

/// Attention of several layers as links between positions (CLIPer's early-layer fusion), and scores of texts.
extension Matrix {
    /// A round of Sinkhorn's: each column over its sum, then each row over its own. A row that adds up to 0, and a
    /// column that adds up to less than 2^-126, become zeros.
    ///
    /// This matrix is `[N, N]`, none of its numbers negative.
    package func balance(_ arena: inout Arena) {
        precondition(rows == columns, "[\(rows), \(columns)] is balanced")
        arena.scope { arena in
            let scratch = unsafe arena.floats(dseg_links_scratch(rows))
            unsafe dseg_balance(c, scratch)
        }
    }

    /// `y ← l` over the sums of its rows, `l = max(0, m - column means of m)`, `m = (w + wᵀ) / 2`, where y is this
    /// matrix. A row that adds up to 0 becomes zeros.
    ///
    /// - Parameter w: `[N, N]`, none negative, distinct from y
    package func setLinks(of w: Matrix, _ arena: inout Arena) {
        precondition(rows == columns && w.rows == rows && w.columns == columns, "links of [\(w.rows), \(w.columns)]")
        arena.scope { arena in
            let scratch = unsafe arena.floats(dseg_links_scratch(rows))
            unsafe dseg_link(w.c, c, scratch)
        }
    }

    /// `y ← a b`, where y is this matrix, `[N, C]`.
    ///
    /// - Parameters:
    ///   - a: `[N, M]`
    ///   - b: `[M, C]`
    package func setMatrixProduct(_ a: Matrix, _ b: Matrix) {
        precondition(a.rows == rows && a.columns == b.rows && b.columns == columns, "the shapes of a product")
        unsafe dseg_multiply_matrices(a.c, b.c, c)
    }

    /// `y ←` the mean of the rows of x, where y, this matrix, is `[1, C]` and x `[N, C]`.
    package func setMean(of x: Matrix, _ arena: inout Arena) {
        arena.scope { arena in
            let shares = arena.matrix(rows: 1, columns: x.rows)
            shares.fill([Float](repeating: 1 / Float(x.rows), count: x.rows))
            setMatrixProduct(shares, x)
        }
    }

    /// `x ← softmax(scale x)`, row by row.
    ///
    /// - Parameter scale: above 0
    package func setSoftmax(scale: Float) {
        precondition(columns > 0 && scale > 0, "a softmax of \(columns) columns, times \(scale)")
        unsafe dseg_softmax(c, scale)
    }

    /// `x ← 0` where it is below `share` of its row's largest number.
    package func cut(below share: Float) {
        precondition(share >= 0, "a share of \(share)")
        for row in 0..<rows { unsafe dseg_cut_below(rows(row..<row + 1).c.base, columns, share) }
    }
}
