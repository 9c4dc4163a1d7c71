import CKernels
import Glibc
import Kernels
import Testing

/// Numbers of rows and columns: each tail, and more columns than a task has.
private let sizes = tails + [300]

/// Attention of a size, some of it 0.
private func attention(_ count: Int) -> Framed {
    var draw = Draw(seed: count)
    return Framed(rows: count, columns: count) { row, column in
        let weight = abs(draw.next())
        return (row * 3 + column) % 11 == 4 ? 0 : weight * weight * (row == column ? 3 : 1)
    }
}

private func matrix(_ numbers: [Float], _ rows: Int, _ columns: Int) -> Matrix {
    let matrix = Matrix(stored: rows, by: columns)
    matrix.fill(numbers)
    return matrix
}

/// Each number over the sum of its row, whose error is that of its numbers.
private func overSums(_ rows: [[Bounded]]) -> [Bounded] {
    rows.flatMap { row -> [Bounded] in
        let sum = row.reduce(0) { $0 + $1.value }
        guard sum > 0 else { return row.map { _ in Bounded(value: 0, slack: 0) } }
        let ofSum = row.reduce(0) { $0 + $1.slack } / sum + 2 * roundoff
        return row.map { Bounded(value: $0.value / sum, slack: $0.slack / sum + $0.value / sum * ofSum) }
    }
}

@Suite struct LinksTests {
    /// Columns are added up in floats: their sums are off by as many roundings as there are rows.
    @Test func `dseg_balance keeps its definition at every size`() {
        for count in sizes {
            let (w, scratch) = (attention(count), Scratch(dseg_links_scratch(count)))
            let sums = (0..<count).map { column in (0..<count).reduce(0) { $0 + Double(w[$1, column]) } }
            let expected = overSums(
                (0..<count).map { row in
                    (0..<count).map { column in
                        let value = sums[column] == 0 ? 0 : Double(w[row, column]) / sums[column]
                        return Bounded(value: value, slack: value * Double(count + 3) * roundoff)
                    }
                })
            unsafe dseg_balance(w.c, scratch.floats)
            expect(w, within: expected, "\(count) positions")
            #expect(scratch.isIntact)
        }
    }

    @Test func `dseg_link keeps its definition at every size`() {
        for count in sizes {
            let (w, y, scratch) = (
                attention(count), Framed(unwritten: count, count), Scratch(dseg_links_scratch(count))
            )
            let halves = (0..<count).map { i in (0..<count).map { j in (Double(w[i, j]) + Double(w[j, i])) / 2 } }
            let means = (0..<count).map { j in halves.reduce(0) { $0 + $1[j] } / Double(count) }
            let expected = overSums(
                halves.map { row in
                    row.enumerated().map { j, half in
                        Bounded(value: max(0, half - means[j]), slack: (half + means[j] * Double(count + 3)) * roundoff)
                    }
                })
            unsafe dseg_link(w.c, y.c, scratch.floats)
            // The sum of a row of one is rounding itself.
            if count > 1 { expect(y, within: expected, "\(count) positions") }
            #expect(w.isFrameIntact && scratch.isIntact)
        }
    }

    @Test func `dseg_softmax keeps its definition at every number of columns`() {
        for count in sizes {
            var draw = Draw(seed: count)
            let x = draw.matrix(5, count)
            let expected = (0..<5).flatMap { row -> [Bounded] in
                let terms = (0..<count).map { exp(20 * (Double(x[row, $0]) - 1)) }
                let sum = terms.reduce(0, +)
                return terms.map { Bounded(value: $0 / sum, slack: $0 / sum * 1e-5) }
            }
            unsafe dseg_softmax(x.c, 20)
            expect(x, within: expected, "\(count) columns")
        }
    }

    @Test(arguments: [(1, 1, 1), (5, 3, 17), (128, 40, 8), (129, 7, 33), (300, 300, 6)])
    func `a product of matrices keeps its definition`(rows: Int, inner: Int, columns: Int) {
        var draw = Draw(seed: rows)
        let (a, b) = (draw.matrix(rows, inner), draw.matrix(inner, columns))
        let y = Framed(unwritten: rows, columns)
        unsafe dseg_multiply_matrices(a.c, b.c, y.c)
        let (left, right) = (a.values.map(Double.init), b.values.map(Double.init))
        let expected = (0..<rows * columns).map { place -> Bounded in
            let (row, column) = place.quotientAndRemainder(dividingBy: columns)
            let terms = (0..<inner).map { left[row * inner + $0] * right[$0 * columns + column] }
            let magnitude = terms.reduce(0) { $0 + $1.magnitude }
            return Bounded(value: terms.reduce(0, +), slack: magnitude * Double(inner + 1) * roundoff)
        }
        expect(y, within: expected, "\(rows) x \(inner) x \(columns)")
        #expect(a.isFrameIntact && b.isFrameIntact)
    }

    @Test func `rows and columns of nothing stay nothing`() throws {
        var arena = try Arena(reserving: 1 << 20)
        let numbers = (0..<21 * 21).map { $0 / 21 == 4 || $0 % 21 == 7 ? Float(0) : 1 }
        let w = matrix(numbers, 21, 21)
        w.balance(&arena)
        #expect(zip(w.array, numbers).allSatisfy { $1 == 0 ? $0 == 0 : abs($0 - 0.05) < 1e-7 })
        let (y, even) = (Matrix(stored: 16, by: 16), matrix(.init(repeating: 0.0625, count: 256), 16, 16))
        y.setLinks(of: even, &arena)
        #expect(y.array.allSatisfy { $0 == 0 }, "no link is stronger than another")
        let tiny = matrix(.init(repeating: 0x1p-130, count: 4), 2, 2)
        tiny.balance(&arena)
        #expect(tiny.array.allSatisfy { $0 == 0 || $0 == 0.5 })
    }

    @Test func `a row with NaN stays NaN and is not hidden`() throws {
        var arena = try Arena(reserving: 1 << 20)
        let numbers = (0..<21 * 21).map { $0 == 7 * 21 + 2 ? Float.nan : 0.5 }
        let w = matrix(numbers, 21, 21)
        w.balance(&arena)
        #expect(w.array[7 * 21..<8 * 21].allSatisfy { $0.isNaN })
        let y = Matrix(stored: 21, by: 21)
        y.setLinks(of: w, &arena)
        #expect(y.array.contains { $0.isNaN })
    }

    @Test func `dseg_cut_below keeps its definition at every size`() {
        for count in sizes {
            var draw = Draw(seed: count)
            let x = draw.matrix(1, count)
            let least = 0.25 * (x.values.max() ?? 0)
            let expected = x.values.map { Bounded(value: $0 < least ? 0 : Double($0), slack: 0) }
            unsafe dseg_cut_below(x.c.base, count, 0.25)
            expect(x, within: expected, "\(count) numbers")
        }
    }

    @Test func `what is below a share of the largest is cut, row by row`() {
        let x = matrix([1, 0.5, 0.49, 0, 8, 4, 3.9, -1], 2, 4)
        x.cut(below: 0.5)
        #expect(x.array == [1, 0.5, 0, 0, 8, 4, 0, 0])
        let none = matrix([0, 0, 0], 1, 3)
        none.cut(below: 0.5)
        #expect(none.array == [0, 0, 0])
    }

    @Test func `the mean of rows is theirs`() throws {
        var arena = try Arena(reserving: 1 << 20)
        let mean = Matrix(stored: 1, by: 3)
        mean.setMean(of: matrix([1, 2, 3, 3, 6, 10], 2, 3), &arena)
        #expect(mean.array == [2, 4, 6.5])
    }
}
