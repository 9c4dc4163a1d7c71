import CKernels
import Kernels
import Testing

@Suite struct FixedConvolutionTests {
    @Test(arguments: 1...9)
    func `Winograd's way in fixed point keeps the definition on maps of every height and width`(height: Int) {
        for width in 1...9 {
            expectConvolution(
                same(height: height, width: width, doubled: false), inputs: 16, outputs: 16, .fixedWinograd)
        }
    }

    @Test(arguments: 1...4)
    func `Winograd's way in fixed point keeps the definition on doubled maps`(height: Int) {
        for width in 1...4 {
            expectConvolution(
                same(height: height, width: width, doubled: true), inputs: 17, outputs: 16, .fixedWinograd)
        }
    }

    @Test(arguments: [(1, 1), (2, 3), (1, 6), (6, 1), (5, 4), (3, 17), (17, 3)])
    func `Winograd's way in fixed point keeps the definition in every geometry`(height: Int, width: Int) {
        for window in windows(height: height, width: width, kernel: 3, stride: 1) {
            expectConvolution(window, inputs: 18, outputs: 19, .fixedWinograd)
        }
    }

    /// A piece has 128 inputs, a panel 16 outputs.
    @Test(arguments: [16, 17, 63, 127, 128, 129, 260])
    func `Winograd's way in fixed point keeps the definition for every tail of inputs and outputs`(inputs: Int) {
        for outputs in [16, 17, 33] {
            expectConvolution(
                same(height: 5, width: 3, doubled: false), inputs: inputs, outputs: outputs, .fixedWinograd)
        }
    }

    /// A block has 256 tiles of 4 x 4 pixels: 256, 257, 257, 272 and 289 of them.
    @Test(arguments: [(64, 64), (4, 1028), (1028, 4), (61, 66), (65, 66)])
    func `Winograd's way in fixed point keeps the definition over more tiles than a block has`(
        height: Int, width: Int
    ) {
        expectConvolution(same(height: height, width: width, doubled: false), inputs: 16, outputs: 17, .fixedWinograd)
    }

    @Test func `Winograd's way in fixed point keeps the definition over blocks and pieces of a doubled map`() {
        for (height, width) in [(33, 32), (3, 258), (258, 3)] {
            expectConvolution(
                same(height: height, width: width, doubled: true), inputs: 16, outputs: 16, .fixedWinograd)
        }
        expectConvolution(same(height: 4, width: 1030, doubled: false), inputs: 129, outputs: 16, .fixedWinograd)
    }

    /// How sensitive the bound is: a relative error of 1/64 in any coefficient of the transforms exceeds it.
    @Test func `the bound of fixed point tells a transform with a wrong coefficient from the right one`() {
        expectCoefficientsCount(\.fixedWinograd, part: 0x1p-6)
    }

    @Test(arguments: [16, 64, 200])
    func `the errors of Winograd's way in fixed point are those of independent roundings`(inputs: Int) {
        var draw = Draw(seed: 3)
        let outputs = 32
        let window = same(height: 12, width: 12, doubled: false)
        let (x, w) = (draw.matrix(144, inputs), draw.floats(outputs * 9 * inputs))
        let oracle = ConvolutionOracle(x, window, w, outputs: outputs)
        let kernels = FixedKernels(Stored(w), outputs: outputs, inputs: inputs)
        let scratch = Scratch(dseg_fixed_convolution_scratch(window, inputs, outputs))
        let y = Framed(unwritten: 144, outputs)
        unsafe dseg_fixed_convolution(x.c, nil, window, kernels.c, nil, y.c, false, scratch.floats)
        expectIndependent(
            y.values, oracle.fixedWinograd.values, oracle.fixedWinogradVariances, "\(inputs) inputs")
    }

