import Kernels
import Networks
import Testing

/// The bfloat16 number nearest to a finite one, ties to even, by that definition.
private func nearest(_ x: Float) -> Float {
    let below = x.bitPattern & 0xffff_0000
    let candidates = [below, below &+ 0x1_0000].map(Float.init(bitPattern:))
    let distances = candidates.map { (Double(x) - Double($0)).magnitude }
    if distances[0] == distances[1] { return below >> 16 & 1 == 0 ? candidates[0] : candidates[1] }
    return distances[0] < distances[1] ? candidates[0] : candidates[1]
}

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

@Suite struct `weights read for products in bf16` {
    private func expectRounded(_ type: String, outputs: Int, inputs: Int) throws {
        let small = try SmallCheckpoint(
            [
                tensor("linear", type, [outputs, inputs]), tensor("projection", type, [outputs, inputs, 1, 1]),
                tensor("filter", type, [outputs, 5, 3, 3]), tensor("words", type, [outputs, inputs]),
                tensor("bias", type, [outputs]),
            ], precision: .bf16)
        let weights = small.weights
        let products = try ["linear", "projection"].map {
            ($0, try weights.rounded($0, outputs: outputs, inputs: inputs))
        }
        let filter = try weights.panels("filter", outputs: outputs, inputs: 5, kernel: 3)
        let words = try weights.table("words", rows: outputs, columns: inputs)
        let bias = try weights.floats("bias", count: outputs)
        try small.read()
        let file = try TensorFile(path: small.file)
        for (name, product) in products {
            #expect(product.numbers == .bf16Pairs)
            #expect(try floats(product) == file.values(of: name).map(nearest), "\(name) [\(outputs), \(inputs)]")
            expectZeros(product)
        }
        #expect(filter.numbers != .bf16Pairs)
        let stored = try file.values(of: "filter")
        let expected = (0..<outputs * 45).map { place in
            let (output, column) = place.quotientAndRemainder(dividingBy: 45)
            return stored[output * 45 + column % 5 * 9 + column / 5]
        }
        #expect(floats(filter) == expected, "filter of \(outputs)")
        // What is looked up or added is not rounded.
        let table = (0..<outputs * inputs).map { unsafe number(words.base, words.type, $0) }
        #expect(try table == file.values(of: "words"))
        #expect(try floats(bias) == file.values(of: "bias"))
        #expect(small.region.bytesUsed <= small.checkpoint.packedBytes)
    }

    /// Behind the last output and the last input there is nothing to add.
    private func expectZeros(_ weights: PackedWeights) {
        let rows = (weights.rows + 15) / 16 * 16
        for column in 0..<(weights.columns + 1) / 2 * 2 {
            for row in 0..<rows where row >= weights.rows || column >= weights.columns {
                #expect(number(weights, row, column) == 0)
            }
        }
    }

    @Test(arguments: ["F32", "F16", "BF16"])
    func `are rounded to the nearest, ties to even, whatever the tails`(type: String) throws {
        for (outputs, inputs) in [(1, 1), (3, 7), (16, 8), (17, 9), (48, 33)] {
            try expectRounded(type, outputs: outputs, inputs: inputs)
        }
    }

    /// Pieces hold several panels, or one, or less than one would be.
    @Test(arguments: [("F16", 150, 2_003), ("F32", 50, 9_001), ("BF16", 20, 12_011)])
    func `are put together from several pieces`(type: String, outputs: Int, inputs: Int) throws {
        try expectRounded(type, outputs: outputs, inputs: inputs)
    }

    @Test func `take half the memory of f32`() throws {
        func bytes(_ precision: Precision) throws -> Int {
            let small = try SmallCheckpoint(
                [StoredTensor("a", shape: [64, 100], [Float](repeating: 1, count: 6400))], precision: precision)
            _ = try small.weights.rounded("a", outputs: 64, inputs: 100)
            return small.region.bytesUsed
        }
        #expect(try bytes(.bf16) * 2 == bytes(.f32))
    }
}
