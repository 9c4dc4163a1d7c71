import CKernels
import Testing

/// A product and all that it needs.
struct Product {
    let x: Framed
    let w: Weights
    let bias: [Float]?
    let before: [Float]?

    /// y, written into a frame that must stay intact, with scratch that must too.
    func run(_ situation: String, sourceLocation: SourceLocation = #_sourceLocation) -> [Float] {
        let y =
            before.map { Framed($0, rows: x.rows, columns: w.outputs) } ?? Framed(unwritten: x.rows, w.outputs)
        let scratch = Scratch(dseg_linear_scratch(x.rows, w.inputs, w.outputs))
        unsafe dseg_linear(x.c, w.c, bias, y.c, before != nil, scratch.floats)
        let isIntact = y.isFrameIntact && x.isFrameIntact && scratch.isIntact
        #expect(isIntact, "\(situation)", sourceLocation: sourceLocation)
        return y.values
    }

    func bits(_ situation: String) -> [UInt32] { run(situation).map(\.bitPattern) }
}

/// Holds x wᵀ, with bias and without, added to what stood there and not, against its definition.
///
/// A product is a sum of `inputs` products and up to two more terms, whatever comes before what: a term passes through
/// one rounding as a product, and through at most inputs + 1 as one of so many summands. One more stands for the
/// roundoffs' powers.
private func expectProduct(rows: Int, inputs: Int, outputs: Int) {
    var draw = Draw(seed: rows * 1_000_000 + inputs * 1000 + outputs)
    let x = draw.matrix(rows, inputs)
    let (w, bias, before) = (draw.floats(outputs * inputs), draw.floats(outputs), draw.floats(rows * outputs))
    let weights = Weights(w, outputs: outputs, inputs: inputs)
    let (numbers, factors) = (x.values.map(Double.init), w.map(Double.init))
    let sums = (0..<(rows * outputs)).map { place in
        dot(numbers, place / outputs * inputs, factors, place % outputs * inputs, inputs)
    }
    for (adding, biased) in [(false, false), (false, true), (true, false), (true, true)] {
        let situation = "[\(rows), \(inputs)] to \(outputs), adding \(adding), bias \(biased)"
        let product = Product(x: x, w: weights, bias: biased ? bias : nil, before: adding ? before : nil)
        let expected = sums.enumerated().map { place, sum in
            let others = (biased ? Double(bias[place % outputs]) : 0, adding ? Double(before[place]) : 0)
            let terms = sum.magnitude + others.0.magnitude + others.1.magnitude
            return Bounded(value: sum.sum + others.0 + others.1, slack: Double(inputs + 3) * roundoff * terms)
        }
        expect(product.run(situation), within: expected, situation)
    }
}

/// Rows, inputs and outputs of several tasks, and of several blocks of inputs.
private let shapes = [
    (1, 1, 1), (9, 37, 17), (3, 256, 16), (30, 257, 40), (242, 520, 33), (300, 769, 23), (257, 40, 165),
    (5, 1537, 161),
]

@Suite struct ProductTests {
    @Test func `dseg_linear is x wᵀ + bias at every number of inputs`() {
        for inputs in tails { expectProduct(rows: 3, inputs: inputs, outputs: 5) }
    }

    /// A block has 768 inputs at most, and blocks are equal.
    @Test func `dseg_linear is x wᵀ + bias around the borders of its blocks of inputs`() {
        for inputs in [511, 512, 513, 767, 768, 769, 1535, 1536, 1537, 2305] {
            expectProduct(rows: 3, inputs: inputs, outputs: 5)
            expectProduct(rows: 13, inputs: inputs, outputs: 17)
        }
    }

    @Test func `dseg_linear is x wᵀ + bias at every number of outputs`() {
        for outputs in tails { expectProduct(rows: 7, inputs: 7, outputs: outputs) }
    }

    @Test func `dseg_linear is x wᵀ + bias at every number of rows`() {
        for rows in 1...30 {
            for (inputs, outputs) in [(5, 16), (5, 17), (19, 35)] {
                expectProduct(rows: rows, inputs: inputs, outputs: outputs)
            }
        }
    }

    /// A task has 256 rows and 160 outputs at most, and of few rows as many outputs as make eight tasks.
    @Test func `dseg_linear is x wᵀ + bias around the borders of its tasks`() {
        for rows in borders + [511, 512, 513, 721] { expectProduct(rows: rows, inputs: 9, outputs: 3) }
        for outputs in [159, 160, 161, 319, 320, 321, 1279, 1280, 1281] {
            expectProduct(rows: 2, inputs: 3, outputs: outputs)
        }
        for outputs in [640, 641] { expectProduct(rows: 257, inputs: 2, outputs: outputs) }
        expectProduct(rows: 2049, inputs: 2, outputs: 161)
        expectProduct(rows: 257, inputs: 769, outputs: 17)
        expectProduct(rows: 513, inputs: 40, outputs: 37)
    }

