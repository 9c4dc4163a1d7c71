import FoundationEssentials
import Kernels
import Networks
import Support
import Testing

private let single = "model.safetensors"
private let half = "model.fp16.safetensors"

private func open(_ folder: TemporaryDirectory) throws(CheckpointError) -> Checkpoint {
    try Checkpoint(directory: folder.path, stem: "model", component: "unet")
}

@Suite struct `walking a checkpoint` {
    @Test func `a path is walked by names and numbers, and f32 keeps the file's order`() throws {
        let small = try SmallCheckpoint([
            StoredTensor("down.1.bias", shape: [3], [1, 2, 3]),
            StoredTensor("down.1.weight", shape: [2, 3], [1, 2, 3, 4, 5, 6]),
            StoredTensor("proj.weight", shape: [2, 2, 1, 1], [1, 2, 3, 4]),
            StoredTensor("conv.weight", shape: [1, 2, 2, 2], [0, 1, 2, 3, 10, 11, 12, 13]),
        ])
        let level = small.weights["down"][1]
        let bias = try level.floats("bias", shape: [3])
        let matrix = try level.matrix("weight", outputs: 2, inputs: 3)
        let projection = try small.weights["proj"].matrix("weight", outputs: 2, inputs: 2)
        let convolution = try small.weights.matrix(
            "conv.weight", outputs: 1, inputs: 2, window: .sliding(2))
        try small.checkpoint.settle { _ in false }
        #expect(floats(bias) == [0, 0, 0], "claiming reads nothing")
        try small.read()
        #expect(bias.count == 3)
        #expect(floats(bias) == [1, 2, 3])
        #expect((matrix.rows, matrix.columns) == (2, 3))
        #expect(floats(matrix) == [1, 2, 3, 4, 5, 6])
        #expect(floats(projection) == [1, 2, 3, 4])
        #expect((convolution.rows, convolution.columns) == (1, 8))
        #expect(floats(convolution) == [0, 1, 2, 3, 10, 11, 12, 13])
        #expect(small.region.bytesUsed <= small.checkpoint.packedBytes)
    }

    @Test func `an outermost name may be there or not`() throws {
        for prefix in ["", "text_model."] {
            let small = try SmallCheckpoint([StoredTensor("\(prefix)norm.bias", shape: [1], [7])])
            let text = small.weights.entering(ifPresent: "text_model")
            #expect(text["norm"].has("bias"))
            #expect(!text["norm"].has("weight"))
            let bias = try text["norm"].floats("bias", shape: [1])
            try small.read()
            #expect(floats(bias) == [7])
        }
    }

