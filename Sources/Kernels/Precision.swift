import CKernels

/// In what learned matrices, and queries, keys and values, are multiplied. Everything else is f32 in both.
package enum Precision: String, CaseIterable, Sendable {
    /// The weights as they are stored, widened: the reference.
    case f32
    /// What bf16 promises, its speed and no more than its error, kept by integers of 16 bits: two products to an
    /// instruction like bfloat16's, on every processor since AVX2, with a scale for each row instead of an exponent for
    /// each number. That leaves up to 15 bits of a number where bfloat16 has 8, and so Winograd's convolutions, whose
    /// transforms magnify roundings tenfold, can be multiplied in it too. Sums are exact.
    case bf16

    /// bf16 where the processor multiplies pairs of integers.
    package static var fastest: Precision { dseg_multiplies_pairs() ? .bf16 : .f32 }
}
