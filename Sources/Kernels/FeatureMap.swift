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
}
