import CImages

extension Region {
    /// The lengths of the runs down each column, the columns from left to right: alternately of pixels that are out and
    /// in, beginning with those that are out, of which there may be none.
    package var columnRuns: [UInt32] {
        let count = unsafe dseg_column_runs(pixels, width, height, nil)
        var runs = [UInt32](repeating: 0, count: count)
        _ = unsafe dseg_column_runs(pixels, width, height, &runs)
        return runs
    }
}

/// The order of MATLAB and Fortran, in which the first axis is the fastest.
package enum ColumnMajor {
    /// A matrix in that order.
    ///
    /// - Parameter matrix: `[rows, columns]`, the last axis the fastest
    package static func reordered(_ matrix: [Float], rows: Int, columns: Int) -> [Float] {
        precondition(matrix.count == rows * columns, "a matrix is [rows, columns]")
        return unsafe [Float](unsafeUninitializedCapacity: matrix.count) { reordered, written in
            guard let base = reordered.baseAddress else { return }
            unsafe dseg_transpose(matrix, rows, columns, base)
            written = matrix.count
        }
    }
}
