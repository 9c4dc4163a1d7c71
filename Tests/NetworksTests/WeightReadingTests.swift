import FoundationEssentials
import Kernels
import Networks
import Support
import Testing

@Suite struct `reading what was claimed` {
    @Test func `a file cut after its tensors were claimed is named, with the byte it ends at`() throws {
        let small = try SmallCheckpoint([StoredTensor("a", shape: [1], [0]), StoredTensor("b", shape: [2], [1, 2])])
        _ = try small.weights.floats("b", shape: [2])
        let cut = try Data(contentsOf: URL(filePath: small.file)).count - 5
        try small.folder.resize("model.safetensors", to: cut)
        #expect(throws: CheckpointError.shortRead(file: small.file, tensor: "unet.b", offset: cut)) {
            try small.read()
        }
    }

    @Test func `a file that grew after it was opened is refused, though all was read`() throws {
        let small = try SmallCheckpoint([StoredTensor("a", shape: [2], [1, 2])])
        let before = try Data(contentsOf: URL(filePath: small.file)).count
        _ = try small.weights.floats("a", shape: [2])
        try small.folder.resize("model.safetensors", to: before + 1)
        #expect(throws: CheckpointError.changed(file: small.file, sizeBefore: before, sizeNow: before + 1)) {
            try small.read()
        }
    }

    @Test func `a model that nobody waits for is not read`() throws {
        let small = try SmallCheckpoint([StoredTensor("a", shape: [2], [1, 2])])
        let vector = try small.weights.floats("a", shape: [2])
        #expect(throws: CheckpointError.interrupted) {
            try Checkpoint.read([small.checkpoint], hashing: []) { false }
        }
        #expect(floats(vector) == [0, 0])
    }

    /// Larger than any piece, in two networks: whatever is cut is put together.
    @Test func `tensors of several megabytes arrive whole, and are hashed as they were opened`() throws {
        let folder = try TemporaryDirectory()
        let rows = 37
        let columns = 20_011
        let halves = (0..<(rows * columns)).map { UInt16(truncatingIfNeeded: $0 &* 40_503) & 0x3fff }
        var files: [HashedFile] = []
        var claimed: [(checkpoint: Checkpoint, wide: WeightMatrix, filter: WeightMatrix)] = []
        let region = try WeightRegion(capacity: 1 << 30)
        let wide = halves.map { Float(Float16(bitPattern: $0)) }
        for type in ["F16", "F32"] {
            let tensors = [("wide", [rows, columns]), ("filter", [columns, rows, 1, 1])].map { name, shape in
                type == "F32"
                    ? StoredTensor(name, shape: shape, wide)
                    : StoredTensor(name, type: type, shape: shape, halves: halves)
            }
            try folder.write("\(type).safetensors", safetensors(tensors))
            let checkpoint = try Checkpoint(directory: folder.path, stem: type, component: type)
            let scope = checkpoint.weights(in: region, precision: .f32)
            let filter = try scope.matrix("filter", outputs: columns, inputs: rows, window: .sliding(1))
            claimed.append((checkpoint, try scope.matrix("wide", outputs: rows, inputs: columns), filter))
            files += checkpoint.hashedFiles(in: ".")
        }
        let hash = try Checkpoint.read(claimed.map(\.checkpoint), hashing: files) { true }
        for (_, matrix, filter) in claimed {
            #expect(floats(matrix) == wide)
            #expect(floats(filter) == wide)
        }
        #expect(
            try ModelHash(directory: folder.path, files: ["./F16.safetensors", "./F32.safetensors"]) == hash)
    }
}

@Suite struct `weights in the precision of the file` {
    /// One network of a matrix, a convolution, a table and a vector, with numbers of any bits.
    private func expectKept(_ type: String, outputs: Int, inputs: Int) throws {
        let wide = type == "F32"
        func tensor(_ name: String, _ shape: [Int]) -> StoredTensor {
            let count = shape.reduce(1, *) * (wide ? 2 : 1)
            return StoredTensor(
                name, type: type, shape: shape,
                halves: (0..<count).map { UInt16(truncatingIfNeeded: $0 &* 40_503 &+ 12_345) & 0x3fff })
        }
        let small = try SmallCheckpoint([
            tensor("linear", [outputs, inputs]), tensor("projection", [outputs, inputs, 1, 1]),
            tensor("filter", [outputs, 5, 3, 3]), tensor("words", [outputs, inputs]), tensor("bias", [outputs]),
        ])
        let weights = small.weights
        let matrices = [
            ("linear", try weights.matrix("linear", outputs: outputs, inputs: inputs)),
            ("projection", try weights.matrix("projection", outputs: outputs, inputs: inputs)),
            ("filter", try weights.matrix("filter", outputs: outputs, inputs: 5, window: .sliding(3))),
        ]
        let words = try weights.table("words", rows: outputs, columns: inputs)
        let bias = try weights.floats("bias", shape: [outputs])
        try small.checkpoint.settle { _ in false }
        try small.read()
        let file = try TensorFile(path: small.file)
        func stored(_ name: String) throws -> [UInt32] {
            let bytes = try file.bytes(of: name)
            return unsafe bytes.withUnsafeBytes { bytes in
                guard let base = bytes.baseAddress else { return [] }
                return (0..<bytes.count / words.type.size).map { unsafe bits(base, words.type, $0) }
            }
        }
        func kept(_ base: UnsafeRawPointer, _ rows: Int, _ columns: Int) -> [UInt32] {
            (0..<rows * columns).map { unsafe bits(base, words.type, $0) }
        }
        for (name, matrix) in matrices {
            #expect(matrix.packing == .stored && matrix.packing.isInPlace(words.type) && matrix.type == words.type)
            let found = unsafe kept(matrix.base, matrix.rows, matrix.columns)
            #expect(try found == stored(name), "\(name) of \(outputs)")
        }
        let table = unsafe kept(words.base, words.rows, words.columns)
        #expect(try table == stored("words"))
        let vector = unsafe [Float](UnsafeBufferPointer(start: bias.base, count: bias.count))
        #expect(try vector == file.values(of: "bias"))
        #expect(small.region.bytesUsed <= small.checkpoint.packedBytes)
    }

