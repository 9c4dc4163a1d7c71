import CKernels
import Kernels
import Testing

@Suite struct AffinityTests {
    @Test func `dseg_unit_scales makes each row add up to one, as near as its scale can be`() {
        for (count, roots) in (tails + [4096]).flatMap({ [($0, false), ($0, true)] }) {
            var draw = Draw(seed: count)
            // A row of the largest levels, one of none, one of a single level, and drawn ones beyond a task's 48.
            let rows = count > 300 ? 3 : 50
            let levels = (0..<rows * count).map { place -> UInt16 in
                switch place / count {
                case 0: .max
                case 1: 0
                case 2: place % count == count / 2 ? 7 : 0
                default: UInt16(abs(draw.next()) * 65535)
                }
            }
            var scales = [Float](repeating: 0.5, count: rows) + [-1]
            unsafe dseg_unit_scales(levels, rows, count, roots, &scales)
            #expect(scales[1] == 0.5 && scales[rows] == -1)
            for row in 0..<rows {
                let numbers = levels[row * count..<(row + 1) * count].map(Double.init)
                let sum = numbers.reduce(0) { $0 + (roots ? $1 * $1 : $1) }
                guard sum > 0 else { continue }
                let scale = Double(scales[row])
                // The scale is rounded; its square has that error twice.
                #expect(abs(sum * (roots ? scale * scale : scale) - 1) <= (roots ? 2.001 : 1.001) * roundoff)
            }
        }
    }

    @Test func `an affinity of unit rows is what it took over, to 16 bits, and adds up to one`() {
        var draw = Draw(seed: 6)
        let drawn = (0..<70).map { _ in draw.floats(70).map { abs($0) * abs($0) } }
        let numbers = drawn.flatMap { row in row.map { $0 / row.reduce(0, +) } }
        let matrix = Matrix(stored: 70, by: 70)
        matrix.fill(numbers)
        for roots in [false, true] {
            let affinity = Affinity(matrix, roots: roots, unitRows: true)
            let other = Affinity(matrix, roots: roots, unitRows: false)
            for row in 0..<70 {
                let found = affinity.row(row)
                let isNear = zip(found, numbers[row * 70..<(row + 1) * 70]).allSatisfy { number, value in
                    let steps = roots ? 2 * (value * 0.07).squareRoot() + 1e-4 : 1
                    return abs(number - value) <= steps / 65_535
                }
                #expect(isNear)
                let sum = found.reduce(0.0) { $0 + Double($1) }
                #expect(abs(sum - 1) < 2e-7)
                #expect(zip(found, other.row(row)).allSatisfy { abs($0 - $1) <= 1e-4 * $1 })
            }
        }
    }

    /// iSeg's c ← A c with an affinity that all but averages: after eight rounds a map's range is 1e-6 of its mean.
    @Test func `maps that are completed again and again keep what distinguishes their pixels`() throws {
        let (side, rounds) = (12, 8)
        let pixels = side * side
        var draw = Draw(seed: 7)
        let rows = (0..<pixels).map { i -> [Double] in
            let weights = (0..<pixels).map { j in
                0.5 + 0.2 * Double(draw.next()) + (i / side == j / side ? 0.5 : 0)
            }
            let sum = weights.reduce(0, +)
            return weights.map { $0 / sum }
        }
        let matrix = Matrix(stored: pixels, by: pixels)
        matrix.fill(rows.flatMap { $0.map(Float.init) })
        let affinity = Affinity(matrix, roots: true, unitRows: true)
        let start = draw.floats(pixels).map { abs($0) }
        var arena = try Arena(reserving: 1 << 30)
        var found = start
        var expected = start.map(Double.init)
        for _ in 0..<rounds {
            found = affinity.completing([found], &arena)[0]
            let state = Matrix(stored: 1, by: pixels)
            state.fill(found)
            ScoreKernels.normalizeSums(state, shifted: true)
            found = state.array
            expected = rows.map { row in zip(row, expected).reduce(0) { $0 + $1.0 * $1.1 } }
        }
        let least = expected.min() ?? 0
        let sum = expected.reduce(0) { $0 + ($1 - least) }
        let wanted = expected.map { ($0 - least) / sum }
        let range = wanted.max() ?? 0
        #expect(zip(found, wanted).allSatisfy { abs(Double($0) - $1) <= 1e-4 * range })
    }
}
