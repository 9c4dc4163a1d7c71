import CKernels

/// A group norm: `y = (x - mean) / √(variance + ε) · γ + β`, over all positions of each group of
/// channels.
package struct GroupNormWeights {
    let gamma: WeightVector
    let beta: WeightVector
    let groups: Int
    let epsilon: Float

    package init(gamma: WeightVector, beta: WeightVector, groups: Int, epsilon: Float) {
        self.gamma = gamma
        self.beta = beta
        self.groups = groups
        self.epsilon = epsilon
    }

    /// The norm of x, `[N, C]`, as a gain and a shift for each channel, for kernels that normalise x as they read it.
    ///
    /// They lie in the arena, and must not leave the scope they were made in.
    func gains(_ x: Matrix, _ arena: inout Arena) -> dseg_gains {
        check(x)
        let gain = unsafe arena.floats(x.columns)
        let shift = unsafe arena.floats(x.columns)
        arena.scope { arena in
            let scratch = unsafe arena.floats(dseg_group_norm_scratch(x.rows, x.columns))
            unsafe dseg_group_gains(x.c, gamma.base, beta.base, groups, epsilon, gain, shift, scratch)
        }
        return unsafe dseg_gains(gain: gain, shift: shift)
    }

    fileprivate func check(_ x: Matrix) {
        precondition(x.columns % groups == 0, "\(x.columns) channels in \(groups) groups")
        precondition(gamma.count == x.columns && beta.count == x.columns, "a group norm's weights")
    }
}

extension Matrix {
    /// `y ← norm(x)`, then `y ← y σ(y)` if `silu`; x and y, this matrix, `[N, C]`, may be the same.
    package func setGroupNorm(_ x: Matrix, _ norm: GroupNormWeights, silu: Bool, _ arena: inout Arena) {
        precondition(x.rows == rows && x.columns == columns, "a group norm's shapes")
        norm.check(x)
        arena.scope { arena in
            let scratch = unsafe arena.floats(dseg_group_norm_scratch(rows, columns))
            let (gamma, beta) = unsafe (norm.gamma.base, norm.beta.base)
            if silu {
                unsafe dseg_group_norm_silu(x.c, c, gamma, beta, norm.groups, norm.epsilon, scratch)
            } else {
                unsafe dseg_group_norm(x.c, c, gamma, beta, norm.groups, norm.epsilon, scratch)
            }
        }
    }
}
