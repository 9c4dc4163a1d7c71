import CKernels
import Testing

/// Numbers that begin some bytes behind a cache line.
@safe private final class Shifted {
    private let store: UnsafeMutableRawPointer
    private let offset: Int

    init<Number: BitwiseCopyable>(_ numbers: [Number], offset: Int) {
        let count = numbers.count * MemoryLayout<Number>.stride
        unsafe store = .allocate(byteCount: count + 128, alignment: 64)
        self.offset = offset
        unsafe numbers.withUnsafeBytes { bytes in
            guard let from = bytes.baseAddress else { return }
            unsafe (store + offset).copyMemory(from: from, byteCount: count)
        }
    }

    deinit { unsafe store.deallocate() }

    var base: UnsafeRawPointer { unsafe UnsafeRawPointer(store + offset) }
    var floats: UnsafeMutablePointer<Float> { unsafe (store + offset).assumingMemoryBound(to: Float.self) }
}

/// A matrix whose first number lies some bytes behind a cache line, and NaN between its rows.
@safe private final class ShiftedMatrix {
    private let numbers: Shifted
    let rows: Int
    let columns: Int
    private let stride: Int

    init(_ values: [Float], columns: Int, gap: Int, offset: Int) {
        rows = values.count / columns
        self.columns = columns
        stride = columns + gap
        let spread = (0..<rows).flatMap {
            values[($0 * columns)..<(($0 + 1) * columns)] + [Float](repeating: .nan, count: gap)
        }
        numbers = Shifted(spread, offset: offset)
    }

    var c: dseg_matrix { unsafe dseg_matrix(base: numbers.floats, rows: rows, columns: columns, stride: stride) }

    var bits: [UInt32] {
        (0..<rows).flatMap { row in
            (0..<columns).map { unsafe numbers.floats[row * stride + $0].bitPattern }
        }
    }
}

/// Where each operand lies, in bytes behind a cache line, and how many numbers lie between two rows.
private struct Places {
    let x: Int
    let y: Int
    let weights: Int
    let scratch: Int
    let gap: Int

    static let all =
        [Places(x: 0, y: 0, weights: 0, scratch: 0, gap: 0)]
        + [4, 8, 16, 20, 32, 36, 48, 60].map { offset in
            Places(
                x: offset, y: offset * 3 % 64, weights: offset * 5 % 64, scratch: offset * 7 % 64, gap: offset / 4 % 5)
        }
        + [Places(x: 0, y: 0, weights: 20, scratch: 0, gap: 16), Places(x: 0, y: 0, weights: 0, scratch: 12, gap: 1)]
}

