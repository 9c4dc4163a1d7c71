import CKernels

/// The arithmetic of products with weights and of attention. All else is f32 in both.
package enum Precision: String, CaseIterable, Sendable {
    /// Weights are widened to f32: the reference.
    case f32
    /// Operands are quantized to 16-bit integers with a scale for each row, and accumulated exactly in 32 bits. Like
    /// bfloat16 that is two multiply-adds to a lane, but on every processor since AVX2, and up to 15 bits of mantissa
    /// where bfloat16 has 8: enough for Winograd convolutions, whose transforms magnify rounding errors tenfold.
    case int16

    /// Whether the bits of a product's row depend on that row and the weights alone: sums of integers are exact. In f32
    /// OpenBLAS adds up a row in an order that follows from its place among the rows, and from how many there are.
    package var rowsAreIndependent: Bool { self == .int16 }

    /// int16 where the processor multiplies pairs of integers.
    package static var fastest: Precision { dseg_multiplies_pairs() ? .int16 : .f32 }
}
