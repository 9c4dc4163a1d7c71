import Kernels
import Networks
import Support
import Testing

/// How many roundings there are of a number: its unit, the unit's reciprocal, the product with it and the one that
/// restores it, of a number of up to 32767 units: less than a hundredth of a unit.
private let halfUnit: Float = 0.51

/// A tensor of finite numbers of many sizes, both signs and every kind of tie.
private func tensor(_ name: String, _ type: String, _ shape: [Int]) -> StoredTensor {
    let count = shape.reduce(1, *)
    if type == "F32" {
        // The lower half walks around the tie.
        let lower: [UInt32] = [0, 1, 0x7fff, 0x8000, 0x8001, 0xffff]
        return StoredTensor(
            name, shape: shape,
            (0..<count).map { index in
                let upper = UInt32(truncatingIfNeeded: index &* 40_503) & 0xbfff
                return Float(bitPattern: upper << 16 | lower[index % lower.count])
            })
    }
    return StoredTensor(
        name, type: type, shape: shape,
        halves: (0..<count).map { UInt16(truncatingIfNeeded: $0 &* 40_503 &+ 12_345) & 0xbfff })
}

@Suite struct `weights read for products in fixed point` {
    private func expectFixed(_ type: String, outputs: Int, inputs: Int) throws {
        let small = try SmallCheckpoint(
            [
                tensor("linear", type, [outputs, inputs]), tensor("projection", type, [outputs, inputs, 1, 1]),
                tensor("filter", type, [outputs, 5, 3, 3]), tensor("strided", type, [outputs, 16, 3, 3]),
                tensor("kernels", type, [outputs + 15, 16, 3, 3]), tensor("words", type, [outputs, inputs]),
                tensor("bias", type, [outputs]),
            ], precision: .int16)
        let weights = small.weights
        let halving = Window(kernel: 3, stride: 2, before: 1, after: 1, doubled: false)
        let fixed = [
            ("linear", try weights.matrix("linear", outputs: outputs, inputs: inputs), 1),
            ("projection", try weights.matrix("projection", outputs: outputs, inputs: inputs), 1),
            ("filter", try weights.matrix("filter", outputs: outputs, inputs: 5, window: .sliding(3)), 9),
            ("strided", try weights.matrix("strided", outputs: outputs, inputs: 16, window: halving), 9),
        ]
        let kernels = try weights.matrix("kernels", outputs: outputs + 15, inputs: 16, window: .sliding(3))
        let words = try weights.table("words", rows: outputs, columns: inputs)
        let bias = try weights.floats("bias", shape: [outputs])
        try small.read()
        let file = try TensorFile(path: small.file)
        for (name, matrix, positions) in fixed {
            #expect(matrix.packing == .fixed(inputs: matrix.columns / positions, positions: positions))
            #expect(matrix.rows == outputs)
            try expectNear(matrix, file.values(of: name), positions: positions, name)
            expectZeros(matrix)
        }
        #expect(kernels.packing == .fixedKernels(inputs: 16) && kernels.type == words.type)
        #expect(try floats(kernels) == turned(file.values(of: "kernels"), columns: 144, positions: 9))
        #expect(scales(kernels, 36).allSatisfy { $0 > 0 && $0 < 1 })
        // What is looked up or added is not rounded.
        let table = (0..<outputs * inputs).map { unsafe number(words.base, words.type, $0) }
        #expect(try table == file.values(of: "words"))
        #expect(try floats(bias) == file.values(of: "bias"))
        #expect(small.region.bytesUsed <= small.checkpoint.packedBytes)
    }

    /// Each number is within half a unit of its row's scale, which is that of the row's length or of its largest.
    private func expectNear(_ matrix: WeightMatrix, _ stored: [Float], positions: Int, _ name: String) {
        let expected = turned(stored, columns: matrix.columns, positions: positions)
        let found = floats(matrix)
        for (row, scale) in scales(matrix, 1).prefix(matrix.rows).enumerated() {
            let places = (row * matrix.columns)..<((row + 1) * matrix.columns)
            let squares = expected[places].reduce(0) { $0 + Double($1) * Double($1) }
            let largest = expected[places].map(\.magnitude).max() ?? 0
            let unit = max(squares.squareRoot() / 46_000, Double(largest) / 32767)
            // Where squares are lost a row counts as if all were its largest, up to what a scale can be.
            let loose = squares < 0x1p-80 ? Double(matrix.columns).squareRoot() : 1
            let most = max(unit * loose * 1.001, 0x1p-120)
            #expect(Double(scale) >= unit * 0.999 - 0x1p-120 && Double(scale) <= most, "\(name), row \(row)")
            guard scale > 0x1p-120 else { continue }
            #expect(places.allSatisfy { abs(found[$0] - expected[$0]) <= halfUnit * scale }, "\(name), row \(row)")
        }
    }

    /// From [outputs, inputs, positions] to rows of [positions, inputs].
    private func turned(_ stored: [Float], columns: Int, positions: Int) -> [Float] {
        let inputs = columns / positions
        return stored.indices.map { place in
            let (output, column) = place.quotientAndRemainder(dividingBy: columns)
            return stored[output * columns + column % inputs * positions + column / inputs]
        }
    }

    /// `frequencies` scales of each row.
    private func scales(_ weights: WeightMatrix, _ frequencies: Int) -> [Float] {
        guard let scales = unsafe weights.scales else { return [] }
        return (0..<weights.rows * frequencies).map { place in
            let (row, frequency) = (place / frequencies, place % frequencies)
            return unsafe scales[(row / 16 * frequencies + frequency) * 16 + row % 16]
        }
    }

    /// Behind the last output and the last input there is nothing to add.
    private func expectZeros(_ weights: WeightMatrix) {
        let rows = (weights.rows + 15) / 16 * 16
        for column in 0..<(weights.columns + 1) / 2 * 2 {
            for row in 0..<rows where row >= weights.rows || column >= weights.columns {
                #expect(integer(weights, row, column) == 0)
            }
        }
    }

    @Test(arguments: ["F32", "F16", "BF16"])
    func `are whole numbers of their row's scale, whatever the tails`(type: String) throws {
        for (outputs, inputs) in [(1, 1), (3, 7), (16, 8), (17, 9), (48, 33)] {
            try expectFixed(type, outputs: outputs, inputs: inputs)
        }
    }

    /// Pieces hold several panels, or one, or less than one would be.
    @Test(arguments: [("F16", 150, 2_003), ("F32", 50, 9_001), ("BF16", 20, 12_011)])
    func `are put together from several pieces`(type: String, outputs: Int, inputs: Int) throws {
        try expectFixed(type, outputs: outputs, inputs: inputs)
    }

    @Test func `take half the memory of f32, a scale for each output, and two rows more a panel`() throws {
        func bytes(_ precision: Precision) throws -> Int {
            let small = try SmallCheckpoint(
                [StoredTensor("a", shape: [64, 100], [Float](repeating: 1, count: 6400))], precision: precision)
            _ = try small.weights.matrix("a", outputs: 64, inputs: 100)
            return small.region.bytesUsed
        }
        let (panels, row) = (64 / 16, 16 * 4)
        #expect(try bytes(.int16) == bytes(.f32) / 2 + 64 * 4 + panels * 2 * row)
    }
}
