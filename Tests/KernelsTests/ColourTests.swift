import CKernels
import Glibc
import Kernels
import Testing

/// (height, width) of grids: each tail of a vector, and more than one.
private let grids = [
    (1, 1), (1, 2), (3, 1), (2, 2), (5, 1), (3, 5), (4, 4), (1, 17), (17, 1), (3, 6), (5, 7), (4, 11), (6, 13), (13, 6),
    (3, 17), (17, 3),
]

private func weighed(
    _ s: Framed, _ kernel: ColourKernel, colours: [Float], height: Int, width: Int
) throws -> [Float] {
    var arena = try Arena(reserving: 1 << 30)
    return arena.scope { arena in
        let matrix = arena.matrix(rows: s.rows, columns: s.columns)
        matrix.fill(s.values)
        kernel.weigh(matrix, colours: colours, width: width, height: height, &arena)
        return matrix.array
    }
}

/// The definition of a row, its terms' relative errors weighed by the terms: places and colours are rounded once each,
/// so are differences and their squares; the power has an error of 2e-7.
private func row(
    _ i: Int, of s: Framed, _ kernel: ColourKernel, colours: [Float], height: Int, width: Int
) -> [Bounded] {
    func place(_ i: Int) -> [Double] {
        (0..<3).map { Double(colours[3 * i + $0]) / Double(kernel.colour) }
            + [
                Double(i / width) / Double(height) / Double(kernel.position),
                Double(i % width) / Double(width) / Double(kernel.position),
            ]
    }
    let here = place(i)
    let terms = (0..<height * width).map { j -> (value: Double, error: Double) in
        var (square, error) = (0.0, 4e-7)
        for (x, y) in zip(here, place(j)) {
            let d = (x - y).magnitude
            square += d * d
            error += d * roundoff * (x + y + 4 * d)
        }
        return (Double(s[i, j]) * exp(-square / 2), error)
    }
    var (sum, ofSum) = (0.0, 0.0)
    for term in terms {
        sum += term.value
        ofSum += term.value * term.error
    }
    ofSum = ofSum / sum + Double(height * width / 16 + 8) * roundoff
    return terms.map { term in
        let value = term.value / sum
        return Bounded(value: value, slack: value * (term.error + ofSum) + 1e-30)
    }
}

@Suite struct ColourTests {
    @Test func `dseg_weigh keeps its definition on every grid`() throws {
        for (height, width) in grids {
            var draw = Draw(seed: height * width)
            let pixels = height * width
            let s = Framed(rows: pixels, columns: pixels) { _, _ in abs(draw.next()) + 0.001 }
            let colours = draw.floats(3 * pixels).map(abs)
            for kernel in [ColourKernel(colour: 0.2, position: 0.1), ColourKernel(colour: 1, position: 0.5)] {
                let expected = (0..<pixels).flatMap {
                    row($0, of: s, kernel, colours: colours, height: height, width: width)
                }
                let found = try weighed(s, kernel, colours: colours, height: height, width: width)
                expect(found, within: expected, "\(height) x \(width)")
                for i in 0..<pixels {
                    let sum = found[i * pixels..<(i + 1) * pixels].reduce(0.0) { $0 + Double($1) }
                    #expect((sum - 1).magnitude < 1e-6)
                }
            }
        }
    }

    @Test func `dseg_weigh stays within dseg_weigh_scratch and its matrix`() {
        for (height, width) in grids {
            let pixels = height * width
            let s = Framed(rows: pixels, columns: pixels) { _, _ in 0.5 }
            let colours = Fenced(numbers: [Float](repeating: 1, count: 3 * pixels))
            let scratch = Scratch(dseg_weigh_scratch(pixels))
            unsafe dseg_weigh(
                s.c, colours.base.assumingMemoryBound(to: Float.self), height, width, 0.2, 0.1, scratch.floats)
            #expect(s.isFrameIntact && scratch.isIntact)
        }
    }

    @Test func `wide kernels leave the affinity, normalised`() throws {
        var draw = Draw(seed: 2)
        let s = Framed(rows: 35, columns: 35) { _, _ in abs(draw.next()) }
        let found = try weighed(
            s, ColourKernel(colour: 1e6, position: 1e6), colours: draw.floats(105).map(abs), height: 7, width: 5)
        let expected = (0..<35).flatMap { i in
            let sum = (0..<35).reduce(0.0) { $0 + Double(s[i, $1]) }
            return (0..<35).map { Bounded(value: Double(s[i, $0]) / sum, slack: 1e-6) }
        }
        expect(found, within: expected, "wide")
    }

    @Test func `a narrow kernel keeps pixels of the same colour alone`() throws {
        let colours = (0..<36).flatMap { pixel -> [Float] in [Float(pixel % 2), Float(pixel % 3) / 2, 0.1] }
        let s = Framed(rows: 36, columns: 36) { _, _ in 1 }
        for colour in [1e-3, 1e-30] as [Float] {
            let found = try weighed(
                s, ColourKernel(colour: colour, position: 1e6), colours: colours, height: 4, width: 9)
            for i in 0..<36 {
                for j in 0..<36 {
                    let share: Float = i % 6 == j % 6 ? 1.0 / 6 : 0
                    #expect(abs(found[36 * i + j] - share) < 1e-6)
                }
            }
        }
    }

