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

    /// How numbers between two places are found.
    package enum Interpolation: Sendable {
        case bicubic, bilinear
    }

    /// `y ← x` at the size of y, this map, as PyTorch's `interpolate` has it for a given size, without antialiasing,
    /// with corners not aligned.
    ///
    /// - Parameter x: `[H·W, C]`, distinct from y
    package func resample(_ x: FeatureMap, _ interpolation: Interpolation) {
        precondition(x.channels == channels, "\(x.channels) channels to \(channels)")
        precondition(x.height > 0 && x.width > 0, "a map without pixels")
        unsafe dseg_resample(x.matrix.c, x.height, x.width, matrix.c, height, width, interpolation == .bilinear)
    }

    /// Of each channel the largest mean over a pixel and its neighbours, up to 3 x 3, into `peaks`, `[1, C]`; a
    /// channel's bits do not depend on the others.
    package func peaks(into peaks: Matrix) {
        precondition(peaks.rows == 1 && peaks.columns == channels, "\(peaks.columns) peaks of \(channels) channels")
        unsafe dseg_peaks(matrix.c, height, width, peaks.c.base)
    }
}