    @Test func `weights stored as halves multiply as the floats that they are, bit for bit`() {
        for number in [dseg_f16, dseg_bf16] {
            for (rows, inputs, outputs) in shapes {
                var draw = Draw(seed: rows + inputs)
                let x = draw.matrix(rows, inputs)
                let (bias, before) = (draw.floats(outputs), draw.floats(rows * outputs))
                let stored = draw.stored(number, outputs * inputs)
                let answers = [stored, Stored(stored.floats)].map { weights in
                    let w = Weights(weights, outputs: outputs, inputs: inputs)
                    return Product(x: x, w: w, bias: bias, before: before).bits("\(number), \(inputs) inputs")
                }
                #expect(answers[0] == answers[1], "\(number), [\(rows), \(inputs)] to \(outputs)")
            }
        }
    }

    /// Where a row or an output stands, and how many there are, decides in which order its sums are added up. What
    /// stands in the others does not.
    @Test func `the bits of a row and of an output do not depend on the numbers of the others`() {
        for (rows, inputs, outputs) in shapes where rows > 1 {
            var draw = Draw(seed: inputs)
            let x = draw.matrix(rows, inputs)
            let (w, bias) = (draw.floats(outputs * inputs), draw.floats(outputs))
            let all = Product(x: x, w: Weights(w, outputs: outputs, inputs: inputs), bias: bias, before: nil).bits(
                "all")
            for part in 0..<3 {
                let others = Framed(rows: rows, columns: inputs) { $0 % 3 == part ? x[$0, $1] : .infinity }
                let weights = w.enumerated().map { $0 / inputs % 3 == part ? $1 : -.infinity }
                let some = Product(
                    x: others, w: Weights(weights, outputs: outputs, inputs: inputs), bias: bias, before: nil
                ).bits("some")
                let differing = all.indices.filter {
                    $0 / outputs % 3 == part && $0 % outputs % 3 == part && all[$0] != some[$0]
                }
                #expect(differing.isEmpty, "[\(rows), \(inputs)] to \(outputs)")
            }
        }
    }

    @Test func `dseg_linear of no rows or no outputs writes nothing`() {
        for (rows, outputs) in [(0, 5), (3, 0), (0, 0), (4096, 0)] {
            let x = Framed(rows: rows, columns: 4) { _, _ in 1 }
            let w = Weights([Float](repeating: 1, count: outputs * 4), outputs: outputs, inputs: 4)
            let bias = [Float](repeating: 1, count: outputs + 1)
            for before in [nil, [Float](repeating: 1, count: rows * outputs)] {
                #expect(Product(x: x, w: w, bias: bias, before: before).run("[\(rows)] to \(outputs)").isEmpty)
            }
        }
    }

    @Test func `a NaN reaches its own row of a product and no other`() {
        for (rows, outputs, spoilt) in [
            (65, 33, 0), (65, 33, 5), (65, 33, 40), (65, 33, 63), (65, 33, 64), (1, 9, 0), (300, 170, 255),
            (300, 170, 299),
        ] {
            var draw = Draw(seed: 1)
            let w = Weights(draw.floats(outputs * 20), outputs: outputs, inputs: 20)
            let x = Framed(rows: rows, columns: 20) { $0 == spoilt && $1 == 19 ? .nan : 1 }
            let y = Product(x: x, w: w, bias: nil, before: nil).run("row \(spoilt)")
            #expect(y.indices.allSatisfy { y[$0].isNaN == ($0 / outputs == spoilt) }, "row \(spoilt) of \(rows)")
        }
    }

    @Test func `a weight that is NaN reaches its own output and no other`() {
        for number in storedNumbers {
            for (rows, outputs, spoilt) in [
                (31, 33, 0), (31, 33, 15), (31, 33, 16), (31, 33, 32), (1, 9, 8), (300, 170, 100), (300, 170, 169),
            ] {
                let (one, nan): (UInt32, UInt32) =
                    switch number {
                    case dseg_f16: (0x3c00, 0x7e00)
                    case dseg_bf16: (0x3f80, 0x7fc0)
                    default: (0x3f80_0000, 0x7fc0_0000)
                    }
                let bits = (0..<(outputs * 20)).map { $0 == spoilt * 20 + 7 ? nan : one }
                let w = Weights(Stored(number, bits: bits), outputs: outputs, inputs: 20)
                let x = Framed(rows: rows, columns: 20) { _, _ in 1 }
                let y = Product(x: x, w: w, bias: nil, before: nil).run("output \(spoilt)")
                #expect(y.indices.allSatisfy { y[$0].isNaN == ($0 % outputs == spoilt) }, "output \(spoilt)")
            }
        }
    }
}