/// Expects the same bits of operands wherever they lie.
private func expectSameBits(_ situation: String, _ answer: (Places) -> [UInt32]) {
    let first = answer(Places.all[0])
    #expect(!first.contains { Float(bitPattern: $0).isNaN }, "\(situation)")
    for places in Places.all.dropFirst() { #expect(answer(places) == first, "\(situation), \(places)") }
    #expect(answer(Places.all[0]) == first, "\(situation), again")
}

/// The law of f32: the same shapes and the same numbers give the same bits, wherever they lie.
@Suite struct SameBitsTests {
    @Test func `the bits of a product do not depend on where its operands lie`() {
        _ = startedThreads
        for number in storedNumbers {
            for (rows, inputs, outputs) in [(1, 40, 33), (13, 770, 17), (77, 96, 170), (300, 33, 65)] {
                var draw = Draw(seed: rows)
                let (x, before) = (draw.floats(rows * inputs), draw.floats(rows * outputs))
                let (w, bias) = (draw.stored(number, outputs * inputs).bytes, draw.floats(outputs))
                let room = [Float](repeating: .nan, count: dseg_linear_scratch(rows, inputs, outputs))
                expectSameBits("[\(rows), \(inputs)] to \(outputs), \(number)") { places in
                    let numbers = ShiftedMatrix(x, columns: inputs, gap: places.gap, offset: places.x)
                    let y = ShiftedMatrix(before, columns: outputs, gap: places.gap, offset: places.y)
                    let (weights, scratch) = (
                        Shifted(w, offset: places.weights), Shifted(room, offset: places.scratch)
                    )
                    let stored = unsafe dseg_weights(
                        base: weights.base, number: number, outputs: outputs, inputs: inputs)
                    unsafe dseg_linear(numbers.c, stored, bias, y.c, true, scratch.floats)
                    withExtendedLifetime(weights) {}
                    return y.bits
                }
            }
        }
    }

    /// By im2col, and Winograd's with few tiles, with many, with groups of outputs, and with blocks too.
    @Test(arguments: [
        (2, 20, 15, 48, 20), (1, 16, 17, 5, 9), (1, 12, 15, 48, 37), (1, 24, 24, 33, 20), (1, 1, 132, 700, 100),
        (1, 1, 1032, 300, 230),
    ])
    func `the bits of a convolution do not depend on where its operands lie`(
        step: Int, height: Int, width: Int, inputs: Int, outputs: Int
    ) {
        _ = startedThreads
        let window = dseg_window(
            height: height, width: width, out_height: (height + step - 1) / step, out_width: (width + step - 1) / step,
            kernel: 3, stride: step, before: 1, doubled: false)
        var draw = Draw(seed: inputs)
        let (x, w) = (draw.floats(height * width * inputs), draw.stored(dseg_f16, outputs * 9 * inputs))
        let (floats, bias) = (w.floats, draw.floats(outputs))
        let before = draw.floats(window.out_height * window.out_width * outputs)
        let room = dseg_convolution_scratch(window, inputs, outputs)
        expectSameBits("\(window), \(inputs) to \(outputs)") { places in
            let map = ShiftedMatrix(x, columns: inputs, gap: places.gap, offset: places.x)
            let y = ShiftedMatrix(before, columns: outputs, gap: places.gap, offset: places.y)
            let weights = Shifted(floats, offset: places.weights)
            let scratch = Scratch(room + 16)
            let stored = unsafe dseg_weights(
                base: weights.base, number: dseg_f32, outputs: outputs, inputs: 9 * inputs)
            unsafe dseg_convolution(
                map.c, nil, window, stored, bias, y.c, true, scratch.floats + places.scratch / 4)
            withExtendedLifetime(weights) {}
            #expect(scratch.isIntact)
            return y.bits
        }
    }

    @Test(arguments: [(70, 77, 40, false), (200, 300, 15, false), (77, 77, 64, true), (40, 1100, 8, false)])
    func `the bits of attention do not depend on where its operands lie`(
        rows: Int, keys: Int, width: Int, causal: Bool
    ) {
        _ = startedThreads
        var draw = Draw(seed: keys)
        let columns = 2 * width
        let numbers = [rows, keys, keys].map { draw.floats($0 * columns) }
        let room = dseg_attention_scratch(keys, columns, 2)
        expectSameBits("\(rows) queries, \(keys) keys of \(width)") { places in
            let (q, k, v) = (
                ShiftedMatrix(numbers[0], columns: columns, gap: places.gap, offset: places.x),
                ShiftedMatrix(numbers[1], columns: columns, gap: places.gap, offset: places.weights),
                ShiftedMatrix(numbers[2], columns: columns, gap: places.gap, offset: places.scratch)
            )
            let y = ShiftedMatrix(
                [Float](repeating: .nan, count: rows * columns), columns: columns, gap: places.gap, offset: places.y)
            let mean = ShiftedMatrix(
                [Float](repeating: 0, count: rows * keys), columns: keys, gap: places.gap, offset: places.x)
            var captured = unsafe mean.c
            let scratch = Scratch(room + 16)
            unsafe dseg_attention(
                q.c, k.c, v.c, 2, causal, y.c, &captured, shares(1, heads: 2), false,
                scratch.floats + places.scratch / 4)
            #expect(scratch.isIntact)
            return y.bits + mean.bits
        }
    }
}
