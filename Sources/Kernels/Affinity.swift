import CKernels

/// An affinity matrix `[N, N]`, whose rows add up to 1, quantized to 16 bits a number and a scale for each row: half
/// the bytes of f32. A number's error is at most 1 / 131070 of its row's largest; of square roots it is twice the
/// geometric mean of that and the number, for the small ones of a peaked row, which add up.
@safe package final class Affinity {
    /// N
    package let pixels: Int
    package var bytes: Int { pixels * (pixels * MemoryLayout<UInt16>.stride + MemoryLayout<Float>.stride) }
    private let levels: UnsafeMutablePointer<UInt16>
    private let scales: UnsafeMutablePointer<Float>
    private let roots: Bool

    /// Quantizes probabilities, `[N, N]`.
    ///
    /// - Parameters:
    ///   - roots: whether their square roots are quantized (companding)
    ///   - unitRows: whether each row is scaled to add up to one once more, after quantization. Completion that is
    ///     repeated makes maps nearly constant: what is left of them is lost if the rows add up to different sums.
    package init(_ probabilities: Matrix, roots: Bool, unitRows: Bool) {
        precondition(probabilities.rows == probabilities.columns, "an affinity is square")
        pixels = probabilities.rows
        self.roots = roots
        unsafe levels = .allocate(capacity: max(pixels * pixels, 1))
        unsafe scales = .allocate(capacity: max(pixels, 1))
        unsafe dseg_quantize_unsigned(probabilities.c, roots, levels, scales)
        if unitRows { unsafe dseg_unit_scales(levels, pixels, pixels, roots, scales) }
    }

    deinit {
        unsafe levels.deallocate()
        unsafe scales.deallocate()
    }

    /// The probabilities of one pixel, `[N]`.
    package func row(_ row: Int) -> [Float] {
        precondition(row >= 0 && row < pixels, "row \(row) of \(pixels)")
        let scale = unsafe scales[row]
        return unsafe UnsafeBufferPointer(start: levels + row * pixels, count: pixels).map { level in
            let number = Float(level) * scale
            return roots ? number * number : number
        }
    }

    /// Completion, `S m` for each map: a pixel's score becomes the mean of all, weighted by their affinity to it.
    ///
    /// - Parameter maps: `[N]` each, at least one
    /// - Returns: as many maps; the bits of one do not depend on the others
    package func completing(_ maps: [[Float]], _ arena: inout Arena) -> [[Float]] {
        arena.scope { arena in
            let joined = arena.matrix(joining: maps)
            precondition(joined.columns == pixels, "\(joined.columns) scores for \(pixels) pixels")
            let completed = arena.matrix(rows: maps.count, columns: pixels)
            let scratch = unsafe arena.floats(dseg_complete_scratch(pixels))
            unsafe dseg_complete(
                levels, roots, scales, pixels, joined.c.base, maps.count, completed.c.base, scratch)
            return maps.indices.map { completed.rows($0..<$0 + 1).array }
        }
    }
}
