import CKernels

/// In what the U-Net's feed-forward layers are multiplied, half of its matrix products; sums are f32 in both, and so is
/// everything else.
package enum Precision: String, CaseIterable, Sendable {
    /// The weights as they are stored, widened: the reference.
    case f32
    /// Weights, and what they are multiplied with, rounded to bfloat16: twice the speed where the processor multiplies
    /// it.
    case bf16

    /// bf16 where the processor multiplies it.
    package static var fastest: Precision { dseg_multiplies_bf16() ? .bf16 : .f32 }
}
