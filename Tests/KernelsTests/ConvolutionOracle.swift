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
    var im2col: ConvolutionSums {
        let sums = sums()
        return ConvolutionSums(
            values: sums.map(\.sum), magnitudes: sums.map(\.magnitude),
            roundings: Double(window.kernel * window.kernel * inputs + 3))
    }

    /// As one product in fixed point for each pixel computes it: beside the quantization errors there are the roundings
    /// of a sum converted to a float, of two scales' product and of the product with it, and two more as above.
    var fixedIm2col: ConvolutionSums {
        let positions = window.kernel * window.kernel
        let weights = (0..<outputs).map { output in
            Grains(w[(output * positions * inputs)..<((output + 1) * positions * inputs)], length: Grains.length)
        }
        let misses = (0..<(window.out_height * window.out_width)).flatMap { place in
            let row = Grains(im2col(place), length: Grains.length)
            return weights.map { row.miss($0) }
        }
        let sums = sums()
        return ConvolutionSums(
            values: sums.map(\.sum), magnitudes: sums.map(\.magnitude), misses: misses, roundings: 6)
    }

    /// What lies under the kernel at an output pixel, `[kernel * kernel * inputs]`.
    private func im2col(_ place: Int) -> [Double] {
        let (row, column) = place.quotientAndRemainder(dividingBy: window.out_width)
        return (0..<(window.kernel * window.kernel)).flatMap { position -> [Double] in
            let top = row * window.stride + position / window.kernel - window.before
            let left = column * window.stride + position % window.kernel - window.before
            guard let source = pixel(top, left) else { return [Double](repeating: 0, count: inputs) }
            return Array(x[(source * inputs)..<((source + 1) * inputs)])
        }
    }

    /// As `F(4x4, 3x3)` computes it in fixed point: both transforms as in `winograd`, then in each frequency of a tile
    /// a product of integers, whose errors go through the outputs' transform; 3 roundings as in `fixedIm2col` stand
    /// for those of the sum over the inputs.
    var fixedWinograd: ConvolutionSums {
        let roundings: Int = 2 * 4 + 2 * 5 + 3 + 2 * 4 + 2
        return ConvolutionSums(
            values: sums().map(\.sum), magnitudes: winogradMagnitudes,
            misses: throughTiles(\.magnitude) { $0.miss($1) }, roundings: Double(roundings) * 1.0005)
    }

    /// The variance of each output's quantization error, if the rounding errors are independent.
    var fixedWinogradVariances: [Double] { throughTiles({ $0 * $0 }, { $0.variance($1) }) }

    /// What the outputs' transform, of a power of its coefficients, makes of each frequency's product of integers.
    private func throughTiles(_ power: (Double) -> Double, _ measure: (Grains, Grains) -> Double) -> [Double] {
        let transform = Winograd.exact
        let forOutputs = Winograd.bothSides(transform.outputs.map { $0.map(power) })
        let weights = transformedWeights(transform, w).map { grains($0, length: Grains.length) }
        var y = [Double](repeating: .nan, count: window.out_height * window.out_width * outputs)
        eachTile { top, left, pixels in
            let tile = grains(
                mixed(Winograd.bothSides(transform.inputs), x, pixels.map { $0.map { $0 * inputs } }, count: inputs),
                length: Grains.shortLength)
            let m = (0..<36).flatMap { frequency in weights.map { measure(tile[frequency], $0[frequency]) } }
            put(mixed(forOutputs, m, (0..<36).map { $0 * outputs }, count: outputs), top, left, in: &y)
        }
        return y
    }

    /// Of each frequency, `[36, inputs]`.
    private func grains(_ transformed: [Double], length: Double) -> [Grains] {
        (0..<36).map { Grains(transformed[($0 * inputs)..<(($0 + 1) * inputs)], length: length) }
    }

    /// As `F(4x4, 3x3)` computes it.
    ///
    /// All of it is sums and products: an output is the sum of terms A G g B d, each the product of a pixel, a weight
    /// and one coefficient of each pass of the transforms. Nowhere does a term leave its sum, so what is computed is
    /// the same sum with each term times (1 + e) once for each rounding that it passes through:
    ///
    /// - 4 in a pass over the inputs: 9/4 d, a difference, 3/4 of that, a sum. There are two passes.
    /// - 5 in a pass over the weights: two in a coefficient such as 32/243 · 9/4, its product, two sums. Two passes.
    /// - inputs + 1 in the sum over the inputs: the product, and at most one sum for each input.
    /// - 4 in a pass over the outputs: a difference, 27/64 of that, two sums. Two passes.
    /// - 2 where what stood there and the bias are added.
    ///
    /// So the error is at most that number of roundoffs (and half a thousandth, for their powers) of the sum of all
    /// terms' magnitudes: the same algorithm over the magnitudes of pixels, weights and coefficients.
    var winograd: ConvolutionSums {
        let roundings: Int = 2 * 4 + 2 * 5 + (inputs + 1) + 2 * 4 + 2
        return ConvolutionSums(
            values: sums().map(\.sum), magnitudes: winogradMagnitudes,
            roundings: Double(roundings) * 1.0005)
    }

    private var winogradMagnitudes: [Double] {
        transformed(by: Winograd.exact.magnitudes, x: x.map(\.magnitude), w: w.map(\.magnitude))
    }

    /// The convolution by a Winograd algorithm with the given transforms, in double precision.
    func transformed(by winograd: Winograd) -> [Double] { transformed(by: winograd, x: x, w: w) }

    private func transformed(by winograd: Winograd, x: [Double], w: [Double]) -> [Double] {
        let (forInputs, forOutputs) = (Winograd.bothSides(winograd.inputs), Winograd.bothSides(winograd.outputs))
        let u = transformedWeights(winograd, w)
        var y = [Double](repeating: .nan, count: window.out_height * window.out_width * outputs)
        eachTile { top, left, pixels in
            let v = mixed(forInputs, x, pixels.map { $0.map { $0 * inputs } }, count: inputs)
            let m = (0..<36).flatMap { frequency in
                u.map { dot($0, frequency * inputs, v, frequency * inputs, inputs).sum }
            }
            put(mixed(forOutputs, m, (0..<36).map { $0 * outputs }, count: outputs), top, left, in: &y)
        }
        return y
    }

    /// Of each output, `[36, inputs]`.
    private func transformedWeights(_ winograd: Winograd, _ w: [Double]) -> [[Double]] {
        let forWeights = Winograd.bothSides(winograd.weights)
        return (0..<outputs).map { output in
            mixed(forWeights, w, (0..<9).map { (output * 9 + $0) * inputs }, count: inputs)
        }
    }

    /// Tiles of 4 x 4 outputs, and the pixels of the input that each reads.
    private func eachTile(_ body: (_ top: Int, _ left: Int, _ pixels: [Int?]) -> Void) {
        for top in stride(from: 0, to: window.out_height, by: 4) {
            for left in stride(from: 0, to: window.out_width, by: 4) {
                body(top, left, (0..<36).map { pixel(top + $0 / 6 - window.before, left + $0 % 6 - window.before) })
            }
        }
    }

    /// Sets what a map has of a tile, `[16, outputs]`.
    private func put(_ tile: [Double], _ top: Int, _ left: Int, in y: inout [Double]) {
        for place in 0..<16 where top + place / 4 < window.out_height && left + place % 4 < window.out_width {
            let target = ((top + place / 4) * window.out_width + left + place % 4) * outputs
            y.replaceSubrange(target..<(target + outputs), with: tile[(place * outputs)...].prefix(outputs))
        }
    }
}

