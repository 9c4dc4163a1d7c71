import Glibc
import Kernels
import Support
import Testing

/// The definition of dseg_peaks, in doubles, column by column.
private func peak(_ column: [Float], height: Int, width: Int) -> Double {
    (0..<height * width).map { place in
        let (row, other) = (place / width, place % width)
        let rows = max(row - 1, 0)...min(row + 1, height - 1)
        let beside = rows.flatMap { row in
            (max(other - 1, 0)...min(other + 1, width - 1)).map { Double(column[row * width + $0]) }
        }
        return beside.reduce(0, +) / Double(beside.count)
    }.max() ?? -.infinity
}

@Suite struct PeakTests {
    @Test func `dseg_softmax touches nothing beside its columns`() {
        for columns in tails {
            var random = SeededGenerator(seed: UInt64(columns))
            let wide = Matrix(stored: 3, by: columns + 3)
            wide.fill((0..<3 * (columns + 3)).map { _ in Float.random(in: -40...40, using: &random) })
            let x = wide.columns(1..<1 + columns)
            let (before, beside) = (x.array, wide.columns(1 + columns..<columns + 3).array)
            x.setSoftmax(scale: 1)
            for row in 0..<3 {
                let (logits, found) = (before[row * columns..<(row + 1) * columns].map(Double.init), x.array)
                let top = logits.max() ?? 0
                let sum = logits.reduce(0) { $0 + exp($1 - top) }
                for (place, logit) in logits.enumerated() {
                    let expected = exp(logit - top) / sum
                    #expect(abs(Double(found[row * columns + place]) - expected) < 3e-6 * max(expected, 1e-3))
                }
            }
            #expect(wide.columns(1 + columns..<columns + 3).array == beside)
        }
    }

    @Test func `softmax of large numbers overflows nothing`() {
        let x = Matrix(stored: 2, by: 3)
        x.fill([10_000, 9_000, -10_000, -10_000, -10_000, -10_000])
        x.setSoftmax(scale: 1)
        #expect(x.rows(0..<1).array == [1, 0, 0])
        #expect(x.rows(1..<2).array.allSatisfy { abs($0 - 1 / 3) < 1e-6 })
    }

    @Test(arguments: [(1, 1), (1, 2), (3, 1), (2, 2), (3, 3), (4, 7), (16, 16), (1, 90)])
    func `dseg_peaks keeps its definition, and a column its bits in any company`(height: Int, width: Int) {
        for columns in [1, 5, 16, 63, 64, 65, 150] {
            var random = SeededGenerator(seed: UInt64(columns * height * width))
            let wide = Matrix(stored: height * width, by: columns + 2)
            wide.fill((0..<height * width * (columns + 2)).map { _ in Float.random(in: -1...1, using: &random) })
            let x = FeatureMap(wide.columns(1..<1 + columns), height: height, width: width)
            let room = Matrix(stored: 3, by: columns)
            x.peaks(into: room.rows(1..<2))
            let found = room.rows(1..<2).array
            for column in 0..<columns {
                let alone = Matrix(stored: 1, by: 1)
                x.channels(column..<column + 1).peaks(into: alone)
                #expect(alone.array[0].bitPattern == found[column].bitPattern)
                let expected = peak(x.channels(column..<column + 1).matrix.array, height: height, width: width)
                #expect(abs(Double(found[column]) - expected) < 1e-6)
            }
            #expect(room.rows(0..<1).array.allSatisfy { $0 == 0 } && room.rows(2..<3).array.allSatisfy { $0 == 0 })
        }
    }
}
