import CKernels

/// The colour guided filter (He, Sun, Tang: Guided Image Filtering, IEEE TPAMI 2013): moves the edges of score maps to
/// those of a picture.
///
/// Where maps are fitted by colours in boxes, means are over the part of a box that is inside the picture. Filtered
/// maps differ from the definition by less than 1e-5: numbers are in fixed point, so that running sums are exact.
package struct GuidedFilter: Sendable {
    /// RGB, `[height, width, 3]`.
    private let guide: [UInt8]
    private let width: Int
    private let height: Int
    private let radius: Int
    private let epsilon: Float

    /// - Parameters:
    ///   - samples: the guide, 8-bit RGB, `[height, width, 3]`
    ///   - radius: of a box of 2 · radius + 1 pixels a side, in 1...700
    ///   - epsilon: what is added to the variance of colours in 0...1, at least 1e-6
    package init(guide samples: [UInt8], width: Int, height: Int, radius: Int, epsilon: Float) {
        precondition(width > 0 && height > 0 && samples.count == width * height * 3, "RGB is [height, width, 3]")
        precondition((1...700).contains(radius), "a radius of \(radius)")
        precondition(epsilon >= 1e-6 && epsilon.isFinite, "an epsilon of \(epsilon)")
        guide = samples
        self.width = width
        self.height = height
        self.radius = radius
        self.epsilon = epsilon
    }

    /// Interpolates maps to the guide's size and filters them.
    ///
    /// The guide's statistics are computed once for eight maps. Scratch for each thread and up to four maps is some
    /// 64 · (2 · radius + 10) bytes for each of the guide's columns: 3 MiB for a guide of 512 x 512, 43 MiB for one of
    /// 2000 x 2000, where the radius is a twelfth of a side.
    ///
    /// - Parameters:
    ///   - maps: `[h·w]` each, in 0...1
    ///   - enlargement: from `[h, w]` to the guide's `[H, W]`
    /// - Returns: as many maps, `[H·W]`, not rescaled; the bits of one do not depend on the others
    package func filtered(_ maps: [[Float]], interpolatedBy enlargement: Enlargement) -> [[Float]] {
        let (columns, rows) = (enlargement.columns, enlargement.rows)
        precondition(columns.first.count == width && rows.first.count == height, "an enlargement to another size")
        precondition(maps.allSatisfy { $0.count == columns.length * rows.length }, "maps of another grid")
        guard !maps.isEmpty else { return [] }
        let joined = Array(maps.joined())
        return unsafe withMaps(maps.count, after: []) { y in
            unsafe enlargement.lines { columns, rows in
                let doubles = unsafe dseg_guided_scratch(columns, rows, maps.count, radius)
                let scratch = UnsafeMutablePointer<Double>.allocate(capacity: doubles)
                unsafe dseg_guided(joined, maps.count, columns, rows, guide, radius, epsilon, y, scratch)
                unsafe scratch.deallocate()
            }
        }
    }

    /// Maps of the guide's size that `fill` initialises, `count` more than those before.
    private func withMaps(
        _ count: Int, after before: [UnsafeMutablePointer<Float>], _ fill: ([UnsafeMutablePointer<Float>]) -> Void
    ) -> [[Float]] {
        guard count > 0 else {
            unsafe fill(before)
            return []
        }
        var others: [[Float]] = []
        let map = unsafe [Float](unsafeUninitializedCapacity: width * height) { buffer, written in
            guard let base = buffer.baseAddress else { return }
            others = unsafe withMaps(count - 1, after: before + [base], fill)
            written = width * height
        }
        return [map] + others
    }
}
