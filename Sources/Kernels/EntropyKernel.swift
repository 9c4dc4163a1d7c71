import CKernels

/// The entropy reduction of an affinity (Sun et al., "iSeg", 2024): it cuts weak links, which lead astray when maps are
/// completed again and again.
package struct EntropyKernel: Sendable, Hashable {
    /// How much of the entropy's derivative is taken away; iSeg's are 0.002 to 0.2.
    package let entropy: Float

    package init(entropy: Float) {
        precondition(entropy >= 0 && entropy.isFinite, "an entropy of \(entropy)")
        self.entropy = entropy
    }

    /// Divides the columns of probabilities by their maxima, makes each number a `max(0, a + ε (1 + ln a) / ln 10)`,
    /// where 0 stays, and divides the rows by their sums. A row that is cut to nothing becomes the identity's.
    ///
    /// - Parameter probabilities: `[N, N]`, none negative
    package func sharpen(_ probabilities: Matrix, _ arena: inout Arena) {
        precondition(probabilities.rows == probabilities.columns, "an affinity is square")
        arena.scope { arena in
            let scratch = unsafe arena.floats(dseg_sharpen_scratch(probabilities.rows))
            unsafe dseg_sharpen(probabilities.c, entropy, scratch)
        }
    }
}
