/// How the numbers of packed weights are held.
package enum PackedNumbers: Sendable, Equatable {
    /// As a file may store them: products widen them and multiply in f32.
    case stored(StoredFloats)
    /// bf16, the numbers of two neighbouring columns side by side: products round what they multiply them with too.
    case bf16Pairs
}

/// A learned matrix for products, `[rows, columns]`, in panels of 16 rows.
///
/// Element (row, column) is number `((row / 16) * columns + column) * 16 + row % 16`, and rows that the last panel has
/// too many are zeros. In pairs it is number
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
    package let rows: Int
    package let columns: Int

    package init(base: UnsafeRawPointer, numbers: PackedNumbers, rows: Int, columns: Int) {
        precondition(rows >= 0 && columns >= 0, "weights of shape [\(rows), \(columns)]")
        unsafe self.base = unsafe base
        self.numbers = numbers
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
