import CKernels

/// A matrix inside a larger one whose other numbers carry a mark: a kernel that writes beside its
/// rows and columns breaks the frame, one that reads there meets NaN. No row begins aligned.
@safe final class Framed {
    /// A NaN that no kernel produces.
    private static let mark = Float(bitPattern: 0x7fc0_dead)
    private static let left = 3
    private static let right = 2

    let rows: Int
    let columns: Int
    private let store: UnsafeMutableBufferPointer<Float>

    private var stride: Int { columns + Self.left + Self.right }

    /// `[rows, columns]`, of the numbers `value(row, column)`.
    ///
    /// The pool is started before: it is then that the instruction set is chosen, and no test may see two.
    init(rows: Int, columns: Int, _ value: (Int, Int) -> Float) {
        _ = startedThreads
        self.rows = rows
        self.columns = columns
        let count = (rows + 2) * (columns + Self.left + Self.right)
        unsafe store = .allocate(capacity: count)
        unsafe store.initialize(repeating: Self.mark)
        for row in 0..<rows {
            for column in 0..<columns { unsafe store[place(row, column)] = value(row, column) }
        }
    }

    /// `values`, row by row.
    convenience init(_ values: [Float], rows: Int, columns: Int) {
        self.init(rows: rows, columns: columns) { values[$0 * columns + $1] }
    }

    /// Nothing yet: every number is NaN, and stays so unless it is written.
    convenience init(unwritten rows: Int, _ columns: Int) {
        self.init(rows: rows, columns: columns) { _, _ in .nan }
    }

    deinit {
        unsafe store.deallocate()
    }

    /// The matrix as kernels take it; it lives as long as the frame.
    var c: dseg_matrix {
        unsafe dseg_matrix(base: pointer, rows: rows, columns: columns, stride: stride)
    }

    private var pointer: UnsafeMutablePointer<Float> {
        guard let base = unsafe store.baseAddress else {
            preconditionFailure("a frame has numbers")
        }
        return unsafe base + place(0, 0)
    }

    /// The numbers, row by row.
    var values: [Float] {
        (0..<rows).flatMap { row in
            (0..<columns).map { unsafe store[place(row, $0)] }
        }
    }

    subscript(row: Int, column: Int) -> Float { unsafe store[place(row, column)] }

    /// Writes `values`, row by row.
    func fill(_ values: [Float]) {
        for (index, value) in values.enumerated() { unsafe store[place(index / columns, index % columns)] = value }
    }

    /// Whether everything around the matrix still carries the mark.
    var isFrameIntact: Bool {
        (0..<(rows + 2)).allSatisfy { row in
            (0..<stride).allSatisfy { column in
                let isInside =
                    row >= 1 && row <= rows && column >= Self.left
                    && column < Self.left + columns
                let bits = unsafe store[row * stride + column].bitPattern
                return isInside || bits == Self.mark.bitPattern
            }
        }
    }

    private func place(_ row: Int, _ column: Int) -> Int {
        (row + 1) * stride + Self.left + column
    }
}
