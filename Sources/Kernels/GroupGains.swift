import CKernels

/// What a group norm multiplies and adds, for each channel: `norm(x) = gain x + shift`.
///
/// The numbers lie in an arena, and must not leave the scope they were made in.
@safe package struct GroupGains {
    let c: dseg_gains

    /// Measures x, `[N, C]`.
    package init(
        _ x: Matrix, gamma: WeightVector, beta: WeightVector, groups: Int, epsilon: Float, _ arena: inout Arena
    ) {
        precondition(x.columns % groups == 0, "\(x.columns) channels in \(groups) groups")
        precondition(gamma.count == x.columns && beta.count == x.columns, "a group norm's weights")
        let gain = unsafe arena.floats(x.columns)
        let shift = unsafe arena.floats(x.columns)
        arena.scope { arena in
            let scratch = unsafe arena.floats(dseg_group_norm_scratch(x.rows, x.columns))
            unsafe dseg_group_gains(x.c, gamma.base, beta.base, groups, epsilon, gain, shift, scratch)
        }
        unsafe c = dseg_gains(gain: gain, shift: shift)
    }
}
