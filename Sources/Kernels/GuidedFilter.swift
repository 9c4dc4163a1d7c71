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
    /// Maps of one call share the guide's statistics, up to twelve of them on a thread.
    ///
    /// - Parameters:
    ///   - maps: `[h·w]` each, in 0...1
    ///   - enlargement: from `[h, w]` to the guide's `[H, W]`
    ///   - filtered: takes as many maps, not rescaled; the bits of one do not depend on the others
    package func filter(
        _ maps: ArraySlice<[Float]>, interpolatedBy enlargement: Enlargement, into filtered: inout FilteredMaps
    ) {
        let (columns, rows) = (enlargement.columns, enlargement.rows)
        precondition(columns.first.count == width && rows.first.count == height, "an enlargement to another size")
        precondition(maps.allSatisfy { $0.count == columns.length * rows.length }, "maps of another grid")
        guard !maps.isEmpty else { return }
        let joined = Array(maps.joined())
        unsafe enlargement.lines { columns, rows in
            let doubles = unsafe dseg_guided_scratch(columns, rows, maps.count, radius)
            filtered.grow(scores: maps.count * width * height, scratch: doubles)
            unsafe filtered.scores.withUnsafeMutableBufferPointer { scores in
                guard let base = scores.baseAddress else { return }
                let places = unsafe (0..<maps.count).map { unsafe base + $0 * width * height }
                unsafe dseg_guided(
                    joined, maps.count, columns, rows, guide, radius, epsilon, places, &filtered.scratch)
            }
        }
    }
}

/// The maps that a guided filter made, and its scratch: some 32 · (radius + 5) bytes for each column of the guide and
/// each map, on each thread. To be kept from one group of maps to the next: fresh pages cost almost as much as the
/// filter.
package struct FilteredMaps {
    /// `[K, H·W]`, and whatever is behind them.
    package fileprivate(set) var scores: [Float] = []
    fileprivate var scratch: [Double] = []

    package init() {}

    fileprivate mutating func grow(scores: Int, scratch: Int) {
        Self.grow(&self.scores, to: scores)
        Self.grow(&self.scratch, to: scratch)
    }

    private static func grow<Number>(_ numbers: inout [Number], to count: Int) {
        guard numbers.count < count else { return }
        numbers = unsafe [Number](unsafeUninitializedCapacity: count) { $1 = count }
    }
}
