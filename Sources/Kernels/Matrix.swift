package import CKernels

/// A matrix of f32: a view, passed by value, of memory that an `Arena` or a `MatrixStore` owns. A view of a store keeps
/// it alive; a view of an arena must not leave the scope it was made in.
///
/// A matrix has *rows* (positions: pixels or tokens) and *columns* (channels), row-major; `stride` floats lie between
/// the starts of two rows. In shapes, `H` and `W` are height and width of a feature map, `N` positions, `L` text
/// tokens, `C` channels, `D` a head's width, `K` labels. Heads are column ranges. There is no reshaping and no
/// transposing; channels are concatenated by writing to column ranges of a wider matrix.
@safe package struct Matrix {
    package let c: dseg_matrix
    /// Keeps the memory alive.
    private let owner: MatrixStore?

    package var rows: Int { unsafe c.rows }
    package var columns: Int { unsafe c.columns }
    package var stride: Int { unsafe c.stride }
    package var isPacked: Bool { stride == columns }

    /// - Parameter base: `rows * columns` floats that outlive the matrix.
    package init(base: UnsafeMutablePointer<Float>, rows: Int, columns: Int) {
        unsafe self.init(
            c: dseg_matrix(base: base, rows: rows, columns: columns, stride: columns), owner: nil)
    }

    init(c: dseg_matrix, owner: MatrixStore?) {
        unsafe self.c = c
        self.owner = owner
    }

    /// The columns of `range`, as a view with the same stride.
    package func columns(_ range: Range<Int>) -> Matrix {
        precondition(range.lowerBound >= 0 && range.upperBound <= columns, "columns \(range) of \(columns)")
        return unsafe Matrix(
            c: dseg_matrix(base: c.base + range.lowerBound, rows: rows, columns: range.count, stride: stride),
            owner: owner)
    }

    /// The rows of `range`, as a view.
    package func rows(_ range: Range<Int>) -> Matrix {
        precondition(range.lowerBound >= 0 && range.upperBound <= rows, "rows \(range) of \(rows)")
        return unsafe Matrix(
            c: dseg_matrix(
                base: c.base + range.lowerBound * stride, rows: range.count, columns: columns, stride: stride),
            owner: owner)
    }

    /// The numbers of a packed matrix.
    package var floats: UnsafeMutableBufferPointer<Float> {
        precondition(isPacked, "a strided matrix has no single run of numbers")
        return unsafe UnsafeMutableBufferPointer(start: c.base, count: rows * columns)
    }

    /// A copy of the numbers, row by row.
    package var array: [Float] {
        unsafe [Float](unsafeUninitializedCapacity: rows * columns) { buffer, count in
            guard let base = buffer.baseAddress else { return }
            unsafe Matrix(base: base, rows: rows, columns: columns).copy(from: self)
            count = rows * columns
        }
    }

    /// `y ← weights`, where y is one row.
    package func fill(_ weights: WeightVector) {
        copy(from: unsafe Matrix(base: UnsafeMutablePointer(mutating: weights.base), rows: 1, columns: weights.count))
    }

    /// Copies `values`, row by row, into the matrix.
    package func fill(_ values: [Float]) {
        precondition(values.count == rows * columns, "\(values.count) values for [\(rows), \(columns)]")
        unsafe values.withUnsafeBufferPointer { buffer in
            guard let base = buffer.baseAddress else { return }
            let packed = unsafe Matrix(base: UnsafeMutablePointer(mutating: base), rows: rows, columns: columns)
            copy(from: packed)
        }
    }
}