/// Convolutions in double precision, before anything is added, and what their errors hang on.
struct ConvolutionSums {
    let values: [Double]
    /// Of all terms of a sum, together.
    let magnitudes: [Double]
    /// Quantization errors; zeros in f32.
    let misses: [Double]
    /// That a term passes through at most.
    let roundings: Double

    init(values: [Double], magnitudes: [Double], misses: [Double]? = nil, roundings: Double) {
        self.values = values
        self.magnitudes = magnitudes
        self.misses = misses ?? values.map { _ in 0 }
        self.roundings = roundings
    }

    /// The convolution, plus the bias of each output, plus what stood there.
    func bounds(bias: [Float]?, before: [Float]?) -> [Bounded] {
        values.indices.map { place in
            let rest = [bias.map { $0[place % $0.count] }, before?[place]].compactMap { $0.map(Double.init) }
            let magnitude = rest.reduce(magnitudes[place]) { $0 + $1.magnitude }
            return Bounded(
                value: rest.reduce(values[place], +), slack: misses[place] + roundings * roundoff * magnitude)
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

    /// By Lavin and Gray, "Fast Algorithms for Convolutional Neural Networks", section 4.3, with polynomials at 0,
    /// ±3/4, ±3/2 and infinity.
    static let exact = Winograd(
        inputs: [
            [81 / 64, 0, -45 / 16, 0, 1, 0], [0, -27 / 16, -9 / 4, 3 / 4, 1, 0], [0, 27 / 16, -9 / 4, -3 / 4, 1, 0],
            [0, -27 / 32, -9 / 16, 3 / 2, 1, 0], [0, 27 / 32, -9 / 16, -3 / 2, 1, 0], [0, 81 / 64, 0, -45 / 16, 0, 1],
        ],
        weights: [
            [64 / 81, 0, 0], [-128 / 243, -32 / 81, -8 / 27], [-128 / 243, 32 / 81, -8 / 27],
            [32 / 243, 16 / 81, 8 / 27], [32 / 243, -16 / 81, 8 / 27], [0, 0, 1],
        ],
        outputs: [
            [1, 1, 1, 1, 1, 0], [0, 3 / 4, -3 / 4, 3 / 2, -3 / 2, 0], [0, 9 / 16, 9 / 16, 9 / 4, 9 / 4, 0],
            [0, 27 / 64, -27 / 64, 27 / 8, -27 / 8, 1],
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
