import CKernels

/// A picture inside a network: `[H·W, C]`, channels last, pixels in reading order.
package struct FeatureMap {
    package let matrix: Matrix
    package let height: Int
    package let width: Int

    package var channels: Int { matrix.columns }

    package init(_ matrix: Matrix, height: Int, width: Int) {
        precondition(matrix.rows == height * width, "\(matrix.rows) rows for \(height) x \(width) pixels")
        self.matrix = matrix
        self.height = height
        self.width = width
    }

    /// The channels of `range`, as a view.
    package func channels(_ range: Range<Int>) -> FeatureMap {
        FeatureMap(matrix.columns(range), height: height, width: width)
    }

    /// `y ← x` at the size of y, this map: bicubic interpolation as PyTorch's `interpolate` has it for a given size,
    /// without antialiasing and with corners not aligned.
    ///
    /// - Parameter x: `[H·W, C]`, distinct from y
    package func resample(_ x: FeatureMap) {
        precondition(x.channels == channels, "\(x.channels) channels to \(channels)")
        precondition(x.height > 0 && x.width > 0, "a map without pixels")
        unsafe dseg_resample(x.matrix.c, x.height, x.width, matrix.c, height, width)
    }
}
