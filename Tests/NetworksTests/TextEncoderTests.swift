import Kernels
import Networks
import Support
import Testing

/// Some tokens' states, `[77, 48]`.
private func states(_ directory: String) throws -> [Float] {
    let loaded = try loadTextEncoder(directory)
    var arena = try Arena(reserving: 1 << 36)
    return try arena.scope { arena in
        let y = arena.matrix(rows: 77, columns: 48)
        let tokens = (0..<77).map { Int32(($0 * 37) % 815) }
        try loaded.network([tokens], into: y, cancellation: Cancellation(deadline: nil), &arena)
        return y.array
    }
}

@Suite struct `the text encoder` {
    @Test func `is the same with and without text_model before its names`() throws {
        let tensors = try CheckpointCopy.tensors(of: "text_encoder")
        #expect(tensors.allSatisfy { $0.name.hasPrefix("text_model.") })
        let plain = tensors.map {
            StoredTensor(String($0.name.dropFirst(11)), type: $0.type, shape: $0.shape, bytes: $0.bytes)
        }
        let with = try CheckpointCopy("text_encoder", tensors)
        let without = try CheckpointCopy("text_encoder", plain)
        #expect(try without.reading(states) == with.reading(states))
    }

    @Test func `needs no position_ids, and nothing else may be left over`() throws {
        let tensors = try CheckpointCopy.tensors(of: "text_encoder")
        let bare = tensors.filter { !$0.name.hasSuffix("position_ids") }
        #expect(bare.count == tensors.count - 1)
        #expect(throws: Never.self) { try CheckpointCopy("text_encoder", bare).reading { try loadTextEncoder($0) } }
        let more = bare + [StoredTensor("text_projection.weight", shape: [1], [0])]
        let copy = try CheckpointCopy("text_encoder", more)
        #expect(
            throws: CheckpointError.neverRead(first: ["text_encoder.text_projection.weight"], count: 1)
        ) { try copy.reading { try loadTextEncoder($0) } }
    }

    @Test func `sees only what stands before a token`() throws {
        let loaded = try loadTextEncoder("\(oracleFolder)/tiny/checkpoint/text_encoder")
        var arena = try Arena(reserving: 1 << 36)
        func rows(_ tokens: [Int32], _ arena: inout Arena) throws -> [Float] {
            try arena.scope { arena in
                let y = arena.matrix(rows: 77, columns: 48)
                try loaded.network([tokens], into: y, cancellation: Cancellation(deadline: nil), &arena)
                return y.rows(0..<20).array
            }
        }
        let one = [Int32](repeating: 5, count: 77)
        let other = one[..<20] + [Int32](repeating: 9, count: 57)
        #expect(try rows(one, &arena) == rows(Array(other), &arena))
    }

    @Test func `looks at a cancellation before it begins`() throws {
        let loaded = try loadTextEncoder("\(oracleFolder)/tiny/checkpoint/text_encoder")
        let cancellation = Cancellation(deadline: nil)
        cancellation.cancel()
        var arena = try Arena(reserving: 1 << 36)
        let y = Matrix(stored: 77, by: 48)
        #expect(throws: Interruption.cancelled) {
            try loaded.network([[Int32](repeating: 0, count: 77)], into: y, cancellation: cancellation, &arena)
        }
    }

    /// Prompts that share nothing, a part, and all of their beginning; one of them twice.
    @Test(
        arguments: Precision.allCases.filter(\.rowsAreIndependent),
        [[0], [0, 1], [1, 2, 3], [0, 1, 2, 3, 3, 4], [4, 3, 2, 1, 0, 2, 2, 2]])
    func `says of a prompt what it says of it alone, bit for bit`(precision: Precision, chosen: [Int]) throws {
        let loaded = try loadTextEncoder("\(oracleFolder)/tiny/checkpoint/text_encoder", precision)
        let beginnings: [(shared: Int, seed: Int)] = [(0, 0), (5, 1), (5, 2), (76, 3), (77, 4)]
        let prompts: [[Int32]] = beginnings.map { shared, seed in
            (0..<77).map { (place: Int) -> Int32 in place < shared ? 7 : Int32((place * 31 + seed * 5) % 815) }
        }
        var arena = try Arena(reserving: 1 << 36)
        func bits(_ prompts: [[Int32]]) throws -> [[UInt32]] {
            try arena.scope { arena in
                let y = arena.matrix(rows: 77 * prompts.count, columns: 48)
                try loaded.network(prompts, into: y, cancellation: .never, &arena)
                return prompts.indices.map { y.rows($0 * 77..<($0 + 1) * 77).array.map(\.bitPattern) }
            }
        }
        let alone = try prompts.map { try bits([$0])[0] }
        #expect(Set(alone).count == prompts.count)
        #expect(try bits(chosen.map { prompts[$0] }) == chosen.map { alone[$0] })
    }
}
