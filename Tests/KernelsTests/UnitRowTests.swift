import Kernels
import Support
import Testing

@Suite struct UnitRowTests {
    @Test(arguments: [1, 3, 15, 16, 17, 64, 769])
    func `dseg_unit_rows gives rows the length 1, and leaves rows of zeros`(columns: Int) {
        var random = SeededGenerator(seed: UInt64(columns))
        let wide = Matrix(stored: 5, by: columns + 3)
        wide.fill((0..<5 * (columns + 3)).map { _ in Float.random(in: -3...3, using: &random) })
        let x = wide.columns(2..<2 + columns)
        x.rows(3..<4).clear()
        let (before, all) = (x.array, wide.array)
        x.setUnitRows()
        let after = x.array
        for row in 0..<5 {
            let values = before[row * columns..<(row + 1) * columns].map(Double.init)
            let length = values.reduce(0) { $0 + $1 * $1 }.squareRoot()
            for (found, value) in zip(after[row * columns..<(row + 1) * columns], values) {
                #expect(row == 3 ? found == 0 : abs(Double(found) - value / length) < 2e-7)
            }
        }
        // Nothing beside the columns is touched.
        let beside = zip(wide.array, all).enumerated().filter { !(2..<2 + columns).contains($0.offset % (columns + 3)) }
        #expect(beside.count == 15 && beside.allSatisfy { $0.element.0 == $0.element.1 })
    }

    @Test(arguments: [(1, 1, 1), (1, 80, 64), (5, 3, 17), (33, 4, 769), (7, 0, 8)])
    func `dseg_dot_products keeps its definition, and a row its bits in any company`(
        rows: Int, others: Int, columns: Int
    ) throws {
        var random = SeededGenerator(seed: 7)
        func matrix(_ rows: Int) -> Matrix {
            let matrix = Matrix(stored: rows, by: columns)
            matrix.fill((0..<rows * columns).map { _ in Float.random(in: -1...1, using: &random) })
            return matrix
        }
        let (x, y) = (matrix(rows), matrix(others))
        let products = Matrix(stored: others, by: rows)
        products.setDotProducts(x, y)
        for other in 0..<others {
            let alone = Matrix(stored: 1, by: rows)
            alone.setDotProducts(x, y.rows(other..<other + 1))
            #expect(products.rows(other..<other + 1).array == alone.array)
            for row in 0..<rows {
                let pairs = zip(x.rows(row..<row + 1).array, y.rows(other..<other + 1).array)
                let expected = pairs.reduce(0.0) { $0 + Double($1.0) * Double($1.1) }
                #expect(abs(Double(alone.array[row]) - expected) < 1e-5 * Double(columns).squareRoot())
            }
        }
    }
}
