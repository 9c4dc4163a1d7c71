import CKernels
import Kernels
import Testing

/// A product in fixed point by its definition: whole numbers are multiplied and added exactly, then both scales.
///
/// The sum becomes a float, the scales' product is one, and so is the product with it: three roundings. The bias and
/// what stood there are two more, and a sixth stands for the roundoffs' powers. Products of two scales below the least
/// normal number lose what is below 2^-150, and a sum has less than 2^31 of them.
private func product(
    _ x: FixedInputs, _ w: FixedPanels, bias: [Float]?, before: [Float]?
) -> [Bounded] {
    (0..<(x.rows * w.outputs)).map { place in
        let (row, output) = place.quotientAndRemainder(dividingBy: w.outputs)
        let sum = (0..<w.inputs).reduce(0) { $0 + x[row, $1] * w[output, $1] }
        #expect(sum.magnitude < 1 << 31, "[\(row)][\(output)] leaves 32 bits")
        let scaled = Double(sum) * Double(x.scale(row)) * Double(w.scales[output])
        let rest = [bias?[output], before?[place]].compactMap { $0.map(Double.init) }
        let magnitude = rest.reduce(scaled.magnitude) { $0 + $1.magnitude }
        return Bounded(value: rest.reduce(scaled, +), slack: 6 * roundoff * magnitude + 0x1p-118)
    }
}

private func expectProduct(rows: Int, inputs: Int, outputs: Int) {
    var draw = Draw(seed: rows * 1_000_000 + inputs * 1000 + outputs)
    let x = FixedInputs(draw.matrix(rows, inputs))
    let w = FixedPanels(draw.floats(outputs * inputs), outputs: outputs, inputs: inputs)
    let bias = draw.floats(outputs)
    for (adding, biased) in [(false, false), (false, true), (true, false), (true, true)] {
        let before = draw.floats(rows * outputs)
        let y = adding ? Framed(before, rows: rows, columns: outputs) : Framed(unwritten: rows, outputs)
        if biased {
            unsafe dseg_fixed_linear(x.c, w.c, bias, y.c, adding)
        } else {
            unsafe dseg_fixed_linear(x.c, w.c, nil, y.c, adding)
        }
        expect(
            y, within: product(x, w, bias: biased ? bias : nil, before: adding ? before : nil),
            "[\(rows), \(inputs)] to \(outputs), adding \(adding), bias \(biased)")
    }
    #expect(x.isIntact)
}

/// The bits of a product of some rows: with a bias and without, added to what stood there and not.
private func bits(_ x: Framed, rows: Range<Int>, _ w: FixedPanels, bias: [Float], before: [Float]) -> [[UInt32]] {
    let part = FixedInputs(Framed(rows: rows.count, columns: x.columns) { x[rows.lowerBound + $0, $1] })
    return [(false, false), (false, true), (true, false), (true, true)].map { adding, biased in
        let y = Framed(rows: rows.count, columns: w.outputs) { before[(rows.lowerBound + $0) * w.outputs + $1] }
        if biased {
            unsafe dseg_fixed_linear(part.c, w.c, bias, y.c, adding)
        } else {
            unsafe dseg_fixed_linear(part.c, w.c, nil, y.c, adding)
        }
        #expect(y.isFrameIntact)
        return y.values.map(\.bitPattern)
    }
}

@Suite struct FixedProductTests {
    @Test func `dseg_fixed_linear is exact but for the scales at every number of inputs`() {
        for inputs in tails + [511, 512, 513, 1281] { expectProduct(rows: 3, inputs: inputs, outputs: 5) }
    }

    @Test func `dseg_fixed_linear is exact but for the scales at every number of outputs`() {
        for outputs in tails { expectProduct(rows: 7, inputs: 7, outputs: outputs) }
    }

    /// Tiles are 16 or 6 rows high, then 4, then 1; tasks have 240 rows.
    @Test func `dseg_fixed_linear is exact but for the scales at every number of rows`() {
        for rows in Array(1...40) + [239, 240, 241, 481] {
            for outputs in [16, 17, 35] { expectProduct(rows: rows, inputs: 5, outputs: outputs) }
        }
        for rows in Array(1...33) + [241] { expectProduct(rows: rows, inputs: 259, outputs: 17) }
        for outputs in [256, 272, 533] { expectProduct(rows: 2, inputs: 3, outputs: outputs) }
    }

