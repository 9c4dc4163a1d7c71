import CKernels
import Testing

/// How coarse a quantized row is: its numbers are whole multiples of a unit.
///
/// A quantized number is off by at most 0.51 units: half a unit of its own rounding, and a hundredth for the others.
/// The unit follows from a computed length, off by a roundoff for each of up to 10000 numbers, and the scale, its
/// reciprocal and the product with a number of up to 32767 units are rounded.
struct Grains {
    /// Units of a row, where none of its numbers has more than 32767.
    static let length = 46_000.0
    /// Units of a tile's inputs at a frequency: then none of them can have more than 32767.
    static let shortLength = 32_700.0

    let unit: Double
    private let magnitudes: Double
    private let squares: Double
    private let count: Double

    init(_ row: some Collection<Double>, length: Double) {
        squares = row.reduce(0) { $0 + $1 * $1 }
        unit = max(squares.squareRoot() / length, (row.map(\.magnitude).max() ?? 0) / 32767)
        magnitudes = row.reduce(0) { $0 + $1.magnitude }
        count = Double(row.count)
    }

    /// The largest error of a quantized number.
    var halfUnit: Double { 0.51 * unit }

    /// The variance of a number's rounding error, evenly spread over a unit.
    var variance: Double { unit * unit / 12 }

    /// The variance of the error of a product of two rows, if the rounding errors are independent.
    func variance(_ other: Grains) -> Double { variance * other.squares + other.variance * squares }

    /// The largest error of a product of two rows: with numbers x and y and their errors d and e, the sum of |x e|,
    /// |d y| and |d e|.
    func miss(_ other: Grains) -> Double {
        halfUnit * other.magnitudes + other.halfUnit * magnitudes + halfUnit * other.halfUnit * count
    }
}

/// Expects of errors that they are as large as independent roundings make them: the mean of their squares, each by the
/// variance that is expected of it, is one. Errors of a row share some roundings, so that the mean of a few hundred is
/// off by a tenth or two; a unit twice as large on one side of a product makes it 2.5.
func expectIndependent(
    _ numbers: [Float], _ values: [Double], _ variances: [Double], _ situation: String,
    sourceLocation: SourceLocation = #_sourceLocation
) {
    let squares = zip(zip(numbers, values), variances).map { pair, variance in
        (Double(pair.0) - pair.1) * (Double(pair.0) - pair.1) / variance
    }
    let mean = squares.reduce(0, +) / Double(squares.count)
    #expect(mean > 0.7 && mean < 1.4, "\(situation): \(mean)", sourceLocation: sourceLocation)
}

/// Weights `[outputs, inputs]` in panels of sixteen outputs, as stored, before a fence: what is quantized.
@safe final class Panels {
    private let memory: Fenced
    let number: dseg_number
    let outputs: Int
    let inputs: Int
    /// By weights.h's definition of their place.
    let stored: Stored

    init(_ weights: Stored, outputs: Int, inputs: Int) {
        precondition(weights.bits.count == outputs * inputs, "\(weights.bits.count) weights")
        var panels = [UInt32](repeating: 0, count: (outputs + 15) / 16 * 16 * inputs)
        for output in 0..<outputs {
            for input in 0..<inputs {
                panels[((output / 16) * inputs + input) * 16 + output % 16] = weights.bits[output * inputs + input]
            }
        }
        stored = Stored(weights.number, bits: panels)
        memory = Fenced(stored.bytes)
        number = weights.number
        self.outputs = outputs
        self.inputs = inputs
    }

    /// Where they lie, as long as this lives.
    var base: UnsafeRawPointer { unsafe memory.base }
}

/// What a row in fixed point has behind its pairs: the sum of the products of neighbouring pairs, modulo 2^32, and the
/// largest magnitude.
struct Crossed: Equatable {
    let sum: Int32
    let largest: Int32

    init(sum: Int32, largest: Int32) {
        (self.sum, self.largest) = (sum, largest)
    }

    /// By the definition; the first pair is multiplied with the second, the third with the fourth.
    init(of integers: [Int]) {
        let padded = integers + [Int](repeating: 0, count: 4 - integers.count % 4)
        let sum = padded.indices.reduce(0) { $0 + ($1 % 4 < 2 ? padded[$1] * padded[$1 + 2] : 0) }
        self.init(sum: Int32(truncatingIfNeeded: sum), largest: Int32(integers.map(\.magnitude).max() ?? 0))
    }
}

/// Weights `[outputs, inputs]` quantized by dseg_quantize_panels, before fences.
@safe final class FixedPanels {
    /// What no kernel writes.
    static let mark: Int32 = 0x7abc_7abc

    private let memory: Fenced
    private let scaleMemory: Fenced
    /// By kernels.h's definition of their place.
    let pairs: [Int16]
    let scales: [Float]
    let outputs: Int
    let inputs: Int
    /// Whether nothing was written behind the pairs and the scales.
    let isIntact: Bool

