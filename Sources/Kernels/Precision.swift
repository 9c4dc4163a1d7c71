import CKernels

/// In what learned matrices, and queries, keys and values, are multiplied. Everything else is f32 in both.
package enum Precision: String, CaseIterable, Sendable {
    /// The weights as they are stored, widened: the reference.
    case f32
    /// Integers of 16 bits with a scale for each row: two products to an instruction, as of bfloat16, but on every
    /// processor since AVX2. A scale for a row, instead of an exponent for each number, leaves up to 15 bits of a
    /// number where bfloat16 has 8: enough for Winograd's convolutions too, whose transforms magnify rounding errors
    /// tenfold. Sums are exact.
    case int16

    /// int16 where the processor multiplies pairs of integers.
    package static var fastest: Precision { dseg_multiplies_pairs() ? .int16 : .f32 }
}
