/// A learned matrix for products, `[rows, columns]`.
///
/// A row is an output, columns are its inputs; for a convolution, inputs at each position of its kernel. For f32 it is
/// row-major, as the file has it: column input · positions + position. In fixed point it lies in panels of 16 rows, the
/// last padded with rows of zeros, and column position · inputs + input is in pairs: element (row, column) is number
/// `(((row / 16) * p + column / 2) * 16 + row % 16) * 2 + column % 2`, where p is ⌈columns / 2⌉ + 2, `dseg_panel_rows`,
/// or, of kernels that are quantized once transformed, `((row / 16) * columns + column) * 16 + row % 16`.
///
/// The memory belongs to the ``WeightRegion`` it was read into and lives as long as that does.
@safe package struct WeightMatrix {
    /// Rows of a panel.
    package static let width = 16

    /// The first element, aligned to ``WeightRegion/alignment`` bytes.
    package let base: UnsafeRawPointer
    package let packing: WeightPacking
    /// The type in the file, and in memory unless that holds integers.
    package let type: StoredFloats
    /// In fixed point a scale for each row, or for Winograd's kernels one for each frequency of each row,
    /// `[panels, 36, 16]`.
    package let scales: UnsafePointer<Float>?
    package let rows: Int
    package let columns: Int

    /// - Parameter memory: `packing.bytes(rows * columns, of: type)` bytes, which the packing fills
    package init(
        _ packing: WeightPacking, of type: StoredFloats, in memory: UnsafeRawPointer, rows: Int, columns: Int
    ) {
        precondition(rows >= 0 && columns >= 0, "weights of shape [\(rows), \(columns)]")
        unsafe base = memory + packing.scaleBytes(rows * columns)
        self.packing = packing
        self.type = type
        unsafe scales = packing.precision == .f32 ? nil : memory.assumingMemoryBound(to: Float.self)
        self.rows = rows
        self.columns = columns
    }
}

/// A learned vector, `[count]`: a bias, or a norm's gain or shift. Always f32, for it is small.
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

    /// The rows of `range`, as a view: positions of tokens that continue a text, for example.
    package func rows(_ range: Range<Int>) -> WeightTable {
        precondition(range.lowerBound >= 0 && range.upperBound <= rows, "rows \(range) of \(rows)")
        return unsafe WeightTable(
            base: base + range.lowerBound * columns * type.size, type: type, rows: range.count, columns: columns)
    }
}