    @Test(arguments: ["F16", "BF16", "F32"])
    func `matrices, tables and vectors hold what the file holds, whatever the tails`(type: String) throws {
        for (outputs, inputs) in [(1, 1), (3, 7), (16, 8), (17, 9), (48, 33)] {
            try expectKept(type, outputs: outputs, inputs: inputs)
        }
    }

    @Test(arguments: [("F16", 150, 2_003), ("F32", 50, 9_001), ("BF16", 20, 12_011)])
    func `what is read in several pieces is put together`(type: String, outputs: Int, inputs: Int) throws {
        try expectKept(type, outputs: outputs, inputs: inputs)
    }

    @Test func `half precision takes half the memory`() throws {
        let halves = [UInt16](repeating: 1, count: 64 * 100)
        let small = try SmallCheckpoint([StoredTensor("a", type: "F16", shape: [64, 100], halves: halves)])
        _ = try small.weights.matrix("a", outputs: 64, inputs: 100)
        #expect(small.region.bytesUsed == 2 * halves.count)
    }

    @Test func `each kind refuses what is missing, misshapen or claimed before`() throws {
        let small = try SmallCheckpoint([
            StoredTensor("a", shape: [2, 3], [1, 2, 3, 4, 5, 6]),
            StoredTensor("b", shape: [2, 3], [1, 2, 3, 4, 5, 6]),
        ])
        let weights = small.weights
        #expect(throws: CheckpointError.missing(tensor: "unet.c")) { try weights.table("c", rows: 2, columns: 3) }
        #expect(throws: CheckpointError.shape(tensor: "unet.a", found: [2, 3], expected: [3, 2])) {
            try weights.table("a", rows: 3, columns: 2)
        }
        #expect(throws: CheckpointError.shape(tensor: "unet.a", found: [2, 3], expected: [3, 2])) {
            try weights.matrix("a", outputs: 3, inputs: 2)
        }
        #expect(throws: CheckpointError.shape(tensor: "unet.a", found: [2, 3], expected: [2, 3, 1, 1])) {
            try weights.matrix("a", outputs: 2, inputs: 3, window: .sliding(1))
        }
        #expect(throws: CheckpointError.shape(tensor: "unet.a", found: [2, 3], expected: [6])) {
            try weights.floats("a", shape: [6])
        }
        _ = try weights.matrix("a", outputs: 2, inputs: 3)
        #expect(throws: CheckpointError.readTwice(tensor: "unet.a")) { try weights.table("a", rows: 2, columns: 3) }
        #expect(throws: CheckpointError.neverRead(first: ["unet.b"], count: 1)) {
            try small.checkpoint.settle { _ in false }
        }
    }
}

@Suite struct `a model's hash` {
    /// The same in Python, with hashlib alone:
    /// ```
    /// h = hashlib.sha256()
    /// for f in sorted(files):
    ///     h.update(f.encode() + b"\0" + hashlib.sha256(open(f, "rb").read()).digest())
    /// ```
    @Test func `it is what another implementation computes, in any order of the files`() throws {
        let files = [
            "unet/config.json", "unet/diffusion_pytorch_model.safetensors", "vae/config.json",
            "tokenizer/merges.txt", "tokenizer/vocab.json",
        ]
        let directory = "\(oracleFolder)/tiny/checkpoint"
        let hash = try ModelHash(directory: directory, files: files)
        #expect("\(hash)" == "d6c42df41c401c529448c08b202a22c5e0513acdf06c13c6c6d0d9d6a0eec57b")
        #expect(try ModelHash(directory: directory, files: files.reversed() + files) == hash)
    }

    @Test func `what was not hashed at first has an alias without it`() throws {
        let directory = "\(oracleFolder)/tiny/checkpoint"
        let before = ["tokenizer/merges.txt", "tokenizer/vocab.json", "tokenizer/tokenizer_config.json"]
        let earlier = try ModelHash(directory: directory, files: before)
        let hash = try ModelHash(directory: directory, files: before + ["tokenizer/special_tokens_map.json"])
        #expect(hash.aliases == [earlier.description] && earlier.aliases.isEmpty)
        #expect(hash.description != earlier.description)
        #expect(
            try BytePairTokenizer.files(in: ModelFolder("\(directory)/tokenizer")).sorted() == [
                "merges.txt", "special_tokens_map.json", "tokenizer_config.json", "vocab.json",
            ])
    }

    @Test func `it moves with any byte and any name, not with the folder`() throws {
        func hash(_ first: String, _ name: String) throws -> ModelHash {
            let folder = try TemporaryDirectory()
            try folder.write("a", first)
            try folder.write(name, "")
            return try ModelHash(directory: folder.path, files: ["a", name])
        }
        let hash1 = try hash("weights", "b")
        #expect(try hash("weights", "b") == hash1)
        #expect(try hash("weightt", "b") != hash1)
        #expect(try hash("weights", "c") != hash1)
    }

    @Test func `a file that is not there is an error that names it`() throws {
        let folder = try TemporaryDirectory()
        #expect(throws: CheckpointError.system(path: "\(folder.path)/a", call: "open", code: 2)) {
            try ModelHash(directory: folder.path, files: ["a"])
        }
    }
}