    init(_ weights: Stored, outputs: Int, inputs: Int) {
        _ = startedThreads
        let panels = (outputs + 15) / 16
        let stored = Panels(weights, outputs: outputs, inputs: inputs)
        var pairs = [Int32](repeating: FixedPanels.mark, count: panels * dseg_panel_rows(inputs) * 16 + 16)
        var scales = [Float](repeating: -1, count: panels * 16 + 16)
        withExtendedLifetime(stored) {
            unsafe dseg_quantize_panels(stored.base, weights.number, panels, inputs, &pairs, &scales)
        }
        isIntact = pairs.suffix(16).allSatisfy { $0 == FixedPanels.mark } && scales.suffix(16).allSatisfy { $0 == -1 }
        let whole = pairs.dropLast(16)
        self.pairs = whole.flatMap { [Int16(truncatingIfNeeded: $0), Int16(truncatingIfNeeded: $0 >> 16)] }
        self.scales = scales.dropLast(16)
        memory = Fenced(numbers: Array(whole))
        scaleMemory = Fenced(numbers: self.scales)
        self.outputs = outputs
        self.inputs = inputs
    }

    convenience init(_ weights: [Float], outputs: Int, inputs: Int) {
        self.init(Stored(weights), outputs: outputs, inputs: inputs)
    }

    /// The integer of an output and an input; either may lie behind the last, as far as panels and pairs are filled up.
    subscript(output: Int, input: Int) -> Int {
        Int(pairs[(((output / 16) * dseg_panel_rows(inputs) + input / 2) * 16 + output % 16) * 2 + input % 2])
    }

    /// What stands behind an output's pairs for products crosswise.
    func crossed(_ output: Int) -> Crossed {
        let numbers = (0..<2).map { row in
            let first = (inputs + 1) / 2 * 2 + 2 * row
            return Int32(self[output, first] & 0xffff | self[output, first + 1] << 16)
        }
        return Crossed(sum: numbers[0], largest: numbers[1])
    }

    /// The panels as kernels take them; they live as long as this does.
    var c: dseg_panels {
        unsafe dseg_panels(
            base: memory.base, number: dseg_fixed16, outputs: outputs, inputs: inputs,
            scales: scaleMemory.base.assumingMemoryBound(to: Float.self))
    }
}

/// 3 x 3 kernels as they are stored, with the scales of their transforms by dseg_compute_kernel_scales.
@safe final class FixedKernels {
    private let panels: Panels
    private let scaleMemory: Fenced
    /// `[panels, 36, 16]`
    let scales: [Float]
    /// Whether nothing was written behind the scales.
    let isIntact: Bool

    init(_ weights: Stored, outputs: Int, inputs: Int) {
        _ = startedThreads
        let count = (outputs + 15) / 16
        panels = Panels(weights, outputs: outputs, inputs: 9 * inputs)
        var scales = [Float](repeating: -1, count: count * 36 * 16 + 16)
        unsafe dseg_compute_kernel_scales(panels.base, weights.number, count, inputs, &scales)
        isIntact = scales.suffix(16).allSatisfy { $0 == -1 }
        self.scales = scales.dropLast(16)
        scaleMemory = Fenced(numbers: self.scales)
    }

    /// The kernels as convolutions take them; they live as long as this does.
    var c: dseg_panels {
        unsafe dseg_panels(
            base: panels.base, number: panels.number, outputs: panels.outputs, inputs: panels.inputs,
            scales: scaleMemory.base.assumingMemoryBound(to: Float.self))
    }
}

/// Rows quantized by dseg_quantize_inputs, in memory that nothing else was written to.
@safe final class FixedInputs {
    private let values: UnsafeMutableBufferPointer<Int32>
    private let scaleValues: UnsafeMutableBufferPointer<Float>
    let rows: Int
    let columns: Int

    private var stride: Int { dseg_fixed_stride(columns) }

    init(_ x: Framed) {
        (rows, columns) = (x.rows, x.columns)
        unsafe values = .allocate(capacity: rows * dseg_fixed_stride(columns) + 16)
        unsafe values.initialize(repeating: FixedPanels.mark)
        unsafe scaleValues = .allocate(capacity: rows + 1)
        unsafe scaleValues.initialize(repeating: -1)
        unsafe dseg_quantize_inputs(x.c, c)
    }

    deinit {
        unsafe values.deallocate()
        unsafe scaleValues.deallocate()
    }

    /// Whether nothing was written behind the rows and the scales.
    var isIntact: Bool {
        unsafe (0..<16).allSatisfy { unsafe values[rows * stride + $0] == FixedPanels.mark } && scaleValues[rows] == -1
    }

    /// The integer of a row and a column; the column may be the one beside an odd width.
    subscript(row: Int, column: Int) -> Int {
        let pair = unsafe values[row * stride + column / 2]
        return Int(Int16(truncatingIfNeeded: column % 2 == 0 ? pair : pair >> 16))
    }

    /// What stands behind a row's pairs for products crosswise.
    func crossed(_ row: Int) -> Crossed {
        let place = row * stride + (columns + 1) / 2
        return unsafe Crossed(sum: values[place], largest: values[place + 1])
    }

    func scale(_ row: Int) -> Float { unsafe scaleValues[row] }

    /// The rows as kernels take them; they live as long as this does.
    var c: dseg_fixed_inputs {
        guard let numbers = unsafe values.baseAddress, let scales = unsafe scaleValues.baseAddress else {
            preconditionFailure("rows have marks")
        }
        return unsafe dseg_fixed_inputs(values: numbers, scales: scales, rows: rows, columns: columns)
    }
}
