import CKernels
import Testing

/// How much larger than that of its length a row's unit may be: weights whose squares have no sum in floats count as if
/// all were their largest.
private func looseness(_ row: [Double]) -> Double {
    let squares = row.reduce(0) { $0 + $1 * $1 }
    return squares < 0x1p-80 || squares >= 0x1p128 ? Double(row.count).squareRoot() : 1
}

/// Holds a row in fixed point against what it was: each number is within half a unit, and no product of two such rows
/// leaves 32 bits.
private func expectFixed(_ row: [Double], _ integers: [Int], scale: Float, loose: Double, _ situation: String) {
    let grains = Grains(row, length: Grains.length)
    let unit = Double(scale)
    // A scale below the least normal float has few bits or is none.
    let least = grains.unit > 0x1p-120 ? grains.unit * 0.999 : 0
    #expect(unit >= least && unit <= max(grains.unit, 0x1p-126) * loose * 1.001, "\(situation): a unit of \(scale)")
    guard unit > 0x1p-120 else { return }
    // A row of a looser unit has fewer of them: what Grains says of the roundings holds all the more.
    let missed = zip(row, integers).filter { !((Double($1) * unit - $0).magnitude <= 0.51 * unit) }
    #expect(missed.isEmpty, "\(situation): \(missed)")
    #expect(integers.allSatisfy { $0.magnitude <= 32767 }, "\(situation)")
    // Each of the integers may be half of one more than its number.
    let most = Grains.length * 1.001 + Double(row.count).squareRoot() / 2
    #expect(Double(integers.reduce(0) { $0 + $1 * $1 }) <= most * most && most * most < 0x1p31, "\(situation)")
}

private func expectFixedPanels(_ stored: Stored, outputs: Int, inputs: Int, _ situation: String) {
    let panels = FixedPanels(stored, outputs: outputs, inputs: inputs)
    let floats = stored.floats.map(Double.init)
    for output in 0..<outputs {
        let row = Array(floats[(output * inputs)..<((output + 1) * inputs)])
        expectFixed(
            row, (0..<inputs).map { panels[output, $0] }, scale: panels.scales[output], loose: looseness(row),
            "\(situation), output \(output)")
    }
    for output in 0..<panels.scales.count {
        let spare = output < outputs ? inputs..<(inputs + inputs % 2) : 0..<(inputs + inputs % 2)
        #expect(spare.allSatisfy { panels[output, $0] == 0 }, "\(situation), behind the last")
        #expect(output < outputs || panels.scales[output] == 0, "\(situation)")
        #expect(panels.crossed(output) == Crossed(of: (0..<inputs).map { panels[output, $0] }), "\(situation)")
    }
    #expect(panels.isIntact, "\(situation)")
}

private func expectFixedInputs(_ x: Framed, _ situation: String) {
    let fixed = FixedInputs(x)
    for row in 0..<x.rows {
        expectFixed(
            (0..<x.columns).map { Double(x[row, $0]) }, (0..<x.columns).map { fixed[row, $0] },
            scale: fixed.scale(row), loose: 1, "\(situation), row \(row)")
        #expect(x.columns % 2 == 0 || fixed[row, x.columns] == 0, "\(situation), beside row \(row)")
        let isWritten = fixed.scale(row) > 0  // what stands beside a scale of zero counts for nothing
        #expect(!isWritten || fixed.crossed(row) == Crossed(of: (0..<x.columns).map { fixed[row, $0] }), "\(situation)")
    }
    #expect(fixed.isIntact && x.isFrameIntact, "\(situation)")
}

/// Rows that are hard to scale: one number, equal ones, one among small ones, turns, zeros.
private let patterns: [(name: String, number: @Sendable (Int) -> Float)] = [
    ("equal", { _ in 1 }), ("first", { $0 == 0 ? 1 : 1e-9 }), ("later", { $0 == 12 ? 1 : Float($0 % 9 - 4) / 1000 }),
    ("turns", { $0 % 2 == 0 ? 1 : -1 }), ("zeros", { _ in 0 }), ("negative", { $0 == 0 ? -1 : 0 }),
]

@Suite struct FixedPanelsTests {
    @Test func `dseg_quantize_panels keeps each weight within half a unit of its output's length, at every tail`() {
        for number in storedNumbers {
            for (outputs, inputs) in tails.map({ (5, $0) }) + [(1, 1), (15, 2), (16, 3), (17, 64), (33, 65), (48, 7)] {
                var draw = Draw(seed: outputs * 1000 + inputs)
                let stored = draw.stored(number, outputs * inputs)
                expectFixedPanels(stored, outputs: outputs, inputs: inputs, "\(number), [\(outputs), \(inputs)]")
            }
        }
    }

