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

/// Holds convolutions of lines of pixels that repeat after three tiles against the definition of a short one: of as
/// many inputs and outputs as there are here, that of a long one would take minutes.
private func expectRepeating(inputs: Int, outputs: Int, _ way: Way) {
    let (period, short) = (12, 36)
    var draw = Draw(seed: inputs)
    let (numbers, w) = (draw.floats(period * inputs), draw.floats(outputs * 9 * inputs))
    let (bias, weights) = (draw.floats(outputs), way.weights(Stored(w), outputs: outputs, positions: 9))
    let line = { (width: Int) in
        Framed(rows: width, columns: inputs) { numbers[$0 % period * inputs + $1] }
    }
    let oracle = ConvolutionOracle(line(short), same(height: 1, width: short, doubled: false), w, outputs: outputs)
    let bounds = way.sums(oracle).bounds(bias: bias, before: nil)
    // 33 and 258 tiles: many, and more than a block has.
    for width in [132, 1032] {
        let window = same(height: 1, width: width, doubled: false)
        let expected = (0..<width).flatMap { pixel in
            let place =
                pixel < period ? pixel : pixel < width - period ? period + pixel % period : pixel + short - width
            return bounds[(place * outputs)..<((place + 1) * outputs)]
        }
        let (x, y) = (line(width), Framed(unwritten: width, outputs))
        let scratch = weights.scratch(window, inputs: inputs, outputs: outputs)
        unsafe weights.convolve(x, window, bias: bias, into: y, adding: false, scratch)
        expect(y, within: expected, "\(inputs) to \(outputs), \(width) pixels")
        #expect(scratch.isIntact && x.isFrameIntact)
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

    @Test(arguments: [(1, 1), (2, 3), (3, 3), (1, 6), (6, 1), (5, 4), (7, 6), (3, 17), (17, 3)])
    func `Winograd's way keeps the definition in every geometry`(height: Int, width: Int) {
        for window in windows(height: height, width: width, kernel: 3, stride: 1) {
            expectConvolution(window, inputs: 18, outputs: 19, .winograd)
        }
    }

    /// Of few tiles a piece has 128 inputs, of which 32 are widened and four transposed together, and a task has 32
    /// outputs.
    @Test(arguments: [16, 17, 18, 19, 31, 32, 33, 63, 64, 65, 127, 128, 129, 130, 161, 257])
    func `Winograd's way keeps the definition for every tail of inputs and outputs`(inputs: Int) {
        for outputs in [16, 17, 31, 32, 33, 48, 65] {
            expectConvolution(same(height: 5, width: 3, doubled: false), inputs: inputs, outputs: outputs, .winograd)
        }
    }

    /// Up to 32 tiles of 4 x 4 pixels are few.
    @Test(arguments: [(16, 32), (4, 132), (1, 129), (129, 1), (12, 44), (44, 12), (23, 29), (5, 64), (64, 5)])
    func `Winograd's way keeps the definition of few tiles and of more`(height: Int, width: Int) {
        expectConvolution(same(height: height, width: width, doubled: false), inputs: 18, outputs: 35, .winograd)
    }

    /// A block has 256 tiles: there are 256, 257, 257, 272 and 513 of them.
    @Test(arguments: [(64, 64), (4, 1028), (1028, 4), (61, 66), (2, 2049)])
    func `Winograd's way keeps the definition over more tiles than a block has`(height: Int, width: Int) {
        expectConvolution(same(height: height, width: width, doubled: false), inputs: 16, outputs: 17, .winograd)
    }

    @Test(arguments: [(33, 32), (3, 258), (258, 3)])
    func `Winograd's way keeps the definition over more tiles than a block has of a doubled map`(
        height: Int, width: Int
    ) {
        expectConvolution(same(height: height, width: width, doubled: true), inputs: 16, outputs: 16, .winograd)
    }

    /// Of many tiles a group has 65536 / inputs outputs, 32 at least, and groups are equal: there are one and two of
    /// them, of one block of tiles and of two.
    @Test(arguments: [(17, 33), (35, 47), (131, 70), (250, 270), (2047, 45)])
    func `Winograd's way keeps the definition over groups of outputs`(
        inputs: Int, outputs: Int
    ) {
        expectRepeating(inputs: inputs, outputs: outputs, .winograd)
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
        let weights = Weights(kernels: Stored(w), outputs: outputs, positions: 9)
        unsafe dseg_convolution(x.c, nil, window, weights.c, nil, y.c, false, scratch.floats)
        let parts = zip(y.values, bounds).map { (Double($0) - $1.value) / $1.slack }
        let measured = (parts.reduce(0) { $0 + $1 * $1 } / Double(parts.count)).squareRoot()
        #expect(measured > 1e-4 && measured < 0.1, "\(measured)")
    }

    /// Of few tiles and of many.
    @Test(arguments: [12, 24])
    func `a NaN reaches the outputs whose tiles read it and no other`(side: Int) {
        let window = same(height: side, width: side, doubled: false)
        let rows = side * side
        var draw = Draw(seed: 4)
        let w = Weights(draw.floats(16 * 9 * 16), outputs: 16, inputs: 9 * 16)
        for (row, column) in [(0, 0), (5, 6), (side - 1, side - 1), (4, 3)] {
            let x = Framed(rows: rows, columns: 16) { $0 == row * side + column && $1 == 15 ? .nan : 1 }
            let scratch = Scratch(dseg_convolution_scratch(window, 16, 16))
            let y = Framed(unwritten: rows, 16)
            unsafe dseg_convolution(x.c, nil, window, w.c, nil, y.c, false, scratch.floats)
            for place in 0..<rows {
                // A tile of 4 x 4 outputs reads one pixel more on each side.
                let (tileTop, tileLeft) = (place / side / 4 * 4, place % side / 4 * 4)
                let reads = (tileTop - 1...tileTop + 4).contains(row) && (tileLeft - 1...tileLeft + 4).contains(column)
                let touches = (place / side - row).magnitude <= 1 && (place % side - column).magnitude <= 1
                #expect(!touches || (0..<16).allSatisfy { y[place, $0].isNaN })
                #expect(reads || (0..<16).allSatisfy { !y[place, $0].isNaN })
            }
        }
    }
}
