import CKernels
import Kernels
import Testing

/// A convolution by its definition: for each output pixel, each position of the kernel that lies
/// on the (doubled) map, each input channel. w is [outputs, kernel, kernel, inputs].
private func convolution(
    _ x: Framed, _ window: dseg_window, _ w: [Float], bias: [Float]?, before: [Float]?,
    outputs: Int
) -> [Bounded] {
    let (kernel, inputs) = (window.kernel, x.columns)
    let scale = window.doubled ? 2 : 1
    return (0..<(window.out_height * window.out_width * outputs)).map { place in
        let (pixel, output) = place.quotientAndRemainder(dividingBy: outputs)
        let (row, column) = pixel.quotientAndRemainder(dividingBy: window.out_width)
        let rest = [bias?[output], before?[place]].compactMap { $0.map(Double.init) }
        var sum = rest.reduce(0, +)
        var magnitude = rest.reduce(0) { $0 + $1.magnitude }
        for i in 0..<kernel {
            let y = row * window.stride + i - window.before
            guard y >= 0, y < window.height * scale else { continue }
            for j in 0..<kernel {
                let z = column * window.stride + j - window.before
                guard z >= 0, z < window.width * scale else { continue }
                let source = y / scale * window.width + z / scale
                let weights = (output * kernel * kernel + i * kernel + j) * inputs
                for input in 0..<inputs {
                    let term = Double(x[source, input]) * Double(w[weights + input])
                    sum += term
                    magnitude += term.magnitude
                }
            }
        }
        // Each term passes through at most one rounding for each product and two more.
        let roundings = Double(kernel * kernel * inputs + 3)
        return Bounded(value: sum, slack: roundings * roundoff * magnitude)
    }
}

private func expectConvolution(_ window: dseg_window, inputs: Int, outputs: Int) {
    var draw = Draw(seed: window.height * 100 + window.width * 10 + inputs)
    let x = draw.matrix(window.height * window.width, inputs)
    let w = draw.floats(outputs * window.kernel * window.kernel * inputs)
    let bias = draw.floats(outputs)
    let rows = window.out_height * window.out_width
    _ = startedThreads
    let scratchCount = dseg_convolution_scratch(window, inputs)
    var scratch = [Float](repeating: .nan, count: scratchCount + 1)
    for (adding, biased) in [(false, true), (true, false), (true, true), (false, false)] {
        let before = draw.floats(rows * outputs)
        let y =
            adding
            ? Framed(before, rows: rows, columns: outputs) : Framed(unwritten: rows, outputs)
        if biased {
            unsafe dseg_convolution(x.c, window, w, bias, y.c, adding, &scratch)
        } else {
            unsafe dseg_convolution(x.c, window, w, nil, y.c, adding, &scratch)
        }
        let expected = convolution(
            x, window, w, bias: biased ? bias : nil, before: adding ? before : nil,
            outputs: outputs)
        expect(
            y, within: expected,
            "\(window), \(inputs) to \(outputs), adding \(adding), bias \(biased)")
    }
    #expect(scratch[scratchCount].isNaN && x.isFrameIntact)
}

/// Every geometry with kernel 1 or 3, stride 1 or 2, zero or one zero row before and after, plain
/// or doubled, that gives a map of the size at least one pixel.
private func windows(height: Int, width: Int) -> [dseg_window] {
    var windows: [dseg_window] = []
    for (kernel, stride) in [(1, 1), (1, 2), (3, 1), (3, 2)] {
        for (before, after) in [(0, 0), (0, 1), (1, 0), (1, 1)] where kernel > before + after / 2 {
            for doubled in [false, true] {
                let window = Window(
                    kernel: kernel, stride: stride, before: before, after: after, doubled: doubled)
                let scale = doubled ? 2 : 1
                guard min(height, width) * scale + before + after >= kernel else { continue }
                windows.append(
                    dseg_window(
                        height: height, width: width, out_height: window.output(of: height),
                        out_width: window.output(of: width), kernel: kernel, stride: stride,
                        before: before, doubled: doubled))
            }
        }
    }
    return windows
}

@Suite struct ConvolutionTests {
    @Test(arguments: [(1, 1), (1, 2), (2, 1), (2, 2), (3, 3), (1, 7), (5, 4)])
    func `dseg_convolution keeps its definition in every geometry`(height: Int, width: Int) {
        for window in windows(height: height, width: width) {
            for (inputs, outputs) in [(1, 1), (3, 5), (17, 2)] {
                expectConvolution(window, inputs: inputs, outputs: outputs)
            }
        }
    }

    @Test func `dseg_convolution keeps its definition over more pixels than a task has`() {
        for window in windows(height: 16, width: 17) {
            expectConvolution(window, inputs: 2, outputs: 1)
        }
    }

    @Test func `dseg_convolution keeps its definition over more outputs than a task has`() {
        for window in windows(height: 3, width: 2) where window.kernel == 3 {
            expectConvolution(window, inputs: 2, outputs: 130)
        }
    }

    @Test func `dseg_convolution_scratch holds one task's pixels for each thread`() {
        _ = startedThreads
        for window in windows(height: 5, width: 7) {
            let floats = dseg_convolution_scratch(window, 11)
            let pixels = min(window.out_height * window.out_width, 256)
            #expect(floats >= dseg_threads() * pixels * window.kernel * window.kernel * 11)
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
