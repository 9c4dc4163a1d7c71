import FoundationEssentials
import Kernels
import Networks
import Testing

@Suite struct `reading what was claimed` {
    @Test func `a file cut after its tensors were claimed is named, with the byte it ends at`() throws {
        let small = try SmallCheckpoint([StoredTensor("a", shape: [1], [0]), StoredTensor("b", shape: [2], [1, 2])])
        _ = try small.weights.vector("b", count: 2)
        let cut = try Data(contentsOf: URL(filePath: small.file)).count - 5
        try small.folder.resize("model.safetensors", to: cut)
        #expect(throws: CheckpointError.shortRead(file: small.file, tensor: "unet.b", offset: cut)) {
            try small.read()
        }
    }

    @Test func `a file that grew after it was opened is refused, though all was read`() throws {
        let small = try SmallCheckpoint([StoredTensor("a", shape: [2], [1, 2])])
        let before = try Data(contentsOf: URL(filePath: small.file)).count
        _ = try small.weights.vector("a", count: 2)
        try small.folder.resize("model.safetensors", to: before + 1)
        #expect(throws: CheckpointError.changed(file: small.file, sizeBefore: before, sizeNow: before + 1)) {
            try small.read()
        }
    }

    @Test func `a model that nobody waits for is not read`() throws {
        let small = try SmallCheckpoint([StoredTensor("a", shape: [2], [1, 2])])
        let vector = try small.weights.vector("a", count: 2)
        #expect(throws: CheckpointError.interrupted) {
            try Checkpoint.read([small.checkpoint], hashing: []) { false }
        }
        #expect(floats(vector) == [0, 0])
    }

    /// Larger than any piece, in two networks: whatever is cut is put together.
    @Test func `tensors of several megabytes arrive whole, and are hashed as they were opened`() throws {
        let folder = try TemporaryFolder()
        let rows = 37
        let columns = 20_011
        let halves = (0..<(rows * columns)).map { UInt16(truncatingIfNeeded: $0 &* 40_503) & 0x3fff }
        var files: [HashedFile] = []
        var claimed: [(checkpoint: Checkpoint, wide: PackedWeights, filter: PackedWeights)] = []
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
            let scope = checkpoint.weights(in: region)
            let filter = try scope.convolution("filter", outputs: columns, inputs: rows, kernel: 1)
            claimed.append((checkpoint, try scope.matrix("wide", rows: rows, columns: columns), filter))
            files += try checkpoint.hashedFiles(in: ".", of: folder.path)
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

    @Test func `it moves with any byte and any name, not with the folder`() throws {
        func hash(_ first: String, _ name: String) throws -> ModelHash {
            let folder = try TemporaryFolder()
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
        let folder = try TemporaryFolder()
        #expect(throws: CheckpointError.system(path: "\(folder.path)/a", call: "open", code: 2)) {
            try ModelHash(directory: folder.path, files: ["a"])
        }
    }
}
