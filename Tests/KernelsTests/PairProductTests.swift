import CKernels
import Kernels
import Testing

/// Weights `[outputs, inputs]` in pairs, by kernels.h's definition of them, before a fence.
@safe private final class Pairs {
    private let memory: Fenced
    let outputs: Int
    let inputs: Int

    init(_ weights: [Float], outputs: Int, inputs: Int) {
        var halves = [UInt32](repeating: 0, count: (outputs + 15) / 16 * ((inputs + 1) / 2) * 32)
        for output in 0..<outputs {
            for input in 0..<inputs {
                let place = (((output / 16) * ((inputs + 1) / 2) + input / 2) * 16 + output % 16) * 2 + input % 2
                halves[place] = UInt32(nearestBF16(weights[output * inputs + input]))
            }
        }
        memory = Fenced(Stored(dseg_bf16, bits: halves).bytes)
        self.outputs = outputs
        self.inputs = inputs
    }

    var c: dseg_panels {
        unsafe dseg_panels(base: memory.base, number: dseg_bf16_pairs, outputs: outputs, inputs: inputs)
    }
}

private func rounded(_ floats: [Float]) -> [Double] {
    floats.map { Double(widened(bf16: nearestBF16($0))) }
}

/// x wᵀ + bias + before, both operands rounded to bfloat16, in double precision.
private func product(_ x: [Float], _ w: [Float], bias: [Float]?, before: [Float]?, inputs: Int) -> [Bounded] {
    let (numbers, weights) = (rounded(x), rounded(w))
    let outputs = w.count / inputs
    return (0..<(x.count / inputs * outputs)).map { place in
        let (row, output) = place.quotientAndRemainder(dividingBy: outputs)
        let rest = [bias?[output], before?[place]].compactMap { $0.map(Double.init) }
        let (sum, magnitude) = dot(numbers, row * inputs, weights, output * inputs, inputs)
        let terms = magnitude + rest.reduce(0) { $0 + $1.magnitude }
        // A product of two bfloat16 numbers is a float; each passes through at most inputs + 2 roundings.
        return Bounded(value: sum + rest.reduce(0, +), slack: Double(inputs + 3) * roundoff * terms)
    }
}

private func expectProduct(rows: Int, inputs: Int, outputs: Int) {
    var draw = Draw(seed: rows * 1_000_000 + inputs * 1000 + outputs)
    let x = draw.matrix(rows, inputs)
    let w = draw.floats(outputs * inputs)
    let bias = draw.floats(outputs)
    let pairs = Pairs(w, outputs: outputs, inputs: inputs)
    for (adding, biased) in [(false, false), (false, true), (true, false), (true, true)] {
        let before = draw.floats(rows * outputs)
        let y = adding ? Framed(before, rows: rows, columns: outputs) : Framed(unwritten: rows, outputs)
        if biased {
            unsafe dseg_linear(x.c, pairs.c, bias, y.c, adding)
        } else {
            unsafe dseg_linear(x.c, pairs.c, nil, y.c, adding)
        }
        let expected = product(
            x.values, w, bias: biased ? bias : nil, before: adding ? before : nil, inputs: inputs)
        expect(y, within: expected, "[\(rows), \(inputs)] to \(outputs), adding \(adding), bias \(biased)")
    }
    #expect(x.isFrameIntact)
}

/// The bits of rows of a product in pairs.
private func bits(_ x: Framed, rows: Range<Int>, _ w: Pairs, bias: [Float]) -> [UInt32] {
    let y = Framed(unwritten: rows.count, w.outputs)
    let part = Framed(rows: rows.count, columns: x.columns) { x[rows.lowerBound + $0, $1] }
    unsafe dseg_linear(part.c, w.c, bias, y.c, false)
    #expect(y.isFrameIntact && part.isFrameIntact)
    return y.values.map(\.bitPattern)
}

@Suite struct PairProductTests {
    @Test func `a product in pairs is that of the rounded operands at every number of inputs`() {
        for inputs in tails + [511, 512, 513, 800] { expectProduct(rows: 3, inputs: inputs, outputs: 5) }
    }

    @Test func `a product in pairs is that of the rounded operands at every number of outputs`() {
        for outputs in tails { expectProduct(rows: 7, inputs: 7, outputs: outputs) }
    }

    @Test func `a product in pairs is that of the rounded operands at every number of rows`() {
        for rows in Array(1...30) + [239, 240, 241, 481] {
            for outputs in [16, 17, 35] { expectProduct(rows: rows, inputs: 5, outputs: outputs) }
        }
        expectProduct(rows: 241, inputs: 257, outputs: 17)
    }

