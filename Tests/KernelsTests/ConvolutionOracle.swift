import CKernels
import Kernels

/// A convolution by its definition, in double precision: for each output pixel, each position of the kernel that lies
/// on the (doubled) map, each input channel. w is [outputs, kernel, kernel, inputs].
struct ConvolutionOracle {
    let window: dseg_window
    let inputs: Int
    let outputs: Int
    private let x: [Double]
    private let w: [Double]

    init(_ x: Framed, _ window: dseg_window, _ w: [Float], outputs: Int) {
        self.window = window
        self.outputs = outputs
        inputs = x.columns
        self.x = x.values.map(Double.init)
        self.w = w.map(Double.init)
    }

    /// The pixel of the input that stands at a place of the (doubled) map; nil outside of it.
    private func pixel(_ row: Int, _ column: Int) -> Int? {
        let scale = window.doubled ? 2 : 1
        guard row >= 0, row < window.height * scale, column >= 0, column < window.width * scale else { return nil }
        return row / scale * window.width + column / scale
    }

    /// Each output's sum of products, and the sum of their magnitudes: `[out_height * out_width, outputs]`.
    private func sums() -> [(sum: Double, magnitude: Double)] {
        let kernel = window.kernel
        return (0..<(window.out_height * window.out_width)).flatMap { place -> [(sum: Double, magnitude: Double)] in
            let (row, column) = place.quotientAndRemainder(dividingBy: window.out_width)
            var sums = [(sum: Double, magnitude: Double)](repeating: (0, 0), count: outputs)
            for position in 0..<(kernel * kernel) {
                let top = row * window.stride + position / kernel - window.before
                let left = column * window.stride + position % kernel - window.before
                guard let source = pixel(top, left) else { continue }
                for output in 0..<outputs {
                    let weights = (output * kernel * kernel + position) * inputs
                    let part = dot(x, source * inputs, w, weights, inputs)
                    sums[output].sum += part.sum
                    sums[output].magnitude += part.magnitude
                }
            }
            return sums
        }
    }

    /// As one product for each pixel computes it: each term passes through at most one rounding for each product, and
    /// two more where what stood there and the bias are added.
    var gathered: ConvolutionSums {
        let sums = sums()
        return ConvolutionSums(
            values: sums.map(\.sum), magnitudes: sums.map(\.magnitude),
            roundings: Double(window.kernel * window.kernel * inputs + 3))
    }

    /// As `F(4x4, 3x3)` computes it.
    ///
    /// All of it is sums and products: an output is the sum of terms A G g B d, each the product of a pixel, a weight
    /// and one coefficient of each pass of the transforms. Nowhere does a term leave its sum, so what is computed is
    /// the same sum with each term times (1 + e) once for each rounding that it passes through:
    ///
    /// - 3 in a pass over the inputs: 5 d, then a difference, then a sum. There are two passes.
    /// - 4 in a pass over the weights: a coefficient such as 1/6 itself, its product, and two sums. Two passes.
    /// - inputs + 1 in the sum over the inputs: the product, and at most one sum for each input.
    /// - 3 in a pass over the outputs: three sums, the factors are powers of two. Two passes.
    /// - 2 where what stood there and the bias are added.
    ///
    /// So the error is at most that number of roundoffs (and half a thousandth, for their powers) of the sum of all
    /// terms' magnitudes: the same algorithm over the magnitudes of pixels, weights and coefficients.
    var winograd: ConvolutionSums {
        let roundings: Int = 2 * 3 + 2 * 4 + (inputs + 1) + 2 * 3 + 2
        let magnitudes = transformed(by: Winograd.exact.magnitudes, x: x.map(\.magnitude), w: w.map(\.magnitude))
        return ConvolutionSums(
            values: sums().map(\.sum), magnitudes: magnitudes,
            roundings: Double(roundings) * 1.0005)
    }

    /// The convolution by a Winograd algorithm with the given transforms, in double precision.
    func transformed(by winograd: Winograd) -> [Double] { transformed(by: winograd, x: x, w: w) }

