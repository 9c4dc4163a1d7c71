import CKernels
import Kernels
import Testing

/// How a convolution must round: by one product for each pixel, or by Winograd's; in f32 or in fixed point.
enum Way {
    case im2col, winograd, fixedIm2col, fixedWinograd

    /// Weights `[outputs, positions, channels]` as the way wants them.
    func weights(_ w: Stored, outputs: Int, positions: Int) -> ConvolutionWeights {
        let columns = w.bits.count / outputs
        return switch self {
        case .im2col, .winograd: .stored(Weights(kernels: w, outputs: outputs, positions: positions))
        case .fixedIm2col: .panels(FixedPanels(w, outputs: outputs, inputs: columns))
        case .fixedWinograd: .kernels(FixedKernels(w, outputs: outputs, inputs: columns / 9))
        }
    }

    func sums(_ oracle: ConvolutionOracle) -> ConvolutionSums {
        switch self {
        case .im2col: oracle.im2col
        case .winograd: oracle.winograd
        case .fixedIm2col: oracle.fixedIm2col
        case .fixedWinograd: oracle.fixedWinograd
        }
    }
}

/// A convolution's weights in f32 or in fixed point, and the convolution with them.
enum ConvolutionWeights {
    case stored(Weights), panels(FixedPanels), kernels(FixedKernels)

    /// Fresh scratch.
    func scratch(_ window: dseg_window, inputs: Int, outputs: Int) -> Scratch {
        _ = startedThreads
        if case .stored = self { return Scratch(dseg_convolution_scratch(window, inputs, outputs)) }
        return Scratch(dseg_fixed_convolution_scratch(window, inputs, outputs))
    }

    func convolve(
        _ x: Framed, _ window: dseg_window, gains: UnsafePointer<dseg_gains>? = nil, bias: [Float]?, into y: Framed,
        adding: Bool, _ scratch: Scratch
    ) {
        switch self {
        case .stored(let w):
            unsafe dseg_convolution(x.c, gains, window, w.c, bias, y.c, adding, scratch.floats)
        case .panels(let w):
            unsafe dseg_fixed_convolution(x.c, gains, window, w.c, bias, y.c, adding, scratch.floats)
        case .kernels(let w):
            unsafe dseg_fixed_convolution(x.c, gains, window, w.c, bias, y.c, adding, scratch.floats)
        }
    }
}

/// Runs the convolution with and without bias and adding, and holds it against its definition.
func expectConvolution(_ window: dseg_window, inputs: Int, outputs: Int, _ way: Way) {
    var draw = Draw(seed: window.height * 100 + window.width * 10 + inputs)
    let x = draw.matrix(window.height * window.width, inputs)
    let w = draw.floats(outputs * window.kernel * window.kernel * inputs)
    let weights = way.weights(Stored(w), outputs: outputs, positions: window.kernel * window.kernel)
    let bias = draw.floats(outputs)
    let rows = window.out_height * window.out_width
    let before = draw.floats(rows * outputs)
    let scratch = weights.scratch(window, inputs: inputs, outputs: outputs)
    let sums = way.sums(ConvolutionOracle(x, window, w, outputs: outputs))
    let situation = "\(window), \(inputs) to \(outputs), \(way)"

    let y = Framed(unwritten: rows, outputs)
    unsafe weights.convolve(x, window, bias: nil, into: y, adding: false, scratch)
    expect(y, within: sums.bounds(bias: nil, before: nil), situation)
    let biased = Framed(unwritten: rows, outputs)
    unsafe weights.convolve(x, window, bias: bias, into: biased, adding: false, scratch)
    expect(biased, within: sums.bounds(bias: bias, before: nil), "\(situation), bias")
    y.fill(before)
    unsafe weights.convolve(x, window, bias: bias, into: y, adding: true, scratch)
    expect(y, within: sums.bounds(bias: bias, before: before), "\(situation), adding")

    // The bits say that nothing is added but the bias and what stood there.
    y.fill([Float](repeating: 0, count: rows * outputs))
    unsafe weights.convolve(x, window, bias: bias, into: y, adding: true, scratch)
    #expect(y.values == biased.values, "\(situation), adding to zeros")
    y.fill(before)
    unsafe weights.convolve(x, window, bias: nil, into: y, adding: true, scratch)
    biased.fill(before)
    unsafe weights.convolve(x, window, bias: [Float](repeating: 0, count: outputs), into: biased, adding: true, scratch)
    #expect(y.values == biased.values && y.isFrameIntact, "\(situation), adding without bias")
    #expect(scratch.isIntact && x.isFrameIntact, "\(situation)")
}

