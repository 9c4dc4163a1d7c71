/// A learned matrix for products, `[rows, columns]`, as the file stores its numbers, in panels of 16 rows: element
/// (row, column) is number `((row / 16) * columns + column) * 16 + row % 16`, and rows that the last panel has too many
/// are zeros.
///
/// A row is an output. Columns are inputs; for a convolution, inputs of each position of its kernel: position · inputs
/// + input. The memory belongs to the ``WeightRegion`` it was read into and lives as long as that does.
@safe package struct WeightPanels {
    /// Rows that stand side by side.
    package static let width = 16

    /// The first element, aligned to ``WeightRegion/alignment`` bytes.
    package let base: UnsafeRawPointer
    package let type: StoredFloats
    package let rows: Int
    package let columns: Int

    package init(base: UnsafeRawPointer, type: StoredFloats, rows: Int, columns: Int) {
        precondition(rows >= 0 && columns >= 0, "weights of shape [\(rows), \(columns)]")
        unsafe self.base = unsafe base
        self.type = type
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