    /// By Cauchy and Schwarz no sum is larger than that of two rows in one direction, whose lengths are the most. Seven
    /// equal numbers are 17386 units each, eight are 16263: two add up to more than 32767, or to little less.
    @Test(arguments: [1, 2, 3, 7, 8, 64, 160, 1280, 11_520])
    func `rows that point the same way have the largest sum that there is, and it fits`(inputs: Int) {
        for sign in [1, -1] as [Float] {
            var draw = Draw(seed: inputs)
            for row in [draw.floats(inputs), [Float](repeating: 1, count: inputs)] {
                let x = FixedInputs(Framed(row, rows: 1, columns: inputs))
                let w = FixedPanels(row.map { $0 * sign }, outputs: 1, inputs: inputs)
                let y = Framed(unwritten: 1, 1)
                unsafe dseg_fixed_linear(x.c, w.c, nil, y.c, false)
                expect(y, within: product(x, w, bias: nil, before: nil), "\(inputs) inputs, \(sign)")
                let square = row.reduce(0) { $0 + Double($1) * Double($1) }
                // Half a unit of each number of both rows is at most √inputs times that of their length.
                let miss = 1.03 * max(Double(inputs).squareRoot() / Grains.length, 1.0 / 32767)
                #expect((Double(y[0, 0]) / square - Double(sign)).magnitude < miss)
            }
        }
    }

    /// The bound adds up the quantization errors of both rows and the roundings that a product of the integers has too.
    @Test func `a product in fixed point is that of its numbers, within half a unit of each`() {
        for (inputs, magnitude) in [(3, 1), (40, 1), (321, 1), (321, 1e-30), (40, 1e30)] as [(Int, Float)] {
            var draw = Draw(seed: inputs)
            let (rows, outputs) = (21, 19)
            let x = Framed(draw.floats(rows * inputs).map { $0 * magnitude }, rows: rows, columns: inputs)
            let w = draw.floats(outputs * inputs)
            let y = Framed(unwritten: rows, outputs)
            let (fixed, panels) = (FixedInputs(x), FixedPanels(w, outputs: outputs, inputs: inputs))
            unsafe dseg_fixed_linear(fixed.c, panels.c, nil, y.c, false)
            let (numbers, weights) = (x.values.map(Double.init), w.map(Double.init))
            let grains = { (all: [Double], row: Int) in
                Grains(all[(row * inputs)..<((row + 1) * inputs)], length: Grains.length)
            }
            let pairs = (0..<(rows * outputs)).map { (grains(numbers, $0 / outputs), grains(weights, $0 % outputs)) }
            let expected = pairs.enumerated().map { place, pair in
                let (row, output) = place.quotientAndRemainder(dividingBy: outputs)
                let sum = dot(numbers, row * inputs, weights, output * inputs, inputs)
                return Bounded(
                    value: sum.sum, slack: pair.0.miss(pair.1) + 6 * roundoff * sum.magnitude + 0x1p-118)
            }
            expect(y, within: expected, "\(inputs) inputs of \(magnitude)")
            guard inputs > 30 else { continue }
            expectIndependent(
                y.values, expected.map(\.value), pairs.map { $0.variance($1) }, "\(inputs) inputs of \(magnitude)")
        }
    }

