import CKernels
import Support
import Testing

/// How far the rounding of one float operation may lie from the result, relative to it.
let roundoff = 0x1p-24

/// A number computed in double precision by the definition, and how far a computation of it in
/// floats may lie from it.
struct Bounded {
    var value: Double
    var slack: Double
}

/// The sum of `count` products x y from two places on, and the sum of their magnitudes.
func dot(_ x: [Double], _ xPlace: Int, _ y: [Double], _ yPlace: Int, _ count: Int) -> (sum: Double, magnitude: Double) {
    unsafe x[xPlace..<(xPlace + count)].withUnsafeBufferPointer { x in
        unsafe y[yPlace..<(yPlace + count)].withUnsafeBufferPointer { y in
            guard let x = x.baseAddress, let y = y.baseAddress else { return (0, 0) }
            var (sum, magnitude, place) = (0.0, 0.0, 0)
            while place < count {
                let term = unsafe x[place] * y[place]
                sum += term
                magnitude += term.magnitude
                place += 1
            }
            return (sum, magnitude)
        }
    }
}

/// The first number that is out of its bounds, in words; nil if none is.
func breach(_ numbers: [Float], _ bounds: [Bounded]) -> String? {
    guard numbers.count == bounds.count else {
        return "\(numbers.count) numbers for \(bounds.count) bounds"
    }
    for (place, (number, bound)) in zip(numbers, bounds).enumerated() {
        let distance = (Double(number) - bound.value).magnitude
        if !(distance <= bound.slack) {
            return "[\(place)] is \(number), not \(bound.value) within \(bound.slack)"
        }
    }
    return nil
}

/// Expects that each number is within its bounds.
func expect(
    _ numbers: [Float], within bounds: [Bounded], _ situation: String,
    sourceLocation: SourceLocation = #_sourceLocation
) {
    let found = breach(numbers, bounds)
    #expect(found == nil, "\(situation)", sourceLocation: sourceLocation)
}

/// Expects that a kernel wrote numbers within their bounds, and nothing beside them.
func expect(
    _ matrix: Framed, within bounds: [Bounded], _ situation: String,
    sourceLocation: SourceLocation = #_sourceLocation
) {
    expect(matrix.values, within: bounds, situation, sourceLocation: sourceLocation)
    #expect(matrix.isFrameIntact, "\(situation)", sourceLocation: sourceLocation)
}

/// Numbers that look random and are the same in each run.
struct Draw {
    private var generator: SeededGenerator

    init(seed: Int) {
        generator = SeededGenerator(seed: UInt64(truncatingIfNeeded: seed))
    }

    /// Evenly spread over [-1, 1), 24 bits.
    mutating func next() -> Float {
        Float(generator.next() >> 40) * 0x1p-23 - 1
    }

    mutating func floats(_ count: Int) -> [Float] {
        (0..<count).map { _ in next() }
    }

    mutating func matrix(_ rows: Int, _ columns: Int) -> Framed {
        Framed(floats(rows * columns), rows: rows, columns: columns)
    }
}

/// Every tail of two vectors of sixteen lanes and more, and the surroundings of larger powers.
let tails = Array(1...40) + [63, 64, 65, 255, 256, 257]

/// Numbers of rows around the borders of the kernels' tiles, strips and tasks.
let borders = [1, 2, 63, 64, 65, 127, 128, 129, 255, 256, 257]
