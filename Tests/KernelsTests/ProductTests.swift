import CKernels
import Testing

/// x wᵀ + bias + before by its definition, each sum of `inputs` products and two more terms.
private func product(_ x: Framed, _ w: [Float], bias: [Float]?, before: [Float]?, outputs: Int) -> [Bounded] {
    let inputs = x.columns
    let (numbers, weights) = (x.values.map(Double.init), w.map(Double.init))
    return (0..<(x.rows * outputs)).map { place in
        let (row, output) = place.quotientAndRemainder(dividingBy: outputs)
        let rest = [bias?[output], before?[place]].compactMap { $0.map(Double.init) }
        let (sum, magnitude) = dot(numbers, row * inputs, weights, output * inputs, inputs)
        let terms = magnitude + rest.reduce(0) { $0 + $1.magnitude }
        // Each term passes through at most inputs + 2 roundings, in whatever order.
        return Bounded(value: sum + rest.reduce(0, +), slack: Double(inputs + 3) * roundoff * terms)
    }
}

/// The bits of a product, written into a frame that must stay intact.
private func bits(_ x: Framed, rows: Range<Int>, _ w: Panels, bias: [Float], before: [Float]) -> [UInt32] {
    let outputs = w.outputs
    let y = Framed(rows: rows.count, columns: outputs) { before[(rows.lowerBound + $0) * outputs + $1] }
    let part = Framed(rows: rows.count, columns: x.columns) { x[rows.lowerBound + $0, $1] }
    unsafe dseg_linear(part.c, w.c, bias, y.c, true)
    #expect(y.isFrameIntact && part.isFrameIntact)
    return y.values.map(\.bitPattern)
}

private func expectProduct(rows: Int, inputs: Int, outputs: Int) {
    var draw = Draw(seed: rows * 1_000_000 + inputs * 1000 + outputs)
    let x = draw.matrix(rows, inputs)
    let w = draw.floats(outputs * inputs)
    let bias = draw.floats(outputs)
    let panels = Panels(w, outputs: outputs, inputs: inputs)
    for (adding, biased) in [(false, false), (false, true), (true, false), (true, true)] {
        let before = draw.floats(rows * outputs)
        let y = adding ? Framed(before, rows: rows, columns: outputs) : Framed(unwritten: rows, outputs)
        if biased {
            unsafe dseg_linear(x.c, panels.c, bias, y.c, adding)
        } else {
            unsafe dseg_linear(x.c, panels.c, nil, y.c, adding)
        }
        let expected = product(x, w, bias: biased ? bias : nil, before: adding ? before : nil, outputs: outputs)
        expect(y, within: expected, "[\(rows), \(inputs)] to \(outputs), adding \(adding), bias \(biased)")
    }
    #expect(x.isFrameIntact)
}

@Suite struct ProductTests {
    @Test func `dseg_linear is x wᵀ + bias at every number of inputs`() {
        for inputs in tails + [511, 512, 513, 800] { expectProduct(rows: 3, inputs: inputs, outputs: 5) }
    }

    @Test func `dseg_linear is x wᵀ + bias at every number of outputs`() {
        for outputs in tails { expectProduct(rows: 7, inputs: 7, outputs: outputs) }
    }

    /// Tiles are 6 or 8 rows high, then 4, then 1; a panel that is not full goes through 24 rows at a time.
    @Test func `dseg_linear is x wᵀ + bias at every number of rows, in whole panels and in parts of one`() {
        for rows in Array(1...30) + [46, 47, 48, 49, 50] {
            for outputs in [16, 17, 35] { expectProduct(rows: rows, inputs: 5, outputs: outputs) }
        }
    }

    @Test func `dseg_linear is x wᵀ + bias around the borders of its tasks`() {
        for rows in borders + [239, 240, 241, 479, 480, 481, 721] {
            expectProduct(rows: rows, inputs: 9, outputs: 3)
        }
        expectProduct(rows: 241, inputs: 257, outputs: 17)
        expectProduct(rows: 257, inputs: 2, outputs: 129)
        expectProduct(rows: 2049, inputs: 2, outputs: 3)
        // Several panels for each task, and fewer for the last.
        for outputs in [256, 272, 528, 533] { expectProduct(rows: 2, inputs: 3, outputs: outputs) }
        expectProduct(rows: 500, inputs: 3, outputs: 165)
    }

