import CKernels
import Kernels
import Testing

/// `y ← table[tokens] + positions` of tables that end at a fence.
private func embedding(_ tokens: [Int32], _ table: Stored, _ positions: Stored, columns: Int) -> Framed {
    let (rows, places) = (Fenced(table.bytes), Fenced(positions.bytes))
    let y = Framed(unwritten: tokens.count, columns)
    unsafe dseg_embed(
        tokens, dseg_table(base: rows.base, number: table.number, columns: columns),
        dseg_table(base: places.base, number: positions.number, columns: columns), y.c)
    return y
}

extension StoredFloats {
    fileprivate var number: dseg_number {
        switch self {
        case .f32: dseg_f32
        case .f16: dseg_f16
        case .bf16: dseg_bf16
        }
    }
}

@Suite struct EmbeddingTests {
    @Test func `dseg_embed adds each token's row of the table to its position's row, however they are stored`() {
        for (number, other) in storedNumbers.flatMap({ number in storedNumbers.map { (number, $0) } }) {
            for columns in tails {
                var draw = Draw(seed: columns)
                let (table, positions) = (draw.stored(number, 11 * columns), draw.stored(other, 7 * columns))
                let tokens: [Int32] = [10, 0, 3, 3, 9, 1, 0]
                let y = embedding(tokens, table, positions, columns: columns)
                let (rows, places) = (table.floats, positions.floats)
                let expected = (0..<(7 * columns)).map { place in
                    rows[Int(tokens[place / columns]) * columns + place % columns] + places[place]
                }
                #expect(y.values == expected && y.isFrameIntact, "\(number), \(other), \(columns) columns")
            }
        }
    }

    @Test func `dseg_read reads or adds a table's rows, however they are stored`() {
        for number in storedNumbers {
            for columns in tails {
                var draw = Draw(seed: columns)
                let (table, before) = (draw.stored(number, 3 * columns), draw.floats(3 * columns))
                let rows = Fenced(table.bytes)
                let c = unsafe dseg_table(base: rows.base, number: number, columns: columns)
                let (y, sum) = (Framed(unwritten: 3, columns), Framed(before, rows: 3, columns: columns))
                unsafe dseg_read(c, y.c, false)
                unsafe dseg_read(c, sum.c, true)
                withExtendedLifetime(rows) {}
                #expect(y.values == table.floats && y.isFrameIntact, "\(number), \(columns) columns")
                #expect(sum.values == zip(table.floats, before).map(+) && sum.isFrameIntact, "\(number), \(columns)")
            }
        }
    }

    /// A decoder that continues at a position embeds its token with that position's row.
    @Test(arguments: [StoredFloats.f32, .f16, .bf16])
    func `a token embedded behind others is the same as in their company`(type: StoredFloats) {
        var draw = Draw(seed: 3)
        let numbers = (draw.stored(type.number, 11 * 20), draw.stored(type.number, 7 * 20))
        let memory = (Fenced(numbers.0.bytes), Fenced(numbers.1.bytes))
        let table = unsafe WeightTable(base: memory.0.base, type: type, rows: 11, columns: 20)
        let positions = unsafe WeightTable(base: memory.1.base, type: type, rows: 7, columns: 20)
        let tokens: [Int32] = [10, 0, 3, 3, 9, 1, 0]
        let (together, one) = (Matrix(stored: 7, by: 20), Matrix(stored: 1, by: 20))
        together.embed(tokens, table: table, positions: positions)
        for place in 0..<7 {
            one.embed([tokens[place]], table: table, positions: positions.rows(place..<7))
            #expect(one.array == together.rows(place..<(place + 1)).array)
        }
        let some = Matrix(stored: 3, by: 20)
        some.fill(positions.rows(2..<5))
        #expect(some.array == Array(numbers.1.floats[40..<100]))
        some.add(table.rows(8..<11))
        #expect(some.array == zip(numbers.1.floats[40...], numbers.0.floats[160...]).map(+).prefix(60) + [])
        withExtendedLifetime(memory) {}
    }

    /// Adding -0 leaves every number's bits as they are. Arithmetic quiets a NaN that signals, and the processor's own
    /// widening of halves (F16C) does so too, where dseg_widen_f16 keeps all bits of it: so a NaN is held to be the
    /// same NaN, quiet.
    @Test func `all 65,536 halves of either format become their floats, NaN a quiet one`() {
        let halves = (0...UInt32(UInt16.max)).map { $0 }
        for (number, zero) in [(dseg_f16, 0x8000 as UInt32), (dseg_bf16, 0x8000), (dseg_f32, 0x8000_0000)] {
            let table = Stored(number, bits: number == dseg_f32 ? halves.map { $0 << 16 | 0x1234 } : halves)
            for columns in [1 << 16, 1 << 15, 1 << 8] {
                let rows = (1 << 16) / columns
                let zeros = Stored(number, bits: [UInt32](repeating: zero, count: 1 << 16))
                let y = embedding((0..<Int32(rows)).map { $0 }, table, zeros, columns: columns)
                let expected = table.floats.map { $0.isNaN ? $0.bitPattern | 0x40_0000 : $0.bitPattern }
                #expect(y.values.map(\.bitPattern) == expected && y.isFrameIntact, "\(number), \(columns) columns")
            }
        }
    }

    /// The halves that are no numbers reach a product too. A sum begins with zero: -0 becomes 0.
    @Test func `all halves as weights become their floats, and NaN stays`() {
        let halves = (0...UInt32(UInt16.max)).map { $0 }
        for number in [dseg_f16, dseg_bf16] {
            let stored = Stored(number, bits: halves)
            let w = Weights(stored, outputs: 1 << 16, inputs: 1)
            let x = Framed(rows: 1, columns: 1) { _, _ in 1 }
            let y = Framed(unwritten: 1, 1 << 16)
            let scratch = Scratch(dseg_linear_scratch(1, 1, 1 << 16))
            unsafe dseg_linear(x.c, w.c, nil, y.c, false, scratch.floats)
            let isKept = zip(y.values, stored.floats).allSatisfy { $0 == $1 || ($0.isNaN && $1.isNaN) }
            #expect(isKept && y.isFrameIntact && scratch.isIntact, "\(number)")
        }
    }
}
