import CKernels
import Glibc
import Testing

/// Half a Gaussian's weight below `x`, times `x`.
private func gelu(_ x: Double) -> Double { x * 0.5 * erfc(-x / 2.0.squareRoot()) }

/// The gate x σ(slope x). The exponential is 2e-7 from its value relatively, and so is what hangs
/// on it; the rounding of its argument adds as much as the argument is long; the sum, the quotient and
/// the slope's own rounding are one roundoff each. Where e^(-slope x) would exceed e^88, it stays
/// there: the result is |x| e^-88 instead of less.
private func gated(_ x: Float, slope: Double) -> Bounded {
    let x = Double(x)
    let argument = slope * x
    let value = x / (1 + exp(-argument))
    let relative = 2e-7 + (2 * argument.magnitude + 3) * roundoff
    let cut = argument < -80 ? x.magnitude * 1e-34 : 0
    return Bounded(value: value, slack: value.magnitude * relative + cut)
}

/// erf is 3e-7 from its value, and half of x times that remains; three roundings.
private func geluBound(_ x: Float, times h: Double) -> Bounded {
    let value = h * gelu(Double(x))
    let error = h.magnitude * Double(x).magnitude * (0.5 * 3e-7 + 3 * roundoff)
    return Bounded(value: value, slack: error)
}

/// Numbers of every size from -100 to 100, the largest first.
private func spread(_ rows: Int, _ columns: Int) -> Framed {
    var draw = Draw(seed: rows * 1000 + columns)
    let edges: [Float] = [-100, 100, -88, 88, -87.4, 0, -5.6568, 1e-30, -1e4, 1e4]
    return Framed(rows: rows, columns: columns) { row, column in
        let place = row * columns + column
        if place < edges.count { return edges[place] }
        let x = draw.next()
        return place.isMultiple(of: 3) ? x * 100 : x * 6
    }
}

private let shapes = tails.map { (3, $0) } + borders.map { ($0, 5) }

@Suite struct PointwiseTests {
    @Test func `dseg_silu is x σ(x)`() {
        for (rows, columns) in shapes {
            let x = spread(rows, columns)
            let expected = x.values.map { gated($0, slope: 1) }
            unsafe dseg_silu(x.c)
            expect(x, within: expected, "[\(rows), \(columns)]")
        }
    }

    @Test func `dseg_quick_gelu is x σ(1,702 x)`() {
        for (rows, columns) in shapes {
            let x = spread(rows, columns)
            let expected = x.values.map { gated($0, slope: 1.702) }
            unsafe dseg_quick_gelu(x.c)
            expect(x, within: expected, "[\(rows), \(columns)]")
        }
    }

    @Test func `dseg_gelu is x times the normal distribution's weight below x`() {
        for (rows, columns) in shapes {
            let x = spread(rows, columns)
            let expected = x.values.map { geluBound($0, times: 1) }
            unsafe dseg_gelu(x.c)
            expect(x, within: expected, "[\(rows), \(columns)]")
        }
    }

    @Test func `dseg_gated_gelu multiplies the left half by the right half's gelu`() {
        for (rows, columns) in shapes {
            var draw = Draw(seed: columns)
            let gate = spread(rows, columns)
            let left = draw.matrix(rows, columns)
            let x = Framed(rows: rows, columns: 2 * columns) { row, column in
                column < columns ? left[row, column] : gate[row, column - columns]
            }
            let y = Framed(unwritten: rows, columns)
            let expected = zip(left.values, gate.values).map {
                geluBound($1, times: Double($0))
            }
            unsafe dseg_gated_gelu(x.c, y.c)
            expect(y, within: expected, "[\(rows), \(columns)]")
            #expect(x.isFrameIntact)
        }
    }

    @Test func `activations keep their accuracy over their whole range`() {
        let x = Framed(rows: 100, columns: 1000) { row, column in
            Float(row * 1000 + column - 50_000) * 0.002
        }
        let numbers = x.values
        unsafe dseg_silu(x.c)
        expect(x.values, within: numbers.map { gated($0, slope: 1) }, "silu")
        let y = Framed(numbers.map { $0 * 0.08 }, rows: 100, columns: 1000)
        let gentle = y.values
        unsafe dseg_gelu(y.c)
        expect(y.values, within: gentle.map { geluBound($0, times: 1) }, "gelu")
    }