/// A geometry by the zero rows before and after, as networks give it; nil if no kernel fits on the map.
func geometry(height: Int, width: Int, _ window: Window) -> dseg_window? {
    let needed = window.kernel - window.before - window.after
    guard min(height, width) * (window.doubled ? 2 : 1) >= needed else { return nil }
    return dseg_window(
        height: height, width: width, out_height: window.output(of: height), out_width: window.output(of: width),
        kernel: window.kernel, stride: window.stride, before: window.before, doubled: window.doubled)
}

/// Every geometry with the kernel and stride, zero or one zero row before and after, plain or doubled, that gives a
/// map of the size at least one pixel.
func windows(height: Int, width: Int, kernel: Int, stride: Int) -> [dseg_window] {
    [(0, 0), (0, 1), (1, 0), (1, 1)].flatMap { before, after in
        [false, true].compactMap { doubled in
            guard kernel > before + after / 2 else { return nil }
            return geometry(
                height: height, width: width,
                Window(kernel: kernel, stride: stride, before: before, after: after, doubled: doubled))
        }
    }
}

private let im2colKernels = [1, 2, 3, 5].flatMap { kernel in [1, 2, 3].map { (kernel, $0) } }

/// The convolution of drawn numbers, with weights and with what they are as floats.
private func expectSameBits(_ window: dseg_window, _ number: dseg_number, inputs: Int, outputs: Int) {
    var draw = Draw(seed: inputs)
    let x = draw.matrix(window.height * window.width, inputs)
    let positions = window.kernel * window.kernel
    let (stored, bias) = (draw.stored(number, outputs * positions * inputs), draw.floats(outputs))
    let answers = [stored, Stored(stored.floats)].map { (kernels: Stored) -> [UInt32] in
        let w = ConvolutionWeights.stored(Weights(kernels: kernels, outputs: outputs, positions: positions))
        let scratch = w.scratch(window, inputs: inputs, outputs: outputs)
        let y = Framed(unwritten: window.out_height * window.out_width, outputs)
        unsafe w.convolve(x, window, bias: bias, into: y, adding: false, scratch)
        #expect(scratch.isIntact && y.isFrameIntact)
        return y.values.map(\.bitPattern)
    }
    #expect(answers[0] == answers[1], "\(window), \(number), \(inputs) to \(outputs)")
}

@Suite struct ConvolutionTests {
    @Test(arguments: [(1, 1), (1, 2), (2, 1), (2, 2), (3, 3), (1, 7), (7, 1), (5, 4), (3, 17), (17, 3)])
    func `dseg_convolution keeps its definition in every geometry`(height: Int, width: Int) {
        for (kernel, stride) in im2colKernels {
            for window in windows(height: height, width: width, kernel: kernel, stride: stride) {
                for (inputs, outputs) in [(1, 1), (3, 5), (17, 2)] {
                    expectConvolution(window, inputs: inputs, outputs: outputs, .im2col)
                }
            }
        }
    }

    /// Rows of im2col are turned four channels and four positions at a time.
    @Test(arguments: 1...17) func `dseg_convolution keeps its definition at every number of channels`(inputs: Int) {
        for (kernel, stride) in im2colKernels where stride == 1 || kernel == 3 {
            for window in windows(height: 4, width: 5, kernel: kernel, stride: stride) {
                expectConvolution(window, inputs: inputs, outputs: 3, .im2col)
            }
        }
    }

