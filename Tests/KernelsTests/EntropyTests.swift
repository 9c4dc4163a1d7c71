import CKernels
import Glibc
import Kernels
import Testing

private func sharpened(_ s: Framed, entropy: Float) throws -> [Float] {
    var arena = try Arena(reserving: 1 << 30)
    return arena.scope { arena in
        let matrix = arena.matrix(rows: s.rows, columns: s.columns)
        matrix.fill(s.values)
        EntropyKernel(entropy: entropy).sharpen(matrix, &arena)
        return matrix.array
    }
}

/// The definition. A number has the quotient's rounding and, relative to the largest of its terms, some of its own; the
/// logarithm an error of 2e-7.
private func expected(_ s: Framed, entropy: Float) -> [Bounded] {
    let count = s.columns
    let most = (0..<count).map { column in (0..<count).map { Double(s[$0, column]) }.max() ?? 0 }
    return (0..<count).flatMap { row -> [Bounded] in
        let terms = (0..<count).map { column -> Bounded in
            let value = Double(s[row, column])
            guard value > 0 else { return Bounded(value: 0, slack: 0) }
            let a = value / most[column]
            let (log, rate) = (log(a), Double(entropy) / log(10))
            let slack = (a + rate * (1 + abs(log))) * 4 * roundoff + rate * 2e-7 * abs(log)
            return Bounded(value: max(0, a + rate * (1 + log)), slack: slack)
        }
        let sum = terms.reduce(0) { $0 + $1.value }
        guard sum > 0 else { return (0..<count).map { Bounded(value: $0 == row ? 1 : 0, slack: 0) } }
        let ofSum = terms.reduce(0) { $0 + $1.slack } / sum + 2 * roundoff
        return terms.map { Bounded(value: $0.value / sum, slack: $0.slack / sum + $0.value / sum * ofSum) }
    }
}

@Suite struct EntropyTests {
    @Test func `dseg_sharpen keeps its definition at every size`() throws {
        for count in Array(1...40) + [63, 64, 65, 255, 256, 257, 300] {
            var draw = Draw(seed: count)
            // Weak links and strong ones, and zeros.
            let s = Framed(rows: count, columns: count) { row, column in
                let weight = abs(draw.next())
                return (row * 3 + column) % 11 == 4 ? 0 : weight * weight * weight * (row == column ? 1 : 0.3)
            }
            for entropy in [0, 0.002, 0.015, 0.2] as [Float] {
                let found = try sharpened(s, entropy: entropy)
                expect(found, within: expected(s, entropy: entropy), "\(count) pixels, entropy \(entropy)")
                for row in 0..<count {
                    let sum = found[row * count..<(row + 1) * count].reduce(0.0) { $0 + Double($1) }
                    #expect(abs(sum - 1) < 1.5e-7)
                }
            }
        }
    }

    @Test func `dseg_sharpen stays within dseg_sharpen_scratch and its matrix`() {
        for count in tails {
            let s = Framed(rows: count, columns: count) { $0 == $1 ? 0.5 : 0.1 }
            let scratch = Scratch(dseg_sharpen_scratch(count))
            unsafe dseg_sharpen(s.c, 0.1, scratch.floats)
            #expect(s.isFrameIntact && scratch.isIntact)
        }
    }

    @Test func `links are cut where the recipe says that they are`() throws {
        for (entropy, least) in [(0.002, 0.0039), (0.015, 0.0192), (0.1, 0.0713), (0.2, 0.1071)] as [(Float, Float)] {
            let s = Framed(rows: 2, columns: 2) { row, column in
                row == column ? 1 : row == 0 ? least * 0.97 : least * 1.03
            }
            let found = try sharpened(s, entropy: entropy)
            #expect(found[1] == 0 && found[2] > 0, "entropy \(entropy)")
        }
    }

    @Test func `a row that is cut to nothing becomes the identity's, and a column of zeros stays so`() throws {
        let s = Framed(rows: 21, columns: 21) { row, column in
            column == 5 || row == 4 ? 0 : row == 9 ? 1e-3 : 1
        }
        let found = try sharpened(s, entropy: 0.2)
        for row in [4, 9] {
            let identity = (0..<21).map { Float($0 == row ? 1 : 0) }
            #expect(Array(found[row * 21..<(row + 1) * 21]) == identity)
        }
        #expect((0..<21).allSatisfy { found[$0 * 21 + 5] == 0 })
        #expect(abs(found[0] - 0.05) < 1e-7)
    }

    @Test func `a row with NaN stays NaN and spoils no other`() throws {
        let s = Framed(rows: 21, columns: 21) { row, column in row == 7 && column == 2 ? .nan : 0.5 }
        let found = try sharpened(s, entropy: 0.1)
        #expect(found[7 * 21..<8 * 21].allSatisfy { $0.isNaN } && found.count { $0.isNaN } == 21)
    }
}
