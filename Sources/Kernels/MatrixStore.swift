/// Matrices that outlive a pass: one allocation, freed with the store.
@safe package final class MatrixStore {
    package let matrices: [Matrix]
    package let bytes: Int
    private let base: UnsafeMutablePointer<Float>

    /// Zeroed matrices of the given shapes, in their order.
    package init(_ shapes: [(rows: Int, columns: Int)]) {
        let count = shapes.reduce(0) { $0 + $1.rows * $1.columns }
        unsafe base = .allocate(capacity: max(count, 1))
        unsafe base.initialize(repeating: 0, count: count)
        var matrices: [Matrix] = []
        var next = unsafe base
        for shape in shapes {
            matrices.append(unsafe Matrix(base: next, rows: shape.rows, columns: shape.columns))
            unsafe next += shape.rows * shape.columns
        }
        self.matrices = matrices
        bytes = count * MemoryLayout<Float>.stride
    }

    deinit {
        unsafe base.deallocate()
    }
}