    /// A block has whole kernels of 768 / positions channels, rounded up, at most, and blocks are equal.
    @Test(arguments: [
        (1, [767, 768, 769, 1537]), (2, [191, 192, 193, 385]), (3, [85, 86, 87, 171, 172, 173, 259]),
        (5, [30, 31, 32, 61, 62, 63, 94]),
    ])
    func `dseg_convolution keeps its definition around the borders of its blocks of channels`(
        kernel: Int, channels: [Int]
    ) {
        for inputs in channels {
            for window in windows(height: 5, width: 4, kernel: kernel, stride: 2) {
                expectConvolution(window, inputs: inputs, outputs: 2, .im2col)
            }
            guard let window = windows(height: 6, width: 3, kernel: kernel, stride: 1).first else { continue }
            expectConvolution(window, inputs: inputs, outputs: 15, .im2col)
        }
    }

    @Test func `a convolution of many channels that is not for Winograd keeps its definition`() {
        for (kernel, stride) in im2colKernels where kernel != 3 || stride != 1 {
            for window in windows(height: 5, width: 3, kernel: kernel, stride: stride) {
                expectConvolution(window, inputs: 31, outputs: 33, .im2col)
            }
        }
        for window in windows(height: 5, width: 3, kernel: 3, stride: 1) {
            expectConvolution(window, inputs: 15, outputs: 33, .im2col)
            expectConvolution(window, inputs: 33, outputs: 15, .im2col)
        }
    }

    /// A task has 256 pixels at most, and tasks are equal.
    @Test func `dseg_convolution keeps its definition over more pixels than a task has`() {
        for (kernel, stride) in im2colKernels {
            for window in windows(height: 16, width: 17, kernel: kernel, stride: stride) {
                expectConvolution(window, inputs: 2, outputs: 1, .im2col)
            }
        }
        for (height, width) in [(5, 64), (64, 5), (1, 517), (517, 1)] {
            for window in windows(height: height, width: width, kernel: 3, stride: 2) {
                expectConvolution(window, inputs: 2, outputs: 1, .im2col)
            }
        }
        for (height, width) in [(5, 51), (16, 16), (1, 257), (257, 1), (7, 73), (73, 7), (32, 16), (27, 19)] {
            expectConvolution(same(height: height, width: width, doubled: false), inputs: 5, outputs: 9, .im2col)
        }
    }

    @Test func `dseg_convolution keeps its definition over more outputs than a task has`() {
        for window in windows(height: 3, width: 2, kernel: 3, stride: 1) {
            expectConvolution(window, inputs: 2, outputs: 530, .im2col)
        }
        expectConvolution(same(height: 3, width: 2, doubled: false), inputs: 2, outputs: 1281, .im2col)
        expectConvolution(same(height: 1, width: 257, doubled: false), inputs: 1, outputs: 641, .im2col)
    }

    @Test func `a 1 by 1 convolution is a product of each pixel, bit for bit`() {
        var draw = Draw(seed: 11)
        for (height, width, inputs, outputs) in [(16, 17, 4, 8), (3, 5, 300, 17), (1, 1, 16, 16), (9, 9, 800, 170)] {
            guard let window = windows(height: height, width: width, kernel: 1, stride: 1).first else { continue }
            let x = draw.matrix(height * width, inputs)
            let w = Weights(draw.stored(dseg_f16, outputs * inputs), outputs: outputs, inputs: inputs)
            let (bias, y) = (draw.floats(outputs), Framed(unwritten: x.rows, outputs))
            let scratch = Scratch(dseg_convolution_scratch(window, inputs, outputs))
            unsafe dseg_convolution(x.c, nil, window, w.c, bias, y.c, false, scratch.floats)
            let product = Product(x: x, w: w, bias: bias, before: nil)
            #expect(y.values.map(\.bitPattern) == product.bits("\(inputs) inputs") && scratch.isIntact)
        }
    }

