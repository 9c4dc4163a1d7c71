import CKernels
import Testing

/// What a convolution normalises as it reads is what the group norm writes: both ways multiply, add and gate each
/// number by the same function, so their answers have the same bits.
@Suite struct NormalizedConvolutionTests {
    /// conv(silu(norm(x))), the map normalised first, and then by what reads it; y is added to.
    private func expectSameBits(_ window: dseg_window, inputs: Int, outputs: Int, fixed: Bool) {
        var draw = Draw(seed: inputs + window.height)
        let x = draw.matrix(window.height * window.width, inputs)
        let weights = draw.stored(dseg_f16, outputs * 9 * inputs)
        let (gamma, beta, bias) = (draw.floats(inputs), draw.floats(inputs), draw.floats(outputs))
        let way: Way = fixed ? .fixedWinograd : .winograd
        let w = way.weights(weights, outputs: outputs, positions: 9)
        let before = draw.floats(window.out_height * window.out_width * outputs)
        let answers = (0..<2).map { _ in
            Framed(before, rows: window.out_height * window.out_width, columns: outputs)
        }
        let scratch = w.scratch(window, inputs: inputs, outputs: outputs)
        let sums = Scratch(dseg_group_norm_scratch(x.rows, inputs))
        let normalized = Framed(unwritten: x.rows, inputs)
        unsafe dseg_group_norm_silu(x.c, normalized.c, gamma, beta, 1, 1e-6, sums.floats)
        unsafe w.convolve(normalized, window, bias: bias, into: answers[0], adding: true, scratch)
        var (gain, shift) = ([Float](repeating: .nan, count: inputs), [Float](repeating: .nan, count: inputs))
        unsafe dseg_group_gains(x.c, gamma, beta, 1, 1e-6, &gain, &shift, sums.floats)
        let again = w.scratch(window, inputs: inputs, outputs: outputs)
        unsafe gain.withUnsafeBufferPointer { gain in
            unsafe shift.withUnsafeBufferPointer { shift in
                guard let gain = gain.baseAddress, let shift = shift.baseAddress else { return }
                var gains = unsafe dseg_gains(gain: gain, shift: shift)
                unsafe w.convolve(x, window, gains: &gains, bias: bias, into: answers[1], adding: true, again)
            }
        }
        let bits = answers.map { $0.values.map(\.bitPattern) }
        #expect(bits[0] == bits[1], "\(window), \(inputs) inputs, fixed: \(fixed)")
        #expect(answers[1].isFrameIntact && x.isFrameIntact && again.isIntact)
        #expect(answers[1].values != before)
    }

    @Test(arguments: [false, true])
    func `dseg_convolution with gains is one of the normalised map in every geometry`(fixed: Bool) {
        for (height, width) in [(1, 1), (2, 3), (1, 9), (9, 1), (5, 4), (9, 13), (3, 17), (17, 3)] {
            for window in windows(height: height, width: width, kernel: 3, stride: 1) {
                expectSameBits(window, inputs: 18, outputs: 19, fixed: fixed)
            }
        }
    }

    /// Blocks of 256 tiles begin and end inside a row of tiles.
    @Test(arguments: [false, true])
    func `dseg_convolution with gains is one of the normalised map over blocks of tiles`(fixed: Bool) {
        for (height, width) in [(33, 29), (61, 66), (4, 1030), (130, 9)] {
            for window in windows(height: height, width: width, kernel: 3, stride: 1) {
                expectSameBits(window, inputs: 16, outputs: 16, fixed: fixed)
            }
        }
        for window in windows(height: 20, width: 20, kernel: 3, stride: 1) {
            expectSameBits(window, inputs: 260, outputs: 17, fixed: fixed)
        }
    }

    @Test func `dseg_clear makes zeros of whatever there is, and of nothing beside it`() {
        for (rows, columns) in [(1, 1), (3, 17), (300, 5)] {
            let x = Framed(rows: rows, columns: columns) { row, column in (row + column) % 2 == 0 ? .nan : .infinity }
            unsafe dseg_clear(x.c)
            #expect(x.values.allSatisfy { $0.bitPattern == 0 } && x.isFrameIntact)
        }
    }

    @Test func `dseg_fixed_gated_linear is the gated gelu of a product, bit for bit`() {
        for (rows, inputs, width) in [(1, 1, 16), (7, 33, 48), (241, 20, 32), (40, 321, 256)] {
            var draw = Draw(seed: inputs)
            let x = FixedInputs(draw.matrix(rows, inputs))
            let w = FixedPanels(draw.floats(2 * width * inputs), outputs: 2 * width, inputs: inputs)
            let bias = draw.floats(2 * width)
            let (product, y) = (Framed(unwritten: rows, 2 * width), Framed(unwritten: rows, width))
            let gated = Framed(unwritten: rows, width)
            unsafe dseg_fixed_linear(x.c, w.c, bias, product.c, false)
            unsafe dseg_gated_gelu(product.c, y.c)
            unsafe dseg_fixed_gated_linear(x.c, w.c, bias, gated.c)
            #expect(gated.values.map(\.bitPattern) == y.values.map(\.bitPattern), "[\(rows), \(width)]")
            #expect(gated.isFrameIntact)
        }
    }
}
