import CKernels
import Testing

/// x wᵀ + bias + before by its definition, each sum of `inputs` products and two more terms.
private func product(
    _ x: Framed, _ w: [Float], bias: [Float]?, before: [Float]?, outputs: Int
) -> [Bounded] {
    let inputs = x.columns
    return (0..<(x.rows * outputs)).map { place in
        let (row, output) = place.quotientAndRemainder(dividingBy: outputs)
        let rest = [bias?[output], before?[place]].compactMap { $0.map(Double.init) }
        var sum = rest.reduce(0, +)
        var magnitude = rest.reduce(0) { $0 + $1.magnitude }
        for input in 0..<inputs {
            let term = Double(x[row, input]) * Double(w[output * inputs + input])
            sum += term
            magnitude += term.magnitude
        }
        // Each term passes through at most inputs + 2 roundings, in whatever order.
        return Bounded(value: sum, slack: Double(inputs + 3) * roundoff * magnitude)
    }
}

private func expectProduct(rows: Int, inputs: Int, outputs: Int) {
    var draw = Draw(seed: rows * 1_000_000 + inputs * 1000 + outputs)
    let x = draw.matrix(rows, inputs)
    let w = draw.floats(outputs * inputs)
    let bias = draw.floats(outputs)
    for (adding, biased) in [(false, false), (false, true), (true, false), (true, true)] {
        let before = draw.floats(rows * outputs)
        let y =
            adding
            ? Framed(before, rows: rows, columns: outputs) : Framed(unwritten: rows, outputs)
        if biased {
            unsafe dseg_linear(x.c, w, bias, y.c, adding)
        } else {
            unsafe dseg_linear(x.c, w, nil, y.c, adding)
        }
        let expected = product(
            x, w, bias: biased ? bias : nil, before: adding ? before : nil, outputs: outputs)
        expect(
            y, within: expected,
            "[\(rows), \(inputs)] to \(outputs), adding \(adding), bias \(biased)")
    }
}

@Suite struct ProductTests {
    @Test func `dseg_linear is x wᵀ + bias at every number of inputs`() {
        for inputs in tails { expectProduct(rows: 3, inputs: inputs, outputs: 5) }
    }

    @Test func `dseg_linear is x wᵀ + bias at every number of outputs`() {
        for outputs in tails { expectProduct(rows: 3, inputs: 7, outputs: outputs) }
    }

    @Test func `dseg_linear is x wᵀ + bias around the borders of its tasks`() {
        for rows in borders + [511, 513] { expectProduct(rows: rows, inputs: 9, outputs: 3) }
        expectProduct(rows: 257, inputs: 2, outputs: 129)
        expectProduct(rows: 2049, inputs: 2, outputs: 3)
    }

    @Test func `dseg_linear of no rows or no outputs writes nothing`() {
        for (rows, outputs) in [(0, 5), (3, 0), (0, 0), (4096, 0)] {
            let x = Framed(rows: rows, columns: 4) { _, _ in 1 }
            let y = Framed(unwritten: rows, outputs)
            let w = [Float](repeating: 1, count: max(outputs, 1) * 4)
            unsafe dseg_linear(x.c, w, w, y.c, false)
            #expect(y.isFrameIntact)
        }
    }

    @Test func `a NaN reaches its own row of a product and no other`() {
        var draw = Draw(seed: 1)
        let w = draw.floats(33 * 20)
        let x = Framed(rows: 65, columns: 20) { row, column in
            row == 40 && column == 19 ? .nan : 1
        }
        let y = Framed(unwritten: 65, 33)
        unsafe dseg_linear(x.c, w, nil, y.c, false)
        let isSpread = (0..<65).allSatisfy { row in
            (0..<33).allSatisfy { y[row, $0].isNaN == (row == 40) }
        }
        #expect(isSpread && y.isFrameIntact)
    }
}
