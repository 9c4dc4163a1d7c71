package import CKernels

/// Queries or keys of one attention layer, quantized to 16 bits a number and a scale for each head of each row: half
/// the bytes of f32.
///
/// A head of a row is scaled to a Euclidean length of 46000, or to a largest magnitude of 32767 where that is less: a
/// number's error is at most 1.6e-5 of the length.
@safe package final class FixedPoint {
    /// Columns of the matrix that was quantized.
    package let columns: Int
    /// Rows of the matrix that was quantized.
    package let rows: Int
    package let c: dseg_fixed
    package let bytes: Int
    /// Rows with padding.
    var paddedRows: Int { unsafe c.rows }
    var heads: Int { unsafe c.heads }

    /// Quantizes queries, `[N, C]`; heads are ranges of `C / heads` columns.
    package init(queries: Matrix, heads: Int) {
        (rows, columns) = (queries.rows, queries.columns)
        unsafe (c, bytes) = Self.room(rows: dseg_fixed_rows(queries.rows), columns: queries.columns, heads: heads)
        unsafe dseg_quantize_queries(queries.c, c)
    }

    /// Quantizes keys, `[L, C]`.
    package init(keys: Matrix, heads: Int) {
        (rows, columns) = (keys.rows, keys.columns)
        unsafe (c, bytes) = Self.room(rows: keys.rows, columns: keys.columns, heads: heads)
        unsafe dseg_quantize_keys(keys.c, c)
    }

    deinit {
        unsafe c.values.deallocate()
        unsafe c.scales.deallocate()
    }

    /// Zeroed memory.
    private static func room(rows: Int, columns: Int, heads: Int) -> (dseg_fixed, bytes: Int) {
        precondition(heads > 0 && columns % heads == 0, "\(heads) heads of \(columns) columns")
        let width = columns / heads
        let count = dseg_fixed_numbers(rows, heads, width)
        let values = UnsafeMutablePointer<Int16>.allocate(capacity: max(count, 1))
        unsafe values.initialize(repeating: 0, count: count)
        let scales = UnsafeMutablePointer<Float>.allocate(capacity: max(rows * heads, 1))
        unsafe scales.initialize(repeating: 0, count: rows * heads)
        return unsafe (
            dseg_fixed(values: values, scales: scales, rows: rows, heads: heads, width: width),
            count * MemoryLayout<Int16>.stride + rows * heads * MemoryLayout<Float>.stride
        )
    }
}
