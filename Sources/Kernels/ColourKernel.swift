import CKernels

/// The kernel of the bilateral filter (Tomasi, Manduchi 1998) on an affinity: it weighs two pixels by how near each
/// other they lie in colour and in the picture.
package struct ColourKernel: Sendable, Hashable {
    /// The standard deviation of colours in 0...1.
    package let colour: Float
    /// The standard deviation of places, in sides of the picture.
    package let position: Float

    package init(colour: Float, position: Float) {
        precondition(colour > 0 && colour.isNormal && position > 0 && position.isNormal, "deviations")
        self.colour = colour
        self.position = position
    }

    /// Replaces probabilities S by `S_ij B_ij / Σ_j S_ij B_ij`, where
    /// `B_ij = exp(-|I_i - I_j|² / (2 colour²) - |p_i - p_j|² / (2 position²))` and p = (row / height, column / width).
    /// A row that adds up to 0 becomes the identity's.
    ///
    /// - Parameters:
    ///   - probabilities: `[N, N]`, none negative, where N = `height * width`
    ///   - colours: I, `[N, 3]` in 0...1
    package func weigh(
        _ probabilities: Matrix, colours: [Float], width: Int, height: Int, _ arena: inout Arena
    ) {
        let pixels = width * height
        precondition(probabilities.rows == pixels && probabilities.columns == pixels, "an affinity of another grid")
        precondition(colours.count == 3 * pixels, "\(colours.count) colours for \(pixels) pixels")
        arena.scope { arena in
            let scratch = unsafe arena.floats(dseg_weigh_scratch(pixels))
            unsafe dseg_weigh(probabilities.c, colours, height, width, colour, position, scratch)
        }
    }
}