    @Test func `dseg_quantize_inputs keeps each number within half a unit of its row's length, at every tail`() {
        for columns in tails + [1280, 5120] {
            var draw = Draw(seed: columns)
            expectFixedInputs(draw.matrix(3, columns), "\(columns) columns")
        }
        for rows in [1, 7, 8, 9, 65] {
            var draw = Draw(seed: rows)
            expectFixedInputs(draw.matrix(rows, 5), "\(rows) rows")
        }
    }

    @Test(arguments: [1e-20, 1e-12, 1, 1e12] as [Float])
    func `no product of two rows in fixed point leaves 32 bits, whatever is in them`(magnitude: Float) {
        for (name, number) in patterns {
            for count in [1, 2, 15, 161, 1281] {
                let row = (0..<count).map { number($0) * magnitude }
                let situation = "\(name), \(count) of \(magnitude)"
                expectFixedInputs(Framed(row, rows: 1, columns: count), situation)
                expectFixedPanels(Stored(row), outputs: 1, inputs: count, situation)
            }
        }
    }

    /// Their squares are no floats.
    @Test(arguments: [1e-37, 1e-30, 1e-22, 1e22, 1e30] as [Float])
    func `rows whose squares are lost are kept all the same`(magnitude: Float) {
        var draw = Draw(seed: 4)
        for count in [1, 2, 17, 33, 500] {
            let rows = draw.floats(3 * count).map { $0 * magnitude }
            let situation = "\(count) of \(magnitude)"
            expectFixedInputs(Framed(rows, rows: 3, columns: count), situation)
            expectFixedPanels(Stored(rows), outputs: 3, inputs: count, situation)
        }
    }

    @Test func `what is not finite has a scale that is NaN, in its own row and no other`() {
        for bad in [Float.nan, .infinity, -.infinity] {
            for (place, columns) in [(0, 1), (4, 5), (16, 17), (3, 64)] {
                let fixed = FixedInputs(Framed(rows: 19, columns: columns) { $0 == 9 && $1 == place ? bad : 1 })
                #expect((0..<19).allSatisfy { fixed.scale($0).isNaN == ($0 == 9) }, "\(bad) at \(place)")
                let weights = (0..<(33 * columns)).map { $0 == 17 * columns + place ? bad : 1 }
                let panels = FixedPanels(weights, outputs: 33, inputs: columns)
                #expect((0..<48).allSatisfy { panels.scales[$0].isNaN == ($0 == 17) }, "\(bad) at \(place)")
                let kernels = FixedKernels(
                    Stored((0..<(33 * 9 * columns)).map { $0 == (17 * 9 + 4) * columns + place ? bad : 1 }),
                    outputs: 33, inputs: columns)
                for output in 0..<48 {
                    let scales = (0..<36).map { kernels.scales[(output / 16 * 36 + $0) * 16 + output % 16] }
                    #expect(scales.contains { $0.isNaN } == (output == 17), "\(bad) at \(place), output \(output)")
                }
            }
        }
    }

    @Test func `dseg_quantize_inputs of no rows writes nothing`() {
        #expect(FixedInputs(Framed(rows: 0, columns: 4) { _, _ in 1 }).isIntact)
    }

    /// The unit of a transformed kernel's row over all inputs, by the transform's definition.
    @Test func `dseg_compute_kernel_scales scales each frequency of each output by its length`() {
        for number in storedNumbers {
            for (outputs, inputs) in [(1, 1), (16, 16), (17, 2), (33, 65), (15, 130)] {
                var draw = Draw(seed: outputs + inputs)
                let stored = draw.stored(number, outputs * 9 * inputs)
                let kernels = FixedKernels(stored, outputs: outputs, inputs: inputs)
                let weights = stored.floats.map(Double.init)
                let transform = Winograd.bothSides(Winograd.exact.weights)
                for place in kernels.scales.indices {
                    let (rest, lane) = place.quotientAndRemainder(dividingBy: 16)
                    let (output, frequency) = (rest / 36 * 16 + lane, rest % 36)
                    guard output < outputs else {
                        #expect(kernels.scales[place] == 0)
                        continue
                    }
                    let row = (0..<inputs).map { input in
                        (0..<9).reduce(0) {
                            $0 + transform[frequency][$1] * weights[(output * 9 + $1) * inputs + input]
                        }
                    }
                    let unit = Grains(row, length: Grains.length).unit
                    let part = Double(kernels.scales[place]) / unit
                    let isKept = part > 0.999 && part < 1.001 * looseness(row)
                    #expect(isKept || unit < 0x1p-120, "[\(output)][\(frequency)]")
                }
                #expect(kernels.isIntact)
            }
        }
    }
}
