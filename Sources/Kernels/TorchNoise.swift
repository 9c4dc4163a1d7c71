import CKernels

/// Seeded noise, number for number that of PyTorch.
package enum TorchNoise {
    /// `count` (at least 16) normal numbers of `seed`, as `torch.randn` draws them on the CPU.
    package static func normals(seed: UInt32, count: Int) -> [Float] {
        precondition(count >= 16, "noise is drawn in blocks of sixteen")
        return unsafe [Float](unsafeUninitializedCapacity: count) { buffer, initialized in
            guard let y = buffer.baseAddress else { return }
            unsafe dseg_noise(seed, y, count)
            initialized = count
        }
    }
}
