import FoundationEssentials
import Kernels
import Networks
import Support
import Testing

/// Means and logarithms of variances for a picture of coloured stripes, `[16·16, 8]`.
private func moments(_ directory: String) throws -> [Float] {
    let loaded = try loadAutoencoder(directory)
    var arena = try Arena(reserving: 1 << 36)
    return try arena.scope { arena in
        let picture = arena.featureMap(height: 128, width: 128, channels: 3)
        picture.matrix.fill((0..<128 * 128 * 3).map { Float(($0 * 31) % 17) / 8 - 1 })
        let y = arena.featureMap(height: 16, width: 16, channels: 8)
        try loaded.network(picture, into: y, cancellation: Cancellation(deadline: nil), &arena)
        return y.matrix.array
    }
}

@Suite struct `the autoencoder` {
    @Test func `is the same by both spellings of its attention`() throws {
        let spellings = ["query": "to_q", "key": "to_k", "value": "to_v", "proj_attn": "to_out.0"]
        let old = try CheckpointCopy.tensors(of: "vae")
        let renamed = old.map { tensor in
            let name = spellings.reduce(tensor.name) { $0.replacing(".\($1.key).", with: ".\($1.value).") }
            return StoredTensor(name, type: tensor.type, shape: tensor.shape, bytes: tensor.bytes)
        }
        #expect(renamed.count { $0.name.contains(".to_q.") } == 4)
        let expected = try CheckpointCopy("vae", old).reading(moments)
        #expect(Set(expected).count > 100)
        #expect(try CheckpointCopy("vae", renamed).reading(moments) == expected)
        let asConvolutions = renamed.map { tensor in
            let isProjection = tensor.name.contains(".attentions.0.to_") && tensor.name.hasSuffix("weight")
            return StoredTensor(
                tensor.name, type: tensor.type, shape: tensor.shape + (isProjection ? [1, 1] : []),
                bytes: tensor.bytes)
        }
        #expect(try CheckpointCopy("vae", asConvolutions).reading(moments) == expected)
    }

    @Test func `needs no decoder`() throws {
        let all = try CheckpointCopy.tensors(of: "vae")
        let half = all.filter { !$0.name.hasPrefix("decoder.") && !$0.name.hasPrefix("post_quant_conv.") }
        #expect(half.count < all.count)
        #expect(
            try CheckpointCopy("vae", half).reading(moments)
                == moments("\(oracleFolder)/tiny/checkpoint/vae"))
    }

    @Test func `without a scaling_factor has 0.18215`() throws {
        let copy = try CheckpointCopy("vae", [])
        try copy.configure(#""scaling_factor": 0.18215,"#, "")
        let path = "\(copy.folder.path)/config.json"
        let text = String(decoding: try Data(contentsOf: URL(filePath: path)), as: UTF8.self)
        #expect(!text.contains("scaling_factor"))
        #expect(try AutoencoderConfiguration(RegularFile(path: path)).scalingFactor == 0.18215)
    }

    @Test func `leaves the arena as it found it when it is interrupted`() throws {
        let loaded = try loadAutoencoder("\(oracleFolder)/tiny/checkpoint/vae")
        let cancellation = Cancellation(deadline: nil)
        cancellation.cancel()
        var arena = try Arena(reserving: 1 << 36)
        let picture = FeatureMap(Matrix(stored: 128 * 128, by: 3), height: 128, width: 128)
        let y = FeatureMap(Matrix(stored: 256, by: 8), height: 16, width: 16)
        #expect(throws: Interruption.cancelled) {
            try loaded.network(picture, into: y, cancellation: cancellation, &arena)
        }
        let once = arena.highWater
        #expect(throws: Interruption.cancelled) {
            try loaded.network(picture, into: y, cancellation: cancellation, &arena)
        }
        #expect(arena.highWater == once)
    }
}
