import CKernels

/// How a checkpoint stores real numbers: IEEE 754 binary32, binary16, or bfloat16.
package enum StoredFloats: Sendable {
    case f32, f16, bf16

    /// Bytes of one number.
    package var size: Int { self == .f32 ? 4 : 2 }

    var c: dseg_number {
        switch self {
        case .f32: dseg_f32
        case .f16: dseg_f16
        case .bf16: dseg_bf16
        }
    }

    /// floats[i] ← stored[i], exactly; `[count]` both. For f32 nothing is done: `stored` and `floats` must be the same
    /// memory. Else they are distinct.
    package func widen(
        _ stored: UnsafeRawPointer, into floats: UnsafeMutablePointer<Float>, count: Int
    ) {
        let halves = unsafe stored.assumingMemoryBound(to: UInt16.self)
        switch self {
        case .f32: unsafe precondition(stored == UnsafeRawPointer(floats), "f32 is read in place")
        case .f16: unsafe dseg_widen_f16(halves, floats, count)
        case .bf16: unsafe dseg_widen_bf16(halves, floats, count)
        }
    }
}
