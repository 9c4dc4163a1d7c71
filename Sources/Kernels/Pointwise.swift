import CKernels

extension Matrix {
    /// `y ← x`, where y is this matrix.
    package func copy(from x: Matrix) {
        precondition(x.rows == rows && x.columns == columns, "[\(x.rows), \(x.columns)] to [\(rows), \(columns)]")
        unsafe dseg_copy(x.c, c)
    }

    /// `x ← 0`
    package func clear() { unsafe dseg_clear(c) }

    /// `y ← a x + b y`, where y is this matrix; x may be the same.
    package func blend(_ x: Matrix, times a: Float, keeping b: Float) {
        precondition(x.rows == rows && x.columns == columns, "[\(x.rows), \(x.columns)] to [\(rows), \(columns)]")
        unsafe dseg_blend(x.c, a, c, b)
    }

    /// `y ← y + r x c`, where y is this matrix, r has a weight for each row and c one for each column.
    package func add(_ x: Matrix, timesRows r: [Float], columns c: [Float]) {
        precondition(x.rows == rows && x.columns == columns, "[\(x.rows), \(x.columns)] to [\(rows), \(columns)]")
        precondition(r.count == rows && c.count == columns, "\(r.count) and \(c.count) weights")
        unsafe dseg_add_weighted(x.c, r, c, self.c)
    }

    /// `x ← a x + b`
    package func scale(by a: Float, adding b: Float) { unsafe dseg_affine(c, a, b) }

    /// `y ← x y`, where y is this matrix.
    package func multiply(by x: Matrix) {
        precondition(x.rows == rows && x.columns == columns, "[\(x.rows), \(x.columns)] to [\(rows), \(columns)]")
        unsafe dseg_multiply(x.c, c)
    }

    /// `x ← exp(clamp(x, -30, 20) / 2)`: log variance to standard deviation, clamped as in diffusers.
    package func setDeviation() { unsafe dseg_deviation(c) }

    /// `x ← x σ(x)`
    package func silu() { unsafe dseg_silu(c) }

    /// `x ← x σ(1.702 x)`
    package func quickGELU() { unsafe dseg_quick_gelu(c) }

    /// `x ← x (1 + erf(x / √2)) / 2`
    package func gelu() { unsafe dseg_gelu(c) }

    /// `y ← h gelu(g)`, where x = [h, g] is `[N, 2 C]` and y, this matrix, `[N, C]`.
    package func setGatedGELU(_ x: Matrix) {
        precondition(x.rows == rows && x.columns == 2 * columns, "a gate is twice as wide as its output")
        unsafe dseg_gated_gelu(x.c, c)
    }

    /// `y ← table`, where y is this matrix, of the table's shape.
    package func fill(_ table: WeightTable) { read(table, adding: false) }

    /// `y ← y + table`, where y is this matrix, of the table's shape.
    package func add(_ table: WeightTable) { read(table, adding: true) }

    private func read(_ table: WeightTable, adding: Bool) {
        precondition(table.rows == rows && table.columns == columns, "[\(rows), \(columns)] from another table")
        unsafe dseg_read(table.c, c, adding)
    }

    /// `y ← table[tokens] + positions`; table `[vocabulary, C]`, positions `[≥ L, C]`, y `[L, C]`.
    package func embed(_ tokens: [Int32], table: WeightTable, positions: WeightTable) {
        precondition(tokens.count == rows && rows <= positions.rows, "\(tokens.count) tokens")
        precondition(table.columns == columns && positions.columns == columns, "an embedding's width")
        precondition(tokens.allSatisfy { $0 >= 0 && Int($0) < table.rows }, "a token outside the vocabulary")
        unsafe dseg_embed(tokens, table.c, positions.c, c)
    }

    /// The sinusoidal embedding of a timestep, in this `[1, C]` matrix, as diffusers has it.
    package func embed(timestep: Float, cosinesFirst: Bool, frequencyShift: Float) {
        precondition(rows == 1, "a timestep has one row")
        unsafe dseg_timestep_embedding(timestep, cosinesFirst, frequencyShift, c.base, columns)
    }

    /// The first place where the largest number of a row stands, or NaN.
    package var placeOfLargest: Int {
        precondition(rows == 1 && columns > 0, "the largest of [\(rows), \(columns)]")
        return unsafe dseg_place_of_largest(c.base, columns)
    }

    /// Planes to channels-last: `y[i][c] ← planes[c][i]`, where y, this matrix, is `[N, C]`.
    package func interleave(_ planes: [Float]) {
        precondition(planes.count == rows * columns, "\(planes.count) numbers for [\(rows), \(columns)]")
        unsafe dseg_interleave(planes, c)
    }

    /// The same of planes `[C, N]`, packed and distinct from y.
    package func interleave(_ planes: Matrix) {
        precondition(planes.isPacked && planes.rows == columns && planes.columns == rows, "planes of another shape")
        unsafe dseg_interleave(planes.c.base, c)
    }

    /// Channels-last to planes: the `[C, N]` numbers of this matrix, `[N, C]`.
    package var planes: [Float] {
        unsafe [Float](unsafeUninitializedCapacity: rows * columns) { buffer, count in
            guard let base = buffer.baseAddress else { return }
            unsafe dseg_separate(c, base)
            count = rows * columns
        }
    }

    /// `x ← x / ‖x‖`, row by row; a row of zeros stays.
    package func setUnitRows() { unsafe dseg_unit_rows(c) }

    /// The products of each row of a matrix with each row of another, `y ← b aᵀ`, where y, this matrix, is `[K, N]`.
    /// The bits of a row depend on a and its own row of b alone.
    ///
    /// - Parameters:
    ///   - a: `[N, C]`
    ///   - b: `[K, C]`
    package func setDotProducts(_ a: Matrix, _ b: Matrix) {
        precondition(a.columns == b.columns && rows == b.rows && columns == a.rows, "the shapes of dot products")
        unsafe dseg_dot_products(a.c, b.c, c)
    }

    /// `y ← normalised x`, row by row; x and y, this matrix, may be the same.
    package func setLayerNorm(_ x: Matrix, gamma: WeightVector, beta: WeightVector, epsilon: Float) {
        precondition(x.rows == rows && x.columns == columns, "a layer norm's shapes")
        precondition(gamma.count == columns && beta.count == columns, "a layer norm's weights")
        unsafe dseg_layer_norm(x.c, c, gamma.base, beta.base, epsilon)
    }
}

extension WeightTable {
    fileprivate var c: dseg_table { unsafe dseg_table(base: base, number: type.c, columns: columns) }
}