    @Test func `the bits of a row depend on that row and the weights alone`() {
        for (number, inputs, outputs) in [(dseg_f32, 300, 37), (dseg_f16, 515, 16), (dseg_bf16, 7, 131)] {
            var draw = Draw(seed: inputs)
            let rows = 481
            let x = draw.matrix(rows, inputs)
            let panels = Panels(draw.stored(number, outputs * inputs), outputs: outputs, inputs: inputs)
            let (bias, before) = (draw.floats(outputs), draw.floats(rows * outputs))
            let alone = (0..<rows).map { bits(x, rows: $0..<($0 + 1), panels, bias: bias, before: before) }
            for (first, count) in [(0, 5), (3, 6), (11, 77), (236, 9), (100, 300), (181, 300), (0, 481)] {
                let together = bits(x, rows: first..<(first + count), panels, bias: bias, before: before)
                #expect(together == alone[first..<(first + count)].flatMap { $0 }, "\(count) rows from \(first)")
            }
        }
    }

    /// The first product is as wide as a panel, the second has it behind another and beside a part of one.
    @Test func `the bits of an output depend neither on the outputs beside it nor on their number`() {
        var draw = Draw(seed: 3)
        let (rows, inputs) = (250, 270)
        let x = draw.matrix(rows, inputs)
        let w = draw.floats(43 * inputs)
        let (bias, before) = (draw.floats(43), draw.floats(rows * 43))
        let all = bits(x, rows: 0..<rows, Panels(w, outputs: 43, inputs: inputs), bias: bias, before: before)
        for columns in [0..<16, 16..<32, 32..<43, 5..<22, 42..<43] {
            let part = Array(w[(columns.lowerBound * inputs)..<(columns.upperBound * inputs)])
            let beside = (0..<rows).flatMap { row in columns.map { before[row * 43 + $0] } }
            let some = bits(
                x, rows: 0..<rows, Panels(part, outputs: columns.count, inputs: inputs), bias: Array(bias[columns]),
                before: beside)
            #expect(some == (0..<rows).flatMap { row in columns.map { all[row * 43 + $0] } }, "\(columns)")
        }
    }

    @Test func `weights stored as halves multiply as the floats that they are, bit for bit`() {
        for number in [dseg_f16, dseg_bf16] {
            for (rows, inputs, outputs) in [(1, 1, 1), (9, 37, 17), (3, 256, 16), (30, 257, 40), (242, 520, 33)] {
                var draw = Draw(seed: rows + inputs)
                let x = draw.matrix(rows, inputs)
                let (bias, before) = (draw.floats(outputs), draw.floats(rows * outputs))
                let stored = draw.stored(number, outputs * inputs)
                let halves = Panels(stored, outputs: outputs, inputs: inputs)
                let floats = Panels(stored.floats, outputs: outputs, inputs: inputs)
                let expected = bits(x, rows: 0..<rows, floats, bias: bias, before: before)
                #expect(bits(x, rows: 0..<rows, halves, bias: bias, before: before) == expected, "\(number), \(inputs)")
            }
        }
    }

    @Test func `dseg_linear of no rows or no outputs writes nothing`() {
        for (rows, outputs) in [(0, 5), (3, 0), (0, 0), (4096, 0)] {
            let x = Framed(rows: rows, columns: 4) { _, _ in 1 }
            let y = Framed(unwritten: rows, outputs)
            let w = Panels([Float](repeating: 1, count: outputs * 4), outputs: outputs, inputs: 4)
            let bias = [Float](repeating: 1, count: outputs + 1)
            for adding in [false, true] {
                unsafe dseg_linear(x.c, w.c, bias, y.c, adding)
                #expect(y.isFrameIntact)
            }
        }
    }

    @Test func `a NaN reaches its own row of a product and no other`() {
        var draw = Draw(seed: 1)
        let w = Panels(draw.floats(33 * 20), outputs: 33, inputs: 20)
        for spoilt in [0, 5, 40, 63, 64] {
            let x = Framed(rows: 65, columns: 20) { $0 == spoilt && $1 == 19 ? .nan : 1 }
            let y = Framed(unwritten: 65, 33)
            unsafe dseg_linear(x.c, w.c, nil, y.c, false)
            let isSpread = (0..<65).allSatisfy { row in
                (0..<33).allSatisfy { y[row, $0].isNaN == (row == spoilt) }
            }
            #expect(isSpread && y.isFrameIntact)
        }
    }

    @Test func `a weight that is NaN reaches its own output and no other`() {
        for output in [0, 15, 16, 32] {
            let x = Framed(rows: 31, columns: 20) { _, _ in 1 }
            let w = (0..<(33 * 20)).map { $0 == output * 20 + 7 ? Float.nan : 1 }
            let panels = Panels(w, outputs: 33, inputs: 20)
            let y = Framed(unwritten: 31, 33)
            unsafe dseg_linear(x.c, panels.c, nil, y.c, false)
            let isSpread = (0..<31).allSatisfy { row in
                (0..<33).allSatisfy { y[row, $0].isNaN == ($0 == output) }
            }
            #expect(isSpread && y.isFrameIntact)
        }
    }
}
