import CKernels
import Glibc
import Testing

/// Rows between whose sums the group norm goes over to double precision.
private let stripRows = 128

/// Mean, variance and what the kernel's float sums may miss of them.
private struct Moments {
    var mean: Double
    var variance: Double
    /// The mean's error, absolute.
    var meanError: Double
    /// The variance's error, absolute.
    var varianceError: Double
}

/// The moments of the channels `group` over all rows. Within a strip of rows the kernel adds up
/// distances and squared distances from some row of the map in floats: as many roundings as rows,
/// relative to the sums of their magnitudes, two for each term.
private func moments(_ x: Framed, _ group: Range<Int>) -> Moments {
    let count = Double(x.rows * group.count)
    var mean = 0.0
    for row in 0..<x.rows { for column in group { mean += Double(x[row, column]) } }
    mean /= count
    var (variance, distances, squares) = (0.0, 0.0, 0.0)
    for row in 0..<x.rows {
        let origin = row / stripRows * stripRows
        for column in group {
            let offset = Double(x[row, column]) - mean
            let distance = Double(x[row, column]) - Double(x[origin, column])
            variance += offset * offset
            distances += distance.magnitude
            squares += distance * distance
        }
    }
    let roundings = Double(min(x.rows, stripRows) + 4) * roundoff
    let meanError = roundings * distances / count
    return Moments(
        mean: mean, variance: variance / count, meanError: meanError,
        varianceError: roundings * (squares + 2 * distances * distances / count) / count)
}

private func groupNorm(
    _ x: Framed, gamma: [Float], beta: [Float], groups: Int, epsilon: Float
) -> [Bounded] {
    let width = x.columns / groups
    let all = (0..<groups).map { moments(x, ($0 * width)..<(($0 + 1) * width)) }
    return (0..<(x.rows * x.columns)).map { place in
        let (row, column) = place.quotientAndRemainder(dividingBy: x.columns)
        let moment = all[column / width]
        let power = moment.variance + Double(epsilon)
        let gain = Double(gamma[column]) / power.squareRoot()
        let centred = (Double(x[row, column]) - moment.mean) * gain
        // y = gain x + shift: both rounded, and both operations.
        let terms = (Double(x[row, column]) * gain).magnitude + (moment.mean * gain).magnitude
        let slack =
            gain.magnitude * moment.meanError + centred.magnitude * moment.varianceError / power
            + 4 * roundoff * (terms + Double(beta[column]).magnitude)
        return Bounded(value: centred + Double(beta[column]), slack: slack)
    }
}

/// `y σ(y)` of a bounded y: its slope is at most 1.1; the gate is 4e-7 from its value.
private func silu(_ y: Bounded) -> Bounded {
    let value = y.value / (1 + exp(-y.value))
    return Bounded(value: value, slack: 1.1 * y.slack + 4e-7 * value.magnitude + 1e-30)
}

private func layerNorm(
    _ x: Framed, gamma: [Float], beta: [Float], epsilon: Float
) -> [Bounded] {
    (0..<x.rows).flatMap { row -> [Bounded] in
        let numbers = (0..<x.columns).map { Double(x[row, $0]) }
        let count = Double(x.columns)
        let mean = numbers.reduce(0, +) / count
        let variance = numbers.reduce(0) { $0 + ($1 - mean) * ($1 - mean) } / count
        let power = variance + Double(epsilon)
        // Sixteen lanes, each a sum of a sixteenth of the row, then four sums and a quotient.
        let roundings = (count / 16 + 8) * roundoff
        let meanError = roundings * numbers.reduce(0) { $0 + $1.magnitude } / count
        return numbers.indices.map { column in
            let offset = numbers[column] - mean
            let gain = Double(gamma[column]) / power.squareRoot()
            let value = offset * gain + Double(beta[column])
            let relative = roundings + 4 * roundoff + meanError * meanError / power
            let slack =
                gain.magnitude * meanError + (offset * gain).magnitude * relative
                + 2 * roundoff * value.magnitude
            return Bounded(value: value, slack: slack)
        }
    }
}

private func expectGroupNorm(_ x: Framed, groups: Int, epsilon: Float, _ situation: String) {
    var draw = Draw(seed: x.columns)
    let (gamma, beta) = (draw.floats(x.columns), draw.floats(x.columns))
    let expected = groupNorm(x, gamma: gamma, beta: beta, groups: groups, epsilon: epsilon)
    let scratchCount = dseg_group_norm_scratch(x.rows, x.columns)
    var scratch = [Float](repeating: .nan, count: scratchCount + 1)
    let y = Framed(unwritten: x.rows, x.columns)
    unsafe dseg_group_norm_silu(x.c, y.c, gamma, beta, groups, epsilon, &scratch)
    expect(y, within: expected.map(silu), "\(situation), silu")
    #expect(x.isFrameIntact)
    unsafe dseg_group_norm(x.c, x.c, gamma, beta, groups, epsilon, &scratch)
    expect(x, within: expected, "\(situation), in place")
    #expect(scratch[scratchCount].isNaN)
}

