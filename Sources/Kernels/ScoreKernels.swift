import CKernels

/// Kernels on single maps, `[N]`.
package enum ScoreKernels {
    /// `map ← (map - min) / (max - min)`; a constant map becomes zeros.
    package static func minMax(_ map: inout [Float]) {
        unsafe dseg_min_max(&map, map.count)
    }

    /// `s map`, completion by self-attention; s is `[N, N]`.
    package static func complete(_ map: [Float], by s: Matrix) -> [Float] {
        precondition(s.rows == s.columns && map.count == s.rows, "\(map.count) scores for [\(s.rows), \(s.columns)]")
        return unsafe [Float](unsafeUninitializedCapacity: map.count) { buffer, count in
            guard let y = buffer.baseAddress else { return }
            unsafe dseg_complete(s.c, map, y)
            count = map.count
        }
    }

    /// `sum ← sum + a map`
    package static func add(_ map: [Float], times a: Float, to sum: inout [Float]) {
        precondition(map.count == sum.count, "\(map.count) scores to \(sum.count)")
        unsafe map.withUnsafeBufferPointer { map in
            unsafe sum.withUnsafeMutableBufferPointer { sum in
                guard let map = map.baseAddress, let base = sum.baseAddress else { return }
                let x = unsafe Matrix(base: UnsafeMutablePointer(mutating: map), rows: 1, columns: sum.count)
                unsafe Matrix(base: base, rows: 1, columns: sum.count).blend(x, times: a, keeping: 1)
            }
        }
    }

    /// Where `map` is above `best`, it becomes the best and `index` becomes `label`.
    package static func claim(_ map: [Float], label: UInt8, best: inout [Float], index: inout [UInt8]) {
        precondition(map.count == best.count && map.count == index.count, "maps of different sizes")
        unsafe dseg_claim(map, label, &best, &index, map.count)
    }

    /// How often each of the 256 indices stands in `index`.
    package static func counts(_ index: [UInt8]) -> [UInt64] {
        unsafe [UInt64](unsafeUninitializedCapacity: 256) { buffer, count in
            guard let counts = buffer.baseAddress else { return }
            unsafe dseg_count(index, index.count, counts)
            count = 256
        }
    }

    /// At how many places two masks differ; everywhere, where their sizes do.
    package static func differing(_ x: [UInt8], _ y: [UInt8]) -> Int {
        x.count == y.count ? unsafe dseg_differing(x, y, x.count) : max(x.count, y.count)
    }

    /// The largest |x - y| relative to the largest |y|; infinite where x or y is not finite, absolute where y is zero.
    package static func relativeError(_ x: [Float], to y: [Float]) -> Float {
        precondition(x.count == y.count, "\(x.count) numbers against \(y.count)")
        var difference: Float = 0
        var magnitude: Float = 0
        unsafe dseg_distance(x, y, x.count, &difference, &magnitude)
        return magnitude > 0 && difference < .infinity ? difference / magnitude : difference
    }

    /// `count` (at least 16) normal numbers of `seed`, as `torch.randn` draws them on the CPU.
    package static func noise(seed: UInt32, count: Int) -> [Float] {
        precondition(count >= 16, "noise is drawn in blocks of sixteen")
        return unsafe [Float](unsafeUninitializedCapacity: count) { buffer, initialized in
            guard let y = buffer.baseAddress else { return }
            unsafe dseg_noise(seed, y, count)
            initialized = count
        }
    }
}