    @Test func `the bits of a row in fixed point depend neither on other rows nor on other outputs`() {
        for (rows, inputs, outputs) in [(481, 300, 37), (60, 7, 131), (250, 515, 16)] {
            var draw = Draw(seed: inputs)
            let x = draw.matrix(rows, inputs)
            let w = draw.floats(outputs * inputs)
            let (bias, before) = (draw.floats(outputs), draw.floats(rows * outputs))
            let whole = FixedPanels(w, outputs: outputs, inputs: inputs)
            let all = bits(x, rows: 0..<rows, whole, bias: bias, before: before)
            for row in stride(from: 0, to: rows, by: 7) {
                let alone = bits(x, rows: row..<(row + 1), whole, bias: bias, before: before)
                #expect(alone == all.map { Array($0[(row * outputs)..<((row + 1) * outputs)]) }, "row \(row)")
            }
            for columns in [0..<1, 3..<16, (outputs - 5)..<outputs] {
                let part = FixedPanels(
                    Array(w[(columns.lowerBound * inputs)..<(columns.upperBound * inputs)]), outputs: columns.count,
                    inputs: inputs)
                let places = (0..<rows).flatMap { row in columns.map { row * outputs + $0 } }
                let some = bits(
                    x, rows: 0..<rows, part, bias: Array(bias[columns]), before: places.map { before[$0] })
                #expect(some == all.map { all in places.map { all[$0] } }, "\(columns)")
            }
        }
    }

    @Test func `what is not finite in fixed point reaches its own row or output and no other`() {
        for bad in [Float.nan, .infinity] {
            var draw = Draw(seed: 1)
            let x = FixedInputs(Framed(rows: 65, columns: 19) { $0 == 40 && $1 == 18 ? bad : 1 })
            let y = Framed(unwritten: 65, 33)
            let healthy = FixedPanels(draw.floats(33 * 19), outputs: 33, inputs: 19)
            unsafe dseg_fixed_linear(x.c, healthy.c, nil, y.c, false)
            #expect((0..<65).allSatisfy { row in (0..<33).allSatisfy { y[row, $0].isNaN == (row == 40) } })
            let ones = FixedInputs(Framed(rows: 31, columns: 19) { _, _ in 1 })
            let z = Framed(unwritten: 31, 33)
            let spoilt = FixedPanels((0..<(33 * 19)).map { $0 == 16 * 19 + 7 ? bad : 1 }, outputs: 33, inputs: 19)
            unsafe dseg_fixed_linear(ones.c, spoilt.c, nil, z.c, false)
            #expect((0..<31).allSatisfy { row in (0..<33).allSatisfy { z[row, $0].isNaN == ($0 == 16) } })
            #expect(y.isFrameIntact && z.isFrameIntact)
        }
    }

    /// Integers of a row of zeros are not written: whatever is there counts for nothing.
    @Test func `rows and outputs of zeros give the bias alone`() {
        let bias = (0..<33).map { Float($0) / 7 }
        var draw = Draw(seed: 2)
        let x = FixedInputs(Framed(rows: 20, columns: 5) { row, column in row % 3 == 0 ? 0 : Float(column + 1) })
        let w = FixedPanels(
            draw.floats(33 * 5).enumerated().map { $0 / 5 % 4 == 1 ? 0 : $1 }, outputs: 33, inputs: 5)
        let y = Framed(unwritten: 20, 33)
        unsafe dseg_fixed_linear(x.c, w.c, bias, y.c, false)
        for (row, output) in (0..<20).flatMap({ row in (0..<33).map { (row, $0) } }) {
            #expect((y[row, output] == bias[output]) == (row % 3 == 0 || output % 4 == 1), "[\(row)][\(output)]")
        }
    }

    @Test func `dseg_fixed_linear of no rows or no outputs writes nothing`() {
        for (rows, outputs) in [(0, 5), (3, 0), (0, 0)] {
            let x = FixedInputs(Framed(rows: rows, columns: 4) { _, _ in 1 })
            let y = Framed(unwritten: rows, outputs)
            let w = FixedPanels([Float](repeating: 1, count: outputs * 4), outputs: outputs, inputs: 4)
            for adding in [false, true] {
                unsafe dseg_fixed_linear(x.c, w.c, [Float](repeating: 1, count: outputs + 1), y.c, adding)
                #expect(y.isFrameIntact)
            }
        }
    }

    @Test func `every target but the portable one multiplies pairs, and int16 is the fastest precision there`()
        async
    {
        await #expect(processExitsWith: .success) {
            _ = startedThreads
            for target in targets where dseg_choose_target(target) {
                #expect(dseg_multiplies_pairs() == (target != dseg_portable))
                #expect(Precision.fastest == (target == dseg_portable ? .f32 : .int16))
            }
        }
    }
}