    @Test func `operands are rounded to the nearest, ties to even`() {
        // In bfloat16 three of four are other numbers; each weight shows one of them.
        let ties = [0x3f80_8000, 0x3f81_8000, 0x3f80_8001, 0xbf80_7fff].map { Float(bitPattern: $0) }
        let unit = (0..<16).map { Float($0 % 5 == 0 ? 1 : 0) }
        let y = Framed(unwritten: 1, 4)
        let (x, pairs) = (Framed(ties, rows: 1, columns: 4), Pairs(unit, outputs: 4, inputs: 4))
        unsafe dseg_linear(x.c, pairs.c, nil, y.c, false)
        #expect(x.isFrameIntact)
        #expect(y.values == ties.map { widened(bf16: nearestBF16($0)) })
        #expect(y.values.map(\.bitPattern) == [0x3f80_0000, 0x3f82_0000, 0x3f81_0000, 0xbf80_0000])
    }

    @Test func `the bits of a row in pairs depend neither on other rows nor on other outputs`() {
        for (rows, inputs, outputs) in [(481, 300, 37), (60, 7, 131), (250, 515, 16)] {
            var draw = Draw(seed: inputs)
            let x = draw.matrix(rows, inputs)
            let w = draw.floats(outputs * inputs)
            let bias = draw.floats(outputs)
            let whole = Pairs(w, outputs: outputs, inputs: inputs)
            let all = bits(x, rows: 0..<rows, whole, bias: bias)
            for row in stride(from: 0, to: rows, by: 7) {
                let alone = bits(x, rows: row..<(row + 1), whole, bias: bias)
                #expect(alone == Array(all[(row * outputs)..<((row + 1) * outputs)]), "row \(row)")
            }
            for columns in [0..<1, 3..<16, (outputs - 5)..<outputs] {
                let part = Array(w[(columns.lowerBound * inputs)..<(columns.upperBound * inputs)])
                let some = bits(
                    x, rows: 0..<rows, Pairs(part, outputs: columns.count, inputs: inputs), bias: Array(bias[columns]))
                #expect(some == (0..<rows).flatMap { row in columns.map { all[row * outputs + $0] } }, "\(columns)")
            }
        }
    }

    @Test func `what is not a number in pairs reaches its own row or output and no other`() {
        var draw = Draw(seed: 1)
        let spoiltRow = Framed(rows: 65, columns: 19) { $0 == 40 && $1 == 18 ? .nan : 1 }
        let y = Framed(unwritten: 65, 33)
        let healthy = Pairs(draw.floats(33 * 19), outputs: 33, inputs: 19)
        unsafe dseg_linear(spoiltRow.c, healthy.c, nil, y.c, false)
        #expect((0..<65).allSatisfy { row in (0..<33).allSatisfy { y[row, $0].isNaN == (row == 40) } })
        let x = Framed(rows: 31, columns: 19) { _, _ in 1 }
        let weights = (0..<(33 * 19)).map { $0 == 16 * 19 + 7 ? Float.nan : 1 }
        let z = Framed(unwritten: 31, 33)
        let spoilt = Pairs(weights, outputs: 33, inputs: 19)
        unsafe dseg_linear(x.c, spoilt.c, nil, z.c, false)
        #expect((0..<31).allSatisfy { row in (0..<33).allSatisfy { z[row, $0].isNaN == ($0 == 16) } })
        #expect(y.isFrameIntact && z.isFrameIntact)
    }

    @Test func `dseg_multiplies_bf16 is so of the widest body alone, and bf16 the fastest precision then`() async {
        await #expect(processExitsWith: .success) {
            _ = startedThreads
            #expect(Precision.fastest == (dseg_multiplies_bf16() ? .bf16 : .f32))
            #expect(!dseg_multiplies_bf16() || dseg_chosen_body() == dseg_avx512)
            for body in [dseg_avx2, dseg_portable] where dseg_choose_body(body) {
                #expect(!dseg_multiplies_bf16())
                #expect(Precision.fastest == .f32)
            }
        }
    }

    /// Each in a process of its own, as the instruction set is chosen for a whole process.
    @Test(arguments: [dseg_portable, dseg_avx2, dseg_avx512].map(\.rawValue))
    func `every body rounds and multiplies pairs by the same laws`(body: UInt32) async {
        await #expect(processExitsWith: .success) { [body] in
            _ = startedThreads
            guard dseg_choose_body(dseg_body(rawValue: body)) else { return }
            let pairs = PairProductTests()
            pairs.`a product in pairs is that of the rounded operands at every number of inputs`()
            pairs.`a product in pairs is that of the rounded operands at every number of outputs`()
            pairs.`operands are rounded to the nearest, ties to even`()
            pairs.`the bits of a row in pairs depend neither on other rows nor on other outputs`()
            pairs.`what is not a number in pairs reaches its own row or output and no other`()
            let narrow = NarrowTests()
            narrow.`dseg_narrow_to_bf16 rounds to the nearest, ties to even; NaN stays NaN`()
            narrow.`dseg_narrow_to_bf16 rounds every upper half of a float`()
            narrow.`dseg_narrow_to_bf16 writes as many as there are`()
            narrow.`dseg_narrow_to_pairs sets the inputs of two panel columns side by side, rounded`()
        }
    }
}