    @Test func `what is missing, misshapen, no number or read twice is named in full`() throws {
        let small = try SmallCheckpoint([
            StoredTensor("a.weight", shape: [2, 1], [1, 2]),
            StoredTensor("ids", type: "I64", shape: [1], bytes: [0, 0, 0, 0, 0, 0, 0, 0]),
        ])
        #expect(throws: CheckpointError.missing(tensor: "unet.a.bias")) {
            try small.weights["a"].floats("bias", shape: [2])
        }
        #expect(
            throws: CheckpointError.shape(tensor: "unet.a.weight", found: [2, 1], expected: [1, 2])
        ) {
            try small.weights["a"].matrix("weight", outputs: 1, inputs: 2)
        }
        #expect(
            throws: CheckpointError.shape(
                tensor: "unet.a.weight", found: [2, 1], expected: [2, 1, 1, 1])
        ) {
            try small.weights["a"].matrix("weight", outputs: 2, inputs: 1, window: .sliding(1))
        }
        #expect(throws: CheckpointError.elementType(tensor: "unet.ids", found: "I64")) {
            try small.weights.floats("ids", shape: [1])
        }
        _ = try small.weights.matrix("a.weight", outputs: 2, inputs: 1)
        #expect(throws: CheckpointError.readTwice(tensor: "unet.a.weight")) {
            try small.weights["a"].matrix("weight", outputs: 2, inputs: 1)
        }
    }

    @Test func `errors are sentences that carry what was found and what was expected`() {
        let shape = CheckpointError.shape(
            tensor: "unet.conv_in.weight", found: [320, 4, 3, 3], expected: [320, 9, 3, 3])
        #expect(
            "\(shape)"
                == #"shape [320, 4, 3, 3], expected [320, 9, 3, 3] at "unet.conv_in.weight""#)
        #expect("\(CheckpointError.missing(tensor: "unet.a"))" == #"missing "unet.a""#)
        #expect(
            "\(CheckpointError.neverRead(first: ["unet.a", "unet.b"], count: 9))"
                == #"never read: "unet.a", "unet.b" and 7 more"#)
    }

    @Test func `what nobody read is named, five at most, unless it is exempt`() throws {
        let small = try SmallCheckpoint((0..<9).map { StoredTensor("t\($0)", shape: [1], [0]) })
        _ = try small.weights.floats("t0", shape: [1])
        #expect(
            throws: CheckpointError.neverRead(
                first: (1...5).map { "unet.t\($0)" }, count: 8)
        ) {
            try small.checkpoint.settle { _ in false }
        }
        #expect(throws: CheckpointError.neverRead(first: ["unet.t8"], count: 1)) {
            try small.checkpoint.settle { $0 != "t8" }
        }
        try small.checkpoint.settle { _ in true }
    }

    @Test func `a region that is too small is an error, not a write past its end`() throws {
        let folder = try TemporaryDirectory()
        try folder.write(
            single, safetensors([StoredTensor("a", shape: [33], [Float](repeating: 1, count: 33))]))
        let weights = try open(folder).weights(in: WeightRegion(capacity: 128), precision: .f32)
        #expect(throws: CheckpointError.region(WeightRegionError(wanted: 192, left: 128))) {
            try weights.floats("a", shape: [33])
        }
    }
}

@Suite struct `choosing the files of a checkpoint` {
    private func files(_ names: String...) throws -> [String] {
        let folder = try TemporaryDirectory()
        for name in names {
            if name.hasSuffix(".json") {
                try folder.write(name, #"{"weight_map":{"a":"shard.safetensors"}}"#)
            } else {
                try folder.write(name, safetensors([StoredTensor("a", shape: [1], [1])]))
            }
        }
        return try open(folder).files
    }

    @Test func `half precision goes before full, one file before shards`() throws {
        let index = "model.safetensors.index.json"
        #expect(try files(single) == [single])
        #expect(try files(single, half) == [half])
        #expect(try files(single, "shard.safetensors", index) == [single])
        #expect(try files("shard.safetensors", index) == [index, "shard.safetensors"])
        for spelling in ["model.fp16.safetensors.index.json", "model.safetensors.index.fp16.json"] {
            #expect(
                try files(single, "shard.safetensors", spelling) == [spelling, "shard.safetensors"])
        }
        #expect(try files(single, "model.bin", "other.safetensors") == [single])
    }

    @Test func `a folder of pickles is refused with the command that converts them`() throws {
        let folder = try TemporaryDirectory()
        try folder.write("model.bin", "PK")
        let error = #expect(throws: CheckpointError.self) { try open(folder) }
        let sentence = "\(error, default: "")"
        #expect(sentence.hasPrefix("\(folder.path)/model.bin is a pickle, which can run code when read; "))
        #expect(sentence.split(separator: "\n").count == 1)
    }

