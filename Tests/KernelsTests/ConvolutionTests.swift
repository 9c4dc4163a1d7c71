import CKernels
import Kernels
import Testing

/// How a convolution must round: by one product for each pixel, or by Winograd's; in f32 or in fixed point.
enum Way {
    case im2col, winograd, fixedIm2col, fixedWinograd

    /// The weights as the way wants them, and what must live as long.
    func panels(_ w: [Float], outputs: Int, columns: Int) -> (c: dseg_panels, owner: AnyObject) {
        switch self {
        case .im2col, .winograd:
            let panels = Panels(w, outputs: outputs, inputs: columns)
            return unsafe (panels.c, panels)
        case .fixedIm2col:
            let panels = FixedPanels(w, outputs: outputs, inputs: columns)
            return unsafe (panels.c, panels)
        case .fixedWinograd:
            let kernels = FixedKernels(Stored(w), outputs: outputs, inputs: columns / 9)
            return unsafe (kernels.c, kernels)
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

/// Runs the convolution with and without bias and adding, and holds it against its definition.
func expectConvolution(_ window: dseg_window, inputs: Int, outputs: Int, _ way: Way) {
    var draw = Draw(seed: window.height * 100 + window.width * 10 + inputs)
    let x = draw.matrix(window.height * window.width, inputs)
    let w = draw.floats(outputs * window.kernel * window.kernel * inputs)
    let panels = unsafe way.panels(w, outputs: outputs, columns: window.kernel * window.kernel * inputs)
    defer { unsafe withExtendedLifetime(panels.owner) {} }
    let bias = draw.floats(outputs)
    let rows = window.out_height * window.out_width
    let before = draw.floats(rows * outputs)
    _ = startedThreads
    let scratch = Scratch(dseg_convolution_scratch(window, inputs, outputs))
    let sums = way.sums(ConvolutionOracle(x, window, w, outputs: outputs))
    let situation = "\(window), \(inputs) to \(outputs), \(way)"

    let y = Framed(unwritten: rows, outputs)
    unsafe dseg_convolution(x.c, window, panels.c, nil, y.c, false, scratch.floats)
    expect(y, within: sums.bounds(bias: nil, before: nil), situation)
    y.fill(before)
    unsafe dseg_convolution(x.c, window, panels.c, bias, y.c, true, scratch.floats)
    expect(y, within: sums.bounds(bias: bias, before: before), "\(situation), adding")

    // Without the bias, or without what stood there, the bits say that nothing else changed: sums are added alone.
    let biased = Framed(unwritten: rows, outputs)
    unsafe dseg_convolution(x.c, window, panels.c, bias, biased.c, false, scratch.floats)
    let zeros = [Float](repeating: 0, count: rows * outputs)
    y.fill(zeros)
    unsafe dseg_convolution(x.c, window, panels.c, bias, y.c, true, scratch.floats)
    #expect(y.values == biased.values && biased.isFrameIntact, "\(situation), bias")
    let silent = [Float](repeating: 0, count: outputs)
    y.fill(before)
    unsafe dseg_convolution(x.c, window, panels.c, nil, y.c, true, scratch.floats)
    biased.fill(before)
    unsafe dseg_convolution(x.c, window, panels.c, silent, biased.c, true, scratch.floats)
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

private let im2colKernels = [(1, 1), (1, 2), (3, 1), (3, 2), (5, 1), (5, 2)]

@Suite struct ConvolutionTests {
    @Test(arguments: [(1, 1), (1, 2), (2, 1), (2, 2), (3, 3), (1, 7), (5, 4)])
    func `dseg_convolution keeps its definition in every geometry`(height: Int, width: Int) {
        for (kernel, stride) in im2colKernels {
            for window in windows(height: height, width: width, kernel: kernel, stride: stride) {
                for (inputs, outputs) in [(1, 1), (3, 5), (17, 2)] {
                    expectConvolution(window, inputs: inputs, outputs: outputs, .im2col)
                }
            }
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

    @Test func `dseg_convolution keeps its definition over more pixels than a task has`() {
        for (kernel, stride) in im2colKernels {
            for window in windows(height: 16, width: 17, kernel: kernel, stride: stride) {
                expectConvolution(window, inputs: 2, outputs: 1, .im2col)
            }
        }
    }

    @Test func `dseg_convolution keeps its definition over more outputs than a task has`() {
        for window in windows(height: 3, width: 2, kernel: 3, stride: 1) {
            expectConvolution(window, inputs: 2, outputs: 530, .im2col)
        }
    }

    @Test func `a 1 by 1 convolution is a product of each pixel, bit for bit`() {
        var draw = Draw(seed: 11)
        for (height, width, inputs, outputs) in [(16, 17, 4, 8), (3, 5, 300, 17), (1, 1, 16, 16)] {
            guard let window = windows(height: height, width: width, kernel: 1, stride: 1).first else { continue }
            let x = draw.matrix(height * width, inputs)
            let w = Panels(draw.stored(dseg_f16, outputs * inputs), outputs: outputs, inputs: inputs)
            let bias = draw.floats(outputs)
            let scratch = Scratch(dseg_convolution_scratch(window, inputs, outputs))
            let (y, product) = (Framed(unwritten: x.rows, outputs), Framed(unwritten: x.rows, outputs))
            unsafe dseg_convolution(x.c, window, w.c, bias, y.c, false, scratch.floats)
            unsafe dseg_linear(x.c, w.c, bias, product.c, false)
            #expect(y.values.map(\.bitPattern) == product.values.map(\.bitPattern))
        }
    }

    /// Both ways: what is stored as halves is the same convolution as the floats that they are.
    @Test func `weights stored as halves convolve as the floats that they are, bit for bit`() {
        _ = startedThreads
        for number in [dseg_f16, dseg_bf16] {
            for (inputs, outputs) in [(3, 5), (40, 7), (16, 16), (70, 35)] {
                for window in windows(height: 6, width: 9, kernel: 3, stride: 1) {
                    var draw = Draw(seed: inputs)
                    let x = draw.matrix(54, inputs)
                    let (stored, bias) = (draw.stored(number, outputs * 9 * inputs), draw.floats(outputs))
                    let scratch = Scratch(dseg_convolution_scratch(window, inputs, outputs))
                    let answers = [stored, Stored(stored.floats)].map { weights in
                        let w = Panels(weights, outputs: outputs, inputs: 9 * inputs)
                        let y = Framed(unwritten: window.out_height * window.out_width, outputs)
                        unsafe dseg_convolution(x.c, window, w.c, bias, y.c, false, scratch.floats)
                        return y.values.map(\.bitPattern)
                    }
                    #expect(answers[0] == answers[1] && scratch.isIntact)
                }
            }
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