    @Test func `equal pixels weigh each other alike`() throws {
        var draw = Draw(seed: 3)
        let s = Framed(rows: 20, columns: 20) { _, _ in 1 }
        let found = try weighed(
            s, ColourKernel(colour: 0.3, position: 0.2), colours: draw.floats(60).map(abs), height: 4, width: 5)
        // Undone the rows' sums: the diagonal is 1 before them.
        for i in 0..<20 {
            for j in 0..<20 {
                let (one, other) = (found[20 * i + j] / found[21 * i], found[20 * j + i] / found[21 * j])
                #expect(abs(one - other) < 1e-6)
            }
        }
    }

    @Test func `a row of zeros becomes the identity's, and one with NaN stays NaN`() throws {
        let s = Framed(rows: 21, columns: 21) { row, column in row == 4 ? 0 : row == 7 && column == 2 ? .nan : 1 }
        let colours = [Float](repeating: 0.5, count: 63)
        let found = try weighed(
            s, ColourKernel(colour: 0.2, position: 0.1), colours: colours, height: 3, width: 7)
        let identity = (0..<21).map { Float($0 == 4 ? 1 : 0) }
        #expect(Array(found[4 * 21..<5 * 21]) == identity)
        #expect(found[7 * 21..<8 * 21].allSatisfy { $0.isNaN } && found.count { $0.isNaN } == 21)
    }
}

@Suite struct ShareTests {
    private func shared(_ maps: [[Float]], gamma: Int) -> [[Float]] {
        let framed = Framed(maps.flatMap { $0 }, rows: maps.count, columns: maps[0].count)
        unsafe dseg_share(framed.c, UInt32(gamma))
        #expect(framed.isFrameIntact)
        return framed.values.chunks(of: maps[0].count)
    }

    @Test func `dseg_share keeps its definition`() {
        for gamma in [0, 1, 2, 3, 8, 31, 64] {
            for (labels, pixels) in [(1, 1), (2, 15), (3, 16), (5, 257), (21, 300)] {
                var draw = Draw(seed: labels)
                let maps = (0..<labels).map { _ in draw.floats(pixels).map(abs) }
                let found = shared(maps, gamma: gamma)
                for pixel in 0..<pixels {
                    let powers = maps.map { pow(Double($0[pixel]), Double(gamma)) }
                    let sum = max(powers.reduce(0, +), 1e-9)
                    for label in 0..<labels {
                        let value = Double(maps[label][pixel]) * powers[label] / sum
                        // A rounding for each product of a power; a step of 2^-50 for each label.
                        let slack = value * 140 * roundoff + 0x1p-50 * Double(labels) / sum
                        #expect((Double(found[label][pixel]) - value).magnitude <= slack)
                    }
                }
            }
        }
    }

    @Test func `the order of labels changes no bit`() {
        var draw = Draw(seed: 7)
        let maps = (0..<40).map { _ in draw.floats(70).map(abs) }
        let order = (0..<40).map { $0 * 17 % 40 }
        let found = shared(maps, gamma: 8)
        let other = shared(order.map { maps[$0] }, gamma: 8)
        for (place, label) in order.enumerated() { #expect(other[place] == found[label]) }
    }

    @Test func `a label alone keeps what it has`() {
        var draw = Draw(seed: 8)
        let map = draw.floats(500).map(abs)
        for gamma in [0, 1, 8] {
            let found = shared([map], gamma: gamma)[0]
            for (before, after) in zip(map, found) where pow(Double(before), Double(gamma)) > 1.001e-9 {
                #expect(before == after)
            }
        }
    }

    @Test func `a power of 0 divides by the number of labels, and thousands of ones do not overflow`() {
        for (labels, gamma) in [(3, 0), (4096, 0), (4096, 64)] {
            let found = shared([[Float]](repeating: [1, 1, 0.5], count: labels), gamma: gamma)
            for map in found { #expect(abs(map[0] * Float(labels) - 1) < 1e-6 && map[0] == map[1]) }
        }
        let matrix = Matrix(stored: 2, by: 3)
        matrix.fill([1, 0.5, 0, 1, 0.25, 0])
        ScoreKernels.share(matrix, gamma: 1)
        let (half, quarter): (Float, Float) = (0.5 * (0.5 / 0.75), 0.25 * (0.25 / 0.75))
        #expect(matrix.array == [0.5, half, 0, 0.5, quarter, 0])
    }
}

extension [Float] {
    fileprivate func chunks(of count: Int) -> [[Float]] {
        stride(from: 0, to: self.count, by: count).map { Array(self[$0..<$0 + count]) }
    }
}