    @Test func `a folder without weights, and no folder, are refused`() throws {
        let folder = try TemporaryDirectory()
        #expect(throws: CheckpointError.noWeights(directory: folder.path, stem: "model")) {
            try open(folder)
        }
        #expect(throws: CheckpointError.system(path: "/no/folder", call: "open", code: 2)) {
            try Checkpoint(directory: "/no/folder", stem: "model", component: "unet")
        }
    }

    @Test func `what is no folder in the diffusers layout says so, and what to do`() throws {
        func refusal(_ path: String) throws -> String {
            "\(try #require(throws: CheckpointError.self) { try StableDiffusionFiles(ModelSource(path)) })"
        }
        let folder = try TemporaryDirectory()
        for network in ["unet", "text_encoder", "vae"] {
            let sentence = try refusal(folder.path)
            #expect(sentence.hasPrefix("there is no folder \(folder.path)/\(network): "))
            #expect(sentence.hasSuffix("diffusers layout, with unet, vae and text_encoder in it"))
            for name in ["b.safetensors", "a.ckpt"] {
                let whole = try folder.write(name, [0])
                #expect(try refusal(folder.path).hasSuffix("in it, or a single file: name \(whole)"))
                #expect(try refusal(whole).hasPrefix(whole))
                try FileManager.default.removeItem(atPath: whole)
            }
            try FileManager.default.createDirectory(
                atPath: "\(folder.path)/\(network)", withIntermediateDirectories: true)
        }
        #expect(try refusal(folder.path).contains("diffusion_pytorch_model.safetensors"))
        #expect(
            try refusal("/no/folder")
                == "there is no file or folder /no/folder; name the one that the model lies in")
    }

    @Test func `a folder of another kind is named for what it is, and a cache's for where its model lies`() throws {
        func refusal(_ folder: TemporaryDirectory) throws -> String {
            "\(try #require(throws: CheckpointError.self) { try StableDiffusionFiles(ModelSource(folder.path)) })"
        }
        for name in ["FluxPipeline", "OnnxStableDiffusionPipeline", "FlaxStableDiffusionPipeline"] {
            let folder = try TemporaryDirectory()
            try folder.write("model_index.json", #"{"_class_name": "\#(name)"}"#)
            #expect(
                try refusal(folder).hasPrefix("\(folder.path) is a model for diffusers' \(name); name the folder of "))
        }
        let cache = try TemporaryDirectory()
        for name in ["blobs", "refs", "snapshots/0a1b"] {
            try FileManager.default.createDirectory(
                atPath: "\(cache.path)/\(name)", withIntermediateDirectories: true)
        }
        #expect(
            try refusal(cache)
                == "\(cache.path) is a model's folder in a Hugging Face cache; name \(cache.path)/snapshots/0a1b")
    }

    @Test func `weights of training alone are read where there are no averages`() throws {
        let folder = try TemporaryDirectory()
        let tensors = safetensors([StoredTensor("a", shape: [1], [1])])
        try folder.write("model.non_ema.safetensors", tensors)
        #expect(try open(folder).files == ["model.non_ema.safetensors"])
        try folder.write(single, tensors)
        #expect(try open(folder).files == [single])
    }

    @Test func `only another variant, or only shards, says what is there and what to do`() throws {
        let folder = try TemporaryDirectory()
        func refusal() throws -> String { "\(try #require(throws: CheckpointError.self) { try open(folder) })" }
        try folder.write("model.bf16.safetensors", safetensors([]))
        #expect(
            try refusal()
                == """
                \(folder.path) has no model.safetensors, but model.bf16.safetensors, another variant of the weights; \
                to use that, type: ln -s 'model.bf16.safetensors' '\(folder.path)/model.safetensors'
                """)
        try folder.write("model-00001-of-00002.safetensors", safetensors([]))
        #expect(
            try refusal()
                == """
                \(folder.path) has model-00001-of-00002.safetensors and no model.safetensors.index.json, \
                which says what lies in each shard: fetch that too
                """)
        try folder.write("pytorch_model.bin", "PK")
        #expect(try refusal().contains("pytorch_model.bin is a pickle"))
        try folder.write(single, safetensors([StoredTensor("a", shape: [1], [1])]))
        #expect(try open(folder).files == [single], "the plain name wins")
    }

    private func shards(_ map: String, _ shards: [String: [String]]) throws -> TemporaryDirectory {
        let folder = try TemporaryDirectory()
        try folder.write("model.safetensors.index.json", map)
        for (name, tensors) in shards {
            try folder.write(
                name, safetensors(tensors.map { StoredTensor($0, shape: [1], [1]) }))
        }
        return folder
    }

    @Test func `shards must hold what the index says, once and no more`() throws {
        let map = #"{"weight_map":{"a":"1.safetensors","b":"2.safetensors"}}"#
        let whole = try shards(map, ["1.safetensors": ["a"], "2.safetensors": ["b"]])
        #expect(try open(whole).files.count == 3)

        let twice = try shards(map, ["1.safetensors": ["a", "b"], "2.safetensors": ["b"]])
        #expect(
            throws: CheckpointError.inTwoShards(
                tensor: "unet.b", first: "\(twice.path)/1.safetensors",
                second: "\(twice.path)/2.safetensors")
        ) { try open(twice) }

        let more = try shards(map, ["1.safetensors": ["a"], "2.safetensors": ["b", "c"]])
        #expect(
            throws: CheckpointError.notInIndex(
                tensor: "unet.c", shard: "\(more.path)/2.safetensors")
        ) { try open(more) }

        let less = try shards(map, ["1.safetensors": ["a"], "2.safetensors": []])
        #expect(
            throws: CheckpointError.notInShard(
                tensor: "unet.b", shard: "\(less.path)/2.safetensors")
        ) { try open(less) }

        let swapped = try shards(map, ["1.safetensors": ["b"], "2.safetensors": ["a"]])
        #expect(
            throws: CheckpointError.notInIndex(
                tensor: "unet.a", shard: "\(swapped.path)/2.safetensors")
        ) { try open(swapped) }

        let gone = try shards(map, ["1.safetensors": ["a"]])
        #expect(
            throws: CheckpointError.system(
                path: "\(gone.path)/2.safetensors", call: "open", code: 2)
        ) { try open(gone) }
    }

    @Test(arguments: [
        "/etc/a.safetensors", "../a.safetensors", "b/a.safetensors", "", ".", "..",
        ".safetensors", "a.bin", "a.safetensors\\u0000.safetensors",
    ])
    func `a shard that is not a plain name is refused before it is opened`(name: String) throws {
        let folder = try shards(#"{"weight_map":{"a":"\#(name)"}}"#, [:])
        let error = #expect(throws: CheckpointError.self) { try open(folder) }
        guard case .index = error else {
            Issue.record("\(String(describing: error))")
            return
        }
    }

    @Test(arguments: [
        " ", "[]", "{}", #"{"weight_map":{}}"#, #"{"weight_map":{"a":1}}"#, #"{"weight_map":[]}"#,
        #"{"weight_map":"#, String(repeating: "[", count: 100_000),
    ])
    func `an index that maps nothing is refused`(text: String) throws {
        let folder = try shards(text, [:])
        let file = "\(folder.path)/model.safetensors.index.json"
        let error = #expect(throws: CheckpointError.self) { try open(folder) }
        guard case .index(file, _) = error else {
            Issue.record("\(String(describing: error))")
            return
        }
    }
}