    @Test(arguments: [(1, 1), (2, 2), (1, 7), (7, 1), (5, 4), (3, 17), (17, 3)])
    func `a convolution by im2col in fixed point keeps its definition in every geometry`(height: Int, width: Int) {
        for (kernel, stride) in [(1, 1), (1, 2), (3, 1), (3, 2), (5, 2)] {
            for window in windows(height: height, width: width, kernel: kernel, stride: stride) {
                for (inputs, outputs) in [(1, 1), (3, 5), (15, 33)] {
                    expectConvolution(window, inputs: inputs, outputs: outputs, .fixedIm2col)
                }
            }
        }
    }

    @Test func `a convolution by im2col in fixed point of many channels keeps its definition`() {
        for (kernel, stride) in [(1, 1), (3, 2)] {
            for window in windows(height: 5, width: 3, kernel: kernel, stride: stride) {
                expectConvolution(window, inputs: 131, outputs: 33, .fixedIm2col)
            }
        }
    }

    /// Four tasks of 240 rows of im2col are multiplied together: here are 960, 961, 1922, and 963 twice.
    @Test(arguments: [(30, 32), (31, 31), (62, 31), (9, 107), (107, 9)])
    func `a convolution by im2col in fixed point keeps its definition over more rows than im2col stores`(
        height: Int, width: Int
    ) {
        expectConvolution(same(height: height, width: width, doubled: false), inputs: 3, outputs: 17, .fixedIm2col)
    }

    @Test func `a 1 by 1 convolution in fixed point is a product of each pixel, bit for bit`() {
        var draw = Draw(seed: 11)
        for (height, width, inputs, outputs) in [(16, 17, 4, 8), (3, 5, 300, 17), (1, 1, 16, 16)] {
            guard let window = windows(height: height, width: width, kernel: 1, stride: 1).first else { continue }
            let x = draw.matrix(height * width, inputs)
            let w = FixedPanels(draw.stored(dseg_f16, outputs * inputs), outputs: outputs, inputs: inputs)
            let bias = draw.floats(outputs)
            let scratch = Scratch(dseg_fixed_convolution_scratch(window, inputs, outputs))
            let (y, product) = (Framed(unwritten: x.rows, outputs), Framed(unwritten: x.rows, outputs))
            let fixed = FixedInputs(x)
            unsafe dseg_fixed_convolution(x.c, nil, window, w.c, bias, y.c, false, scratch.floats)
            unsafe dseg_fixed_linear(fixed.c, w.c, bias, product.c, false)
            #expect(y.values.map(\.bitPattern) == product.values.map(\.bitPattern))
            #expect(scratch.isIntact)
        }
    }

    @Test func `weights stored as halves convolve in fixed point as the floats that they are, bit for bit`() {
        for number in [dseg_f16, dseg_bf16] {
            var draw = Draw(seed: 12)
            let (x, window) = (draw.matrix(54, 37), same(height: 6, width: 9, doubled: false))
            let (stored, bias) = (draw.stored(number, 19 * 9 * 37), draw.floats(19))
            let scratch = Scratch(dseg_fixed_convolution_scratch(window, 37, 19))
            let answers = [stored, Stored(stored.floats)].map { weights in
                let kernels = FixedKernels(weights, outputs: 19, inputs: 37)
                let y = Framed(unwritten: 54, 19)
                unsafe dseg_fixed_convolution(x.c, nil, window, kernels.c, bias, y.c, false, scratch.floats)
                return y.values.map(\.bitPattern)
            }
            #expect(answers[0] == answers[1] && scratch.isIntact)
        }
    }

    @Test func `dseg_is_for_winograd is so of 3 by 3 windows side by side with channels enough`() {
        #expect(dseg_is_for_winograd(3, 1, 16, 16) && dseg_is_for_winograd(3, 1, 320, 17))
        for (kernel, stride, inputs, outputs) in [(1, 1, 64, 64), (3, 2, 64, 64), (3, 1, 15, 64), (3, 1, 64, 15)] {
            #expect(!dseg_is_for_winograd(kernel, stride, inputs, outputs))
        }
    }

