import CKernels

/// Seeded noise, the same numbers as PyTorch's.
package enum TorchNoise {
    /// `count` (at least 16) standard normal numbers, as `torch.randn` draws them on the CPU after `manual_seed(seed)`.
    package static func normals(seed: UInt32, count: Int) -> [Float] {
        precondition(count >= 16, "noise is drawn in blocks of sixteen")
        return unsafe [Float](unsafeUninitializedCapacity: count) { buffer, initialized in
            guard let y = buffer.baseAddress else { return }
            unsafe dseg_noise(seed, y, count)
            initialized = count
        }
    }
}
