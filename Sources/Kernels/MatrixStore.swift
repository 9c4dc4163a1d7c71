import CKernels

/// Matrices that outlive a pass: one allocation, reference-counted by the store and its views.
@safe package final class MatrixStore {
    package let bytes: Int
    private let base: UnsafeMutablePointer<Float>
    private let shapes: [(rows: Int, columns: Int)]

    /// Zeroed matrices of the given shapes, in their order.
    package init(_ shapes: [(rows: Int, columns: Int)]) {
        let count = shapes.reduce(0) { $0 + $1.rows * $1.columns }
        // One more, as WeightRegion has: a product may read behind its operands.
        unsafe base = .allocate(capacity: count + 1)
        unsafe base.initialize(repeating: 0, count: count)
        bytes = count * MemoryLayout<Float>.stride
        self.shapes = shapes
    }

    deinit {
        unsafe base.deallocate()
    }

    /// The matrices, in the order of their shapes.
    package var matrices: [Matrix] {
        var start = 0
        return shapes.map { rows, columns in
            defer { start += rows * columns }
            return unsafe Matrix(
                c: dseg_matrix(base: base + start, rows: rows, columns: columns, stride: columns), owner: self)
        }
    }
}

extension Matrix {
    /// A zeroed matrix that owns its memory.
    package init(stored rows: Int, by columns: Int) {
        self = MatrixStore([(rows, columns)]).matrices[0]
    }
}