private func expectLayerNorm(_ x: Framed, epsilon: Float, _ situation: String) {
    var draw = Draw(seed: x.columns)
    let (gamma, beta) = (draw.floats(x.columns), draw.floats(x.columns))
    let expected = layerNorm(x, gamma: gamma, beta: beta, epsilon: epsilon)
    let y = Framed(unwritten: x.rows, x.columns)
    unsafe dseg_layer_norm(x.c, y.c, gamma, beta, epsilon)
    expect(y, within: expected, situation)
    unsafe dseg_layer_norm(x.c, x.c, gamma, beta, epsilon)
    expect(x, within: expected, "\(situation), in place")
}

@Suite struct NormTests {
    @Test func `dseg_group_norm keeps its definition at every width, in place and with silu`() {
        for columns in tails {
            for groups in Set([1, 2, 5, columns]) where columns.isMultiple(of: groups) {
                var draw = Draw(seed: columns)
                expectGroupNorm(
                    draw.matrix(7, columns), groups: groups, epsilon: 1e-5,
                    "[7, \(columns)] in \(groups)")
            }
        }
    }

    @Test func `dseg_group_norm_silu keeps its definition around the borders of its strips`() {
        for rows in borders {
            var draw = Draw(seed: rows)
            expectGroupNorm(draw.matrix(rows, 6), groups: 3, epsilon: 1e-6, "[\(rows), 6] in 3")
        }
    }

    @Test(arguments: [10, 1000, -30000] as [Float])
    func `a group norm sees the spread of numbers far from zero`(mean: Float) {
        var draw = Draw(seed: Int(mean))
        let x = Framed(rows: 300, columns: 8) { _, column in
            mean * (column < 4 ? 1 : 2) + draw.next()
        }
        expectGroupNorm(x, groups: 2, epsilon: 1e-6, "around \(mean)")
    }

    /// As the corner of a blank picture does behind a padded convolution.
    @Test(arguments: [12.345, 123.45, 12345] as [Float], [0, 1e-3, 1] as [Float])
    func `a group norm sees the spread of a map whose first pixel stands alone`(
        first: Float, spread: Float
    ) {
        var draw = Draw(seed: Int(first))
        let x = Framed(rows: 20_000, columns: 1) { row, _ in
            row == 0 ? first : 0.1 + draw.next() * spread
        }
        expectGroupNorm(x, groups: 1, epsilon: 1e-6, "behind \(first), spread \(spread)")
    }

    @Test func `a constant map becomes beta`() {
        for constant in [0, 0.1, -3e4] as [Float] {
            let gamma: [Float] = [1, 2, 3, 4]
            let beta: [Float] = [4, 3, 2, 1]
            let x = Framed(rows: 200, columns: 4) { _, _ in constant }
            var scratch = [Float](repeating: 0, count: dseg_group_norm_scratch(200, 4))
            unsafe dseg_group_norm(x.c, x.c, gamma, beta, 2, 1e-5, &scratch)
            // Gain times constant and its opposite, rounded apart: gain is 4 / sqrt(1e-5).
            let slack = 4 * roundoff * (Double(constant).magnitude * 4 / 1e-5.squareRoot() + 4)
            let expected = x.values.indices.map {
                Bounded(value: Double(beta[$0 % 4]), slack: slack)
            }
            expect(x, within: expected, "constant \(constant)")
        }
    }

    @Test func `dseg_layer_norm keeps its definition at every width`() {
        for columns in tails + [1280] {
            var draw = Draw(seed: columns)
            expectLayerNorm(draw.matrix(3, columns), epsilon: 1e-5, "[3, \(columns)]")
        }
    }

    @Test func `dseg_layer_norm keeps its definition around the borders of its strips`() {
        for rows in borders {
            var draw = Draw(seed: rows)
            expectLayerNorm(draw.matrix(rows, 9), epsilon: 1e-5, "[\(rows), 9]")
        }
    }

    @Test(arguments: [10, 1000] as [Float])
    func `a layer norm sees the spread of numbers far from zero`(mean: Float) {
        var draw = Draw(seed: 3)
        let x = Framed(rows: 5, columns: 77) { row, _ in mean * Float(row + 1) + draw.next() }
        expectLayerNorm(x, epsilon: 1e-5, "around \(mean)")
    }

    @Test func `a NaN reaches its own group, or its own row, and no other`() {
        let ones = [Float](repeating: 1, count: 6)
        var draw = Draw(seed: 5)
        let numbers = draw.floats(130 * 6)
        let isSpoilt = { (row: Int, column: Int) in row == 129 && column == 3 }
        let make = {
            Framed(rows: 130, columns: 6) { isSpoilt($0, $1) ? .nan : numbers[$0 * 6 + $1] }
        }
        let (group, layer) = (make(), make())
        var scratch = [Float](repeating: 0, count: dseg_group_norm_scratch(130, 6))
        unsafe dseg_group_norm(group.c, group.c, ones, ones, 3, 1e-5, &scratch)
        unsafe dseg_layer_norm(layer.c, layer.c, ones, ones, 1e-5)
        let places = (0..<(130 * 6)).map { ($0 / 6, $0 % 6) }
        #expect(places.allSatisfy { group[$0, $1].isNaN == (2...3).contains($1) })
        #expect(places.allSatisfy { layer[$0, $1].isNaN == ($0 == 129) })
    }
}
