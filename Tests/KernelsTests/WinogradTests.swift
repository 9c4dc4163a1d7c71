import CKernels
import Kernels
import Testing

/// A 3 x 3 convolution as the networks have them: side by side, one zero row around.
func same(height: Int, width: Int, doubled: Bool) -> dseg_window {
    let scale = doubled ? 2 : 1
    return dseg_window(
        height: height, width: width, out_height: height * scale, out_width: width * scale, kernel: 3, stride: 1,
        before: 1, doubled: doubled)
}

/// Expects that bounds hold for the exact transforms, and break where any of their coefficients is wrong by `part`.
func expectCoefficientsCount(_ sums: KeyPath<ConvolutionOracle, ConvolutionSums>, part: Double) {
    var draw = Draw(seed: 2)
    let (x, w) = (draw.matrix(64, 16), draw.floats(16 * 9 * 16))
    let oracle = ConvolutionOracle(x, same(height: 8, width: 8, doubled: false), w, outputs: 16)
    let bounds = oracle[keyPath: sums].bounds(bias: nil, before: nil)
    #expect(breach(oracle.transformed(by: .exact).map { Float($0) }, bounds) == nil)
    for transform in [\Winograd.inputs, \.weights, \.outputs] {
        let matrix = Winograd.exact[keyPath: transform]
        for (row, column) in matrix.indices.flatMap({ row in matrix[row].indices.map { (row, $0) } }) {
            var wrong = Winograd.exact
            let coefficient = matrix[row][column]
            wrong[keyPath: transform][row][column] = coefficient == 0 ? part : coefficient * (1 + part)
            let numbers = oracle.transformed(by: wrong).map { Float($0) }
            #expect(breach(numbers, bounds) != nil, "\(transform) [\(row)][\(column)]")
        }
    }
}

@Suite struct WinogradTests {
    @Test(arguments: 1...13)
    func `Winograd's way keeps the definition on maps of every height and width`(height: Int) {
        for width in 1...13 {
            expectConvolution(same(height: height, width: width, doubled: false), inputs: 16, outputs: 16, .winograd)
        }
    }

    @Test(arguments: 1...6)
    func `Winograd's way keeps the definition on doubled maps`(height: Int) {
        for width in 1...6 {
            expectConvolution(same(height: height, width: width, doubled: true), inputs: 17, outputs: 16, .winograd)
        }
    }

    @Test(arguments: [(1, 1), (2, 3), (3, 3), (1, 6), (5, 4), (7, 6)])
    func `Winograd's way keeps the definition in every geometry`(height: Int, width: Int) {
        for window in windows(height: height, width: width, kernel: 3, stride: 1) {
            expectConvolution(window, inputs: 18, outputs: 19, .winograd)
        }
    }

    @Test(arguments: [16, 17, 63, 64, 65, 130])
    func `Winograd's way keeps the definition for every tail of inputs and outputs`(inputs: Int) {
        for outputs in [16, 17, 63, 64, 65, 130] {
            expectConvolution(same(height: 5, width: 3, doubled: false), inputs: inputs, outputs: outputs, .winograd)
        }
    }

    /// A block has 64 tiles of 4 x 4 pixels: 64, 65, 72, 128 and 135 of them.
    @Test(arguments: [(32, 32), (4, 260), (33, 29), (64, 32), (57, 33)])
    func `Winograd's way keeps the definition over more tiles than a block has`(height: Int, width: Int) {
        expectConvolution(same(height: height, width: width, doubled: false), inputs: 16, outputs: 17, .winograd)
    }

    @Test func `Winograd's way keeps the definition over more tiles than a block has of a doubled map`() {
        expectConvolution(same(height: 17, width: 16, doubled: true), inputs: 16, outputs: 16, .winograd)
    }

    @Test func `the transforms are those of a convolution`() {
        var draw = Draw(seed: 1)
        let (x, w) = (draw.matrix(30, 2), draw.floats(3 * 9 * 2))
        let oracle = ConvolutionOracle(x, same(height: 5, width: 6, doubled: false), w, outputs: 3)
        for (number, value) in zip(oracle.transformed(by: .exact), oracle.im2col.values) {
            #expect((number - value).magnitude < 1e-13)
        }
    }

    /// How sensitive the bound is: a relative error of 1/256 in any coefficient of the transforms exceeds it.
    @Test func `the bound tells a transform with a wrong coefficient from the right one`() {
        expectCoefficientsCount(\.winograd, part: 0x1p-8)
    }

    /// Independent roundings partly cancel: their error is far below the bound, which adds them up, but not zero.
    @Test func `the measured error is a small part of the bound and no absurdly small one`() {
        var draw = Draw(seed: 3)
        let (inputs, outputs) = (64, 32)
        let window = same(height: 12, width: 12, doubled: false)
        let (x, w) = (draw.matrix(144, inputs), draw.floats(outputs * 9 * inputs))
        let bounds = ConvolutionOracle(x, window, w, outputs: outputs).winograd.bounds(bias: nil, before: nil)
        _ = startedThreads
        let scratch = Scratch(dseg_convolution_scratch(window, inputs, outputs))
        let y = Framed(unwritten: 144, outputs)
        let panels = Panels(w, outputs: outputs, inputs: 9 * inputs)
        unsafe dseg_convolution(x.c, window, panels.c, nil, y.c, false, scratch.floats)
        let parts = zip(y.values, bounds).map { (Double($0) - $1.value) / $1.slack }
        let measured = (parts.reduce(0) { $0 + $1 * $1 } / Double(parts.count)).squareRoot()
        #expect(measured > 1e-4 && measured < 0.1, "\(measured)")
    }

    @Test func `a NaN reaches the outputs whose tiles read it and no other`() {
        let window = same(height: 12, width: 12, doubled: false)
        var draw = Draw(seed: 4)
        let w = Panels(draw.floats(16 * 9 * 16), outputs: 16, inputs: 9 * 16)
        for (row, column) in [(0, 0), (5, 6), (11, 11), (4, 3)] {
            let x = Framed(rows: 144, columns: 16) { $0 == row * 12 + column && $1 == 15 ? .nan : 1 }
            let scratch = Scratch(dseg_convolution_scratch(window, 16, 16))
            let y = Framed(unwritten: 144, 16)
            unsafe dseg_convolution(x.c, window, w.c, nil, y.c, false, scratch.floats)
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
}