    /// Both ways: what is stored as halves is the same convolution as the floats that they are.
    @Test func `weights stored as halves convolve as the floats that they are, bit for bit`() {
        for number in [dseg_f16, dseg_bf16] {
            for (inputs, outputs) in [(3, 5), (40, 7), (90, 15), (16, 16), (70, 35)] {
                for window in windows(height: 6, width: 9, kernel: 3, stride: 1) {
                    expectSameBits(window, number, inputs: inputs, outputs: outputs)
                }
            }
            for window in windows(height: 6, width: 9, kernel: 5, stride: 2) {
                expectSameBits(window, number, inputs: 33, outputs: 161)
            }
            for (height, width) in [(4, 132), (1, 1028)] {
                expectSameBits(same(height: height, width: width, doubled: false), number, inputs: 35, outputs: 19)
            }
        }
    }

    @Test func `a NaN reaches the outputs whose kernels lie on it and no other`() {
        var draw = Draw(seed: 4)
        let (window, inputs) = (same(height: 20, width: 15, doubled: false), 5)
        let weights = Weights(draw.floats(7 * 9 * inputs), outputs: 7, inputs: 9 * inputs)
        for (row, column, channel) in [(0, 0, 0), (5, 6, 4), (19, 14, 3), (17, 1, 1)] {
            let x = Framed(rows: 300, columns: inputs) { $0 == row * 15 + column && $1 == channel ? .nan : 1 }
            let scratch = Scratch(dseg_convolution_scratch(window, inputs, 7))
            let y = Framed(unwritten: 300, 7)
            unsafe dseg_convolution(x.c, nil, window, weights.c, nil, y.c, false, scratch.floats)
            for place in 0..<300 {
                let touches = (place / 15 - row).magnitude <= 1 && (place % 15 - column).magnitude <= 1
                #expect((0..<7).allSatisfy { y[place, $0].isNaN == touches })
            }
        }
    }

    @Test(arguments: [(5, 3, 7), (5, 20, 33), (5, 130, 33), (160, 20, 45), (160, 4, 20)])
    func `a kernel that is NaN reaches its own output and no other`(width: Int, inputs: Int, outputs: Int) {
        let window = same(height: 4, width: width, doubled: false)
        var draw = Draw(seed: 5)
        let (x, numbers) = (draw.matrix(4 * width, inputs), draw.floats(outputs * 9 * inputs))
        for spoilt in [0, 5, outputs - 1] {
            let w = Weights(
                numbers.enumerated().map { $0 == (spoilt * inputs + 2) * 9 + 4 ? .nan : $1 }, outputs: outputs,
                inputs: 9 * inputs)
            let scratch = Scratch(dseg_convolution_scratch(window, inputs, outputs))
            let y = Framed(unwritten: 4 * width, outputs)
            unsafe dseg_convolution(x.c, nil, window, w.c, nil, y.c, false, scratch.floats)
            let values = y.values
            #expect(values.indices.allSatisfy { values[$0].isNaN == ($0 % outputs == spoilt) }, "output \(spoilt)")
        }
    }

    @Test func `an output's size counts the places where the kernel lies on the padded map`() {
        for length in 1...9 {
            for (kernel, step, before, after) in [
                (1, 1, 0, 0), (3, 1, 1, 1), (3, 2, 1, 1), (3, 2, 0, 1), (2, 2, 0, 0), (5, 1, 2, 2),
            ] {
                for (doubled, scale) in [(false, 1), (true, 2)] {
                    let window = Window(
                        kernel: kernel, stride: step, before: before, after: after,
                        doubled: doubled)
                    let last = length * scale + before + after - kernel
                    guard last >= 0 else { continue }
                    let starts = Array(stride(from: 0, through: last, by: step))
                    #expect(window.output(of: length) == starts.count)
                }
            }
        }
    }
}