@Suite struct `real checkpoints` {
    @Test(arguments: [("tiny", 686), ("tiny-odd", 326)])
    func `every tensor of a checkpoint, whole or in shards, is read once and right`(
        fixture: String, count: Int
    ) throws {
        let directory = "\(oracleFolder)/\(fixture)/checkpoint/unet"
        let checkpoint = try Checkpoint(
            directory: directory, stem: "diffusion_pytorch_model", component: "unet")
        let region = try WeightRegion(capacity: checkpoint.packedBytes)
        let weights = checkpoint.weights(in: region, precision: .f32)
        var checks: [() -> Void] = []
        for file in checkpoint.files where file.hasSuffix(".safetensors") {
            let contents = try TensorFile(path: "\(directory)/\(file)")
            for tensor in contents.header.tensors {
                let stored = try contents.values(of: tensor.name)
                let shape = tensor.shape
                switch shape.count {
                case 1:
                    let vector = try weights.floats(tensor.name, shape: [shape[0]])
                    checks.append { #expect(floats(vector) == stored) }
                case 2:
                    let matrix = try weights.matrix(tensor.name, outputs: shape[0], inputs: shape[1])
                    checks.append { #expect(floats(matrix) == stored) }
                default:
                    let kernels = try weights.matrix(
                        tensor.name, outputs: shape[0], inputs: shape[1], window: .sliding(shape[2]))
                    checks.append { #expect(floats(kernels) == stored) }
                }
            }
        }
        try readAll(checkpoint)
        for check in checks { check() }
        #expect(checks.count == count)
        try checkpoint.settle { _ in false }
        #expect(region.bytesUsed <= checkpoint.packedBytes)
    }
}
