/// How the numbers of packed weights are held.
package enum PackedNumbers: Sendable, Equatable {
    /// As a file may store them: products widen them and multiply in f32.
    case stored(StoredFloats)
    /// Integers of 16 bits, those of two neighbouring columns side by side, and a scale for each row: products bring
    /// what they multiply them with to fixed point too.
    case fixed
    /// As a file may store them, and scales for their transforms: kernels of 3 x 3 whose convolution multiplies in
    /// fixed point.
    case fixedKernels(StoredFloats)

    /// What matrices of such numbers are multiplied in.
    package var precision: Precision {
        if case .stored = self { .f32 } else { .int16 }
    }
}

/// A learned matrix for products, `[rows, columns]`, in panels of 16 rows.
///
/// Element (row, column) is number `((row / 16) * columns + column) * 16 + row % 16`, and rows that the last panel has
/// too many are zeros. In fixed point it is number
/// `(((row / 16) * ⌈columns / 2⌉ + column / 2) * 16 + row % 16) * 2 + column % 2`.
///
/// A row is an output. Columns are inputs; for a convolution, inputs of each position of its kernel: position · inputs
/// + input. The memory belongs to the ``WeightRegion`` it was read into and lives as long as that does.
@safe package struct PackedWeights {
    /// Rows that stand side by side.
    package static let width = 16

    /// The first element, aligned to ``WeightRegion/alignment`` bytes.
    package let base: UnsafeRawPointer
    package let numbers: PackedNumbers
    /// In fixed point, of each row; of kernels, of each frequency of each row, `[panels, 36, 16]`.
    package let scales: UnsafePointer<Float>?
    package let rows: Int
    package let columns: Int

    package init(
        base: UnsafeRawPointer, numbers: PackedNumbers, scales: UnsafePointer<Float>?, rows: Int, columns: Int
    ) {
        precondition(rows >= 0 && columns >= 0, "weights of shape [\(rows), \(columns)]")
        unsafe precondition((scales == nil) == (numbers.precision == .f32), "fixed point has scales")
        unsafe self.base = unsafe base
        self.numbers = numbers
        unsafe self.scales = unsafe scales
        self.rows = rows
        self.columns = columns
    }
}

/// A learned vector, `[count]`: a bias, or what a norm multiplies with. Small, so f32 whatever the file has.
///
/// The memory belongs to the ``WeightRegion`` it was read into and lives as long as that does.
@safe package struct WeightVector {
    /// The first element, aligned to ``WeightRegion/alignment`` bytes.
    package let base: UnsafePointer<Float>
    package let count: Int

    package init(base: UnsafePointer<Float>, count: Int) {
        precondition(count >= 0, "a vector of \(count) numbers")
        unsafe self.base = unsafe base
        self.count = count
    }
}

/// A learned table, `[rows, columns]`, whose rows are looked up one at a time: row-major, as the file stores it.
///
/// The memory belongs to the ``WeightRegion`` it was read into and lives as long as that does.
@safe package struct WeightTable {
    /// The first element, aligned to ``WeightRegion/alignment`` bytes.
    package let base: UnsafeRawPointer
    package let type: StoredFloats
    package let rows: Int
    package let columns: Int

    package init(base: UnsafeRawPointer, type: StoredFloats, rows: Int, columns: Int) {
        precondition(rows >= 0 && columns >= 0, "a table of shape [\(rows), \(columns)]")
        unsafe self.base = unsafe base
        self.type = type
        self.rows = rows
        self.columns = columns
    }
}