    @Test func `what is not finite in fixed point reaches the outputs whose tiles read it and no other`() {
        let window = same(height: 12, width: 12, doubled: false)
        var draw = Draw(seed: 4)
        let w = FixedKernels(Stored(draw.floats(16 * 9 * 16)), outputs: 16, inputs: 16)
        for (row, column, bad) in [(0, 0, Float.nan), (5, 6, .infinity), (11, 11, .nan), (4, 3, -.infinity)] {
            let x = Framed(rows: 144, columns: 16) { $0 == row * 12 + column && $1 == 15 ? bad : 1 }
            let scratch = Scratch(dseg_fixed_convolution_scratch(window, 16, 16))
            let y = Framed(unwritten: 144, 16)
            unsafe dseg_fixed_convolution(x.c, nil, window, w.c, nil, y.c, false, scratch.floats)
            for place in 0..<144 {
                // A tile of 4 x 4 outputs reads one pixel more on each side.
                let (tileTop, tileLeft) = (place / 12 / 4 * 4, place % 12 / 4 * 4)
                let reads = (tileTop - 1...tileTop + 4).contains(row) && (tileLeft - 1...tileLeft + 4).contains(column)
                let touches = (place / 12 - row).magnitude <= 1 && (place % 12 - column).magnitude <= 1
                #expect(!touches || (0..<16).allSatisfy { y[place, $0].isNaN })
                #expect(reads || (0..<16).allSatisfy { !y[place, $0].isNaN })
            }
        }
    }

    @Test func `a kernel that is not finite reaches its own output and no other`() {
        let window = same(height: 5, width: 6, doubled: false)
        var draw = Draw(seed: 5)
        let (x, numbers) = (draw.matrix(30, 16), draw.floats(33 * 9 * 16))
        for (output, bad) in [(0, Float.nan), (16, .infinity), (32, .nan)] {
            let spoilt = numbers.enumerated().map { $0 == (output * 9 + 8) * 16 + 3 ? bad : $1 }
            let kernels = FixedKernels(Stored(spoilt), outputs: 33, inputs: 16)
            let scratch = Scratch(dseg_fixed_convolution_scratch(window, 16, 33))
            let y = Framed(unwritten: 30, 33)
            unsafe dseg_fixed_convolution(x.c, nil, window, kernels.c, nil, y.c, false, scratch.floats)
            let spread = (0..<33).filter { column in (0..<30).contains { y[$0, column].isNaN } }
            #expect(spread == [output])
        }
    }

    /// Squares of so small numbers are lost, and those of so large ones are infinite: a tile shorter than 2^-40 counts
    /// as zeros, and one whose length is no float is NaN.
    @Test(arguments: [0x1p-133, 1e-30, 3e-23, 1e-19, 1e-15, 1e-11, 1e12, 1e30] as [Float])
    func `tiles of tiny numbers count for nothing, and those of huge ones do not hide`(magnitude: Float) {
        let window = same(height: 4, width: 4, doubled: false)
        var draw = Draw(seed: 6)
        let (numbers, weights) = (draw.floats(16 * 16), draw.floats(16 * 9 * 16))
        let w = FixedKernels(Stored(weights), outputs: 16, inputs: 16)
        for only in [nil, 5] as [Int?] {
            let x = Framed(rows: 16, columns: 16) { pixel, channel in
                only == nil || only == channel ? numbers[pixel * 16 + channel] * magnitude : 0
            }
            let scratch = Scratch(dseg_fixed_convolution_scratch(window, 16, 16))
            let y = Framed(unwritten: 16, 16)
            unsafe dseg_fixed_convolution(x.c, nil, window, w.c, nil, y.c, false, scratch.floats)
            if magnitude < 0x1p-40 / 100 {
                // A number of a transformed tile is at most 26 times one of the tile, and there are 16 channels.
                #expect(y.values.allSatisfy { $0 == 0 }, "\(magnitude)")
            } else if magnitude < 0x1p64 {
                let oracle = ConvolutionOracle(x, window, weights, outputs: 16)
                expect(y, within: oracle.fixedWinograd.bounds(bias: nil, before: nil), "\(magnitude)")
            } else {
                #expect(y.values.allSatisfy { $0.isNaN }, "\(magnitude)")
            }
        }
    }
}