    private func transformed(by winograd: Winograd, x: [Double], w: [Double]) -> [Double] {
        let (forWeights, forInputs) = (Winograd.bothSides(winograd.weights), Winograd.bothSides(winograd.inputs))
        let forOutputs = Winograd.bothSides(winograd.outputs)
        let u = (0..<outputs).map { output in
            mixed(forWeights, w, (0..<9).map { (output * 9 + $0) * inputs }, count: inputs)
        }
        var y = [Double](repeating: .nan, count: window.out_height * window.out_width * outputs)
        for top in stride(from: 0, to: window.out_height, by: 4) {
            for left in stride(from: 0, to: window.out_width, by: 4) {
                let pixels = (0..<36).map { pixel(top + $0 / 6 - window.before, left + $0 % 6 - window.before) }
                let v = mixed(forInputs, x, pixels.map { $0.map { $0 * inputs } }, count: inputs)
                let m = (0..<36).flatMap { frequency in
                    u.map { dot($0, frequency * inputs, v, frequency * inputs, inputs).sum }
                }
                let tile = mixed(forOutputs, m, (0..<36).map { $0 * outputs }, count: outputs)
                for place in 0..<16 where top + place / 4 < window.out_height && left + place % 4 < window.out_width {
                    let target = ((top + place / 4) * window.out_width + left + place % 4) * outputs
                    y.replaceSubrange(target..<(target + outputs), with: tile[(place * outputs)...].prefix(outputs))
                }
            }
        }
        return y
    }
}

/// Convolutions in double precision, before anything is added, and what their errors hang on.
struct ConvolutionSums {
    let values: [Double]
    /// Of all terms of a sum, together.
    let magnitudes: [Double]
    /// That a term passes through at most.
    let roundings: Double

    /// The convolution, plus the bias of each output, plus what stood there.
    func bounds(bias: [Float]?, before: [Float]?) -> [Bounded] {
        values.indices.map { place in
            let rest = [bias.map { $0[place % $0.count] }, before?[place]].compactMap { $0.map(Double.init) }
            let magnitude = rest.reduce(magnitudes[place]) { $0 + $1.magnitude }
            return Bounded(value: rest.reduce(values[place], +), slack: roundings * roundoff * magnitude)
        }
    }
}

/// The transforms of F(4x4, 3x3): A^T [(G g G^T) . (B^T d B)] A.
struct Winograd {
    /// `[6, 6]`
    var inputs: [[Double]]
    /// `[6, 3]`
    var weights: [[Double]]
    /// `[4, 6]`
    var outputs: [[Double]]

    /// Lavin and Gray, "Fast Algorithms for Convolutional Neural Networks", section 4.3.
    static let exact = Winograd(
        inputs: [
            [4, 0, -5, 0, 1, 0], [0, -4, -4, 1, 1, 0], [0, 4, -4, -1, 1, 0],
            [0, -2, -1, 2, 1, 0], [0, 2, -1, -2, 1, 0], [0, 4, 0, -5, 0, 1],
        ],
        weights: [
            [1 / 4, 0, 0], [-1 / 6, -1 / 6, -1 / 6], [-1 / 6, 1 / 6, -1 / 6],
            [1 / 24, 1 / 12, 1 / 6], [1 / 24, -1 / 12, 1 / 6], [0, 0, 1],
        ],
        outputs: [
            [1, 1, 1, 1, 1, 0], [0, 1, -1, 2, -2, 0], [0, 1, 1, 4, 4, 0], [0, 1, -1, 8, -8, 1],
        ])

    var magnitudes: Winograd {
        let magnitudes = { (matrix: [[Double]]) in matrix.map { $0.map(\.magnitude) } }
        return Winograd(inputs: magnitudes(inputs), weights: magnitudes(weights), outputs: magnitudes(outputs))
    }

    /// `t x tᵀ` as one matrix for the numbers of square `x`, row by row.
    static func bothSides(_ t: [[Double]]) -> [[Double]] {
        t.flatMap { upper in t.map { lower in upper.flatMap { upper in lower.map { upper * $0 } } } }
    }
}

/// `[matrix rows, count]`: row i is the sum over j of `matrix[i][j]` times the `count` numbers of x from `starts[j]`
/// on; where there is no start, there are zeros.
private func mixed(_ matrix: [[Double]], _ x: [Double], _ starts: [Int?], count: Int) -> [Double] {
    var all = [Double](repeating: 0, count: matrix.count * count)
    for (row, factors) in matrix.enumerated() {
        for (factor, start) in zip(factors, starts) {
            guard let start, factor != 0 else { continue }
            unsafe all.withUnsafeMutableBufferPointer { all in
                unsafe x.withUnsafeBufferPointer { x in
                    guard let to = all.baseAddress, let from = x.baseAddress else { return }
                    var place = 0
                    while place < count {
                        unsafe to[row * count + place] += factor * from[start + place]
                        place += 1
                    }
                }
            }
        }
    }
    return all
}