    @Test func `dseg_copy copies bit for bit`() {
        for (rows, columns) in shapes {
            let x = spread(rows, columns)
            let y = Framed(unwritten: rows, columns)
            unsafe dseg_copy(x.c, y.c)
            #expect(y.values.map(\.bitPattern) == x.values.map(\.bitPattern))
            #expect(y.isFrameIntact && x.isFrameIntact)
        }
    }

    @Test func `dseg_blend is a x + b y, also of a matrix with itself`() {
        for (rows, columns) in shapes {
            let x = spread(rows, columns)
            var draw = Draw(seed: rows + columns)
            let y = draw.matrix(rows, columns)
            let (a, b): (Float, Float) = (0.3, -1.7)
            let bound = { (x: Float, y: Float) in
                let terms = (Double(a) * Double(x), Double(b) * Double(y))
                let magnitude = terms.0.magnitude + terms.1.magnitude
                // One rounding of each product and one of the sum.
                return Bounded(value: terms.0 + terms.1, slack: 2 * roundoff * magnitude)
            }
            let expected = zip(x.values, y.values).map(bound)
            unsafe dseg_blend(x.c, a, y.c, b)
            expect(y, within: expected, "[\(rows), \(columns)]")
            let own = x.values.map { bound($0, $0) }
            unsafe dseg_blend(x.c, a, x.c, b)
            expect(x, within: own, "[\(rows), \(columns)] with itself")
        }
    }

    @Test func `dseg_add_weighted adds x, times a weight for each row and one for each column`() {
        for (rows, columns) in shapes {
            let x = spread(rows, columns)
            var draw = Draw(seed: rows + columns)
            let (y, r) = (draw.matrix(rows, columns), (0..<rows).map { _ in draw.next() })
            let c = (0..<columns).map { _ in draw.next() }
            let expected = zip(x.values, y.values).enumerated().map { place, pair in
                let product = Double(r[place / columns]) * Double(pair.0) * Double(c[place % columns])
                // One rounding of each product and one of the sum.
                let slack = roundoff * (3 * product.magnitude + Double(pair.1).magnitude)
                return Bounded(value: Double(pair.1) + product, slack: slack)
            }
            unsafe dseg_add_weighted(x.c, r, c, y.c)
            expect(y, within: expected, "[\(rows), \(columns)]")
        }
    }

    @Test func `dseg_affine is a x + b`() {
        for (rows, columns) in shapes {
            let x = spread(rows, columns)
            let (a, b): (Float, Float) = (0.18215, -0.7)
            let expected = x.values.map {
                let product = Double(a) * Double($0)
                // One rounding of the product and one of the sum.
                let slack = 2 * roundoff * (product.magnitude + Double(b).magnitude)
                return Bounded(value: product + Double(b), slack: slack)
            }
            unsafe dseg_affine(x.c, a, b)
            expect(x, within: expected, "[\(rows), \(columns)]")
        }
    }

    @Test func `dseg_multiply is x y`() {
        for (rows, columns) in shapes {
            var draw = Draw(seed: rows + columns)
            let (x, y) = (spread(rows, columns), draw.matrix(rows, columns))
            // A single rounding leaves one float.
            let expected = zip(x.values, y.values).map { $0 * $1 }
            unsafe dseg_multiply(x.c, y.c)
            #expect(y.values == expected && y.isFrameIntact)
        }
    }

    @Test func `dseg_deviation is the root of a variance whose logarithm is x, brought to bounds`() {
        for (rows, columns) in shapes {
            let x = spread(rows, columns)
            let expected = x.values.map {
                let value = exp(0.5 * Double(min(max($0, -30), 20)))
                // libm's exponential is one unit in the last place off at most.
                return Bounded(value: value, slack: 2 * roundoff * value)
            }
            unsafe dseg_deviation(x.c)
            expect(x, within: expected, "[\(rows), \(columns)]")
        }
    }

    @Test func `a NaN stays a NaN under each activation and touches no neighbour`() {
        let activations: [(String, (Framed) -> Void)] = [
            ("silu", { unsafe dseg_silu($0.c) }), ("gelu", { unsafe dseg_gelu($0.c) }),
            ("quick gelu", { unsafe dseg_quick_gelu($0.c) }),
            ("deviation", { unsafe dseg_deviation($0.c) }),
        ]
        for (name, activate) in activations {
            for place in [0, 15, 16, 20] {
                let x = Framed(rows: 1, columns: 21) { $1 == place ? .nan : 1 }
                activate(x)
                #expect(x.values.indices.filter { x.values[$0].isNaN } == [place], "\(name)")
            }
        }
    }
}
