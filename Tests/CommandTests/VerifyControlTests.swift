import Networks
import Support
import Testing

/// What `dseg-bench verify` must notice, on copies that were tampered with.
@Suite struct VerifyControlTests {
    /// The rows that do not hold.
    private func failures(_ ending: Program.Ending) -> [String] {
        ending.text.split(separator: "\n").filter { $0.hasSuffix("  FAILED") }
            .map { String($0.prefix { $0 != " " }) }
    }

    @Test(arguments: [
        ("resize", "square"), ("vae", "mean"), ("vae", "alphas_cumprod"), ("text_encoder", "last_hidden_state"),
        ("shared_pass", "dog"),
    ])
    func `one golden value altered fails its row`(file: String, name: String) throws {
        let folder = try GoldenCopy(of: "tiny")
        try folder.rewrite("golden/\(file).safetensors") { tensors in
            try tensors.change(name) { $0.spoil() }
        }
        let ending = try folder.verify()
        #expect(ending.code == 1)
        #expect(failures(ending).contains("\(file).\(name)"))
    }

    /// Goldens of words; what is made of one that a step starts from differs too.
    @Test(arguments: [
        ["blip": ["logits", "greedy_ids"], "clip": ["logits_per_image", "patches"]],
        ["blip": ["vision"], "clip": ["image_embeds", "text_ids"], "weighted_prompts": ["a photograph of dog"]],
        ["clip": ["text_embeds"], "weighted_prompts": ["a photograph of (teddy bear)++ in the park"]],
        ["blip": ["pixel_values"], "clip": ["pixel_values"]],
    ])
    func `golden values of words altered fail their rows`(altered: [String: [String]]) throws {
        let folder = try GoldenCopy(of: "tiny-odd")
        for (file, names) in altered {
            try folder.rewrite("golden/\(file).safetensors") { tensors in
                for name in names { try tensors.change(name) { $0.spoil() } }
            }
        }
        let ending = try folder.verify()
        #expect(ending.code == 1)
        for (file, names) in altered {
            for name in names { #expect(try failed(ending, "\(file).\(name)")) }
        }
        #expect(failures(ending).allSatisfy { altered.keys.contains(String($0.prefix { $0 != "." })) })
    }

    /// Whether the one row of this name does not hold.
    private func failed(_ ending: Program.Ending, _ name: String) throws -> Bool {
        let rows = ending.text.split(separator: "\n").filter { $0.hasPrefix("\(name)  ") }
        return try #require(rows.count == 1 ? rows.first : nil).hasSuffix("  FAILED")
    }

    @Test func `first tokens of a caption altered fail what follows them`() throws {
        let folder = try GoldenCopy(of: "tiny-odd")
        try folder.rewrite("golden/blip.safetensors") { tensors in
            try tensors.change("prompt_ids") { $0.spoil() }
        }
        #expect(failures(try folder.verify()) == ["blip.logits", "blip.greedy_ids"])
    }

    /// Goldens that are compared, and others that only a step starts from: what is made of these differs.
    @Test(arguments: [
        ("iseg_voc", "context", "context"), ("iseg_voc", "cross_tokens", "cross_tokens"),
        ("iseg_voc", "affinity", "affinity"), ("iseg_voc", "iteration.3", "iteration.3"),
        ("iseg_voc", "affinity_column_max", "affinity_column_max"), ("iseg_coco", "maps", "maps"),
        ("cliper_nearest", "latent", "latent"), ("cliper_nearest", "0.1.fused.product", "0.1.fused.product"),
        ("cliper_nearest", "0.1.fused.step.1", "0.1.fused.step.1"),
        ("cliper_nearest", "seed.grid", "0.1.grid.mean"),
    ])
    func `one golden value of a recipe altered fails its row`(file: String, name: String, row: String) throws {
        let folder = try GoldenCopy(of: "tiny")
        try folder.rewrite("golden/recipes/\(file).safetensors") { tensors in
            try tensors.change(name) { $0.spoil() }
        }
        let ending = try folder.verify()
        #expect(ending.code == 1)
        #expect(failures(ending).contains("\(file).\(row)"))
        #expect(failures(ending).allSatisfy { $0.hasPrefix("\(file).") })
    }

    @Test(arguments: [("iseg_voc", "index", "index_sure"), ("iseg_coco", "index", "index_sure")])
    func `one pixel of a recipe's mask altered fails its row, where the answer is sure`(
        file: String, name: String, sure: String
    ) throws {
        let folder = try GoldenCopy(of: "tiny")
        let path = "golden/recipes/\(file).safetensors"
        let isSure = try TensorFile(path: "\(folder.path)/\(path)").bytes(of: sure)
        let (pixel, doubtful) = (try #require(isSure.firstIndex(of: 1)), try #require(isSure.firstIndex(of: 0)))
        try folder.rewrite(path) { tensors in try tensors.change(name) { $0.bytes[doubtful] ^= 1 } }
        #expect(try folder.verify().code == 0)
        try folder.rewrite(path) { tensors in try tensors.change(name) { $0.bytes[pixel] ^= 1 } }
        let ending = try folder.verify()
        #expect(ending.code == 1)
        #expect(failures(ending) == ["\(file).\(name)"])
    }

    @Test(arguments: ["iseg_voc", "cliper_nearest"])
    func `a golden of a recipe that nobody compares fails`(file: String) throws {
        let folder = try GoldenCopy(of: "tiny")
        try folder.rewrite("golden/recipes/\(file).safetensors") { tensors in
            tensors.append(StoredTensor("stray", type: "F32", shape: [1], bytes: [0, 0, 0, 0]))
        }
        let ending = try folder.verify()
        #expect(ending.code == 1)
        #expect(failures(ending) == ["\(file).stray"])
        #expect(ending.text.contains("no row"))
    }

    @Test func `a recipe's golden of which a file is missing is named`() throws {
        for ending in ["json", "safetensors"] {
            let folder = try GoldenCopy(of: "sd2")
            try folder.remove("golden/recipes/iseg_voc.\(ending)")
            let refusal = try folder.verify()
            #expect(refusal.code != 0 && refusal.output.isEmpty)
            #expect(refusal.errors.contains("golden/recipes/iseg_voc.\(ending)"), "\(refusal.errors)")
        }
    }

    @Test(arguments: ["iseg_foo", "cliper_foo", "foo", "iseg"])
    func `a golden of no recipe is named`(name: String) throws {
        let folder = try GoldenCopy(of: "sd2")
        for ending in ["json", "safetensors"] {
            try copy(
                "\(folder.path)/golden/recipes/iseg_voc.\(ending)",
                to: "\(folder.path)/golden/recipes/\(name).\(ending)")
        }
        let refusal = try folder.verify()
        #expect(refusal.code != 0 && refusal.output.isEmpty)
        #expect(refusal.errors.contains(String(name.split(separator: "_").last ?? "")), "\(refusal.errors)")
    }

    @Test func `a folder for goldens of recipes without one is refused`() throws {
        let folder = try GoldenCopy(of: "sd2")
        for file in ["iseg_voc", "cliper_bilinear"] {
            for ending in ["json", "safetensors"] { try folder.remove("golden/recipes/\(file).\(ending)") }
        }
        let refusal = try folder.verify()
        #expect(refusal.code != 0 && refusal.output.isEmpty)
        #expect(refusal.errors.contains("golden/recipes"))
        try folder.remove("golden/recipes")
        #expect(try folder.verify().code == 0)
    }

    @Test func `a golden that is no number fails its row`() throws {
        let folder = try GoldenCopy(of: "tiny-odd")
        try folder.rewrite("golden/vae.safetensors") { tensors in
            try tensors.change("mean") { $0.bytes.replaceSubrange(0..<4, with: [0, 0, 0xC0, 0x7F]) }
        }
        let ending = try folder.verify()
        #expect(ending.code == 1)
        #expect(failures(ending).contains("vae.mean"))
    }

    @Test(arguments: [
        ("tiny", "clip_tokens", "\"ids\":", 0), ("tiny-odd", "bert_tokens", "\"a photograph of dog\":", 1),
    ])
    func `a token altered fails its line`(name: String, file: String, key: String, line: Int) throws {
        let folder = try GoldenCopy(of: name)
        let path = "\(folder.path)/golden/\(file).json"
        let json = String(decoding: try bytes(path), as: UTF8.self)
        let start = try #require(json.firstRange(of: key)).upperBound
        let list = try #require(json[start...].firstIndex(of: "["))
        try write(Array((json[...list] + "7," + json[json.index(after: list)...]).utf8), to: path)
        let ending = try folder.verify()
        #expect(ending.code == 1)
        #expect(failures(ending) == ["\(file).\(line)"])
    }

    @Test(arguments: [
        ("vae/diffusion_pytorch_model.safetensors", "encoder.conv_in.weight", "vae.mean"),
        ("text_encoder/model.safetensors", "text_model.encoder.layers.0.mlp.fc1.weight", "text_encoder."),
        ("unet/diffusion_pytorch_model.safetensors", "time_embedding.linear_1.weight", "unet."),
    ])
    func `two rows of a weight swapped fail what is computed with it`(
        file: String, name: String, row: String
    ) throws {
        let folder = try GoldenCopy(of: "tiny")
        try folder.rewrite("checkpoint/\(file)") { tensors in
            try tensors.change(name) { $0.swapRows(0, 1) }
        }
        let ending = try folder.verify()
        #expect(ending.code == 1)
        #expect(failures(ending).contains { $0.hasPrefix(row) })
    }

    @Test(arguments: VerifyTests.inputs.keys.sorted().map { ("tiny", [$0]) } + [("tiny-odd", ["blip", "clip"])])
    func `a golden that nobody compares fails`(name: String, files: [String]) throws {
        let folder = try GoldenCopy(of: name)
        for file in files {
            try folder.rewrite("golden/\(file).safetensors") { tensors in
                tensors.append(StoredTensor("stray", type: "F32", shape: [1], bytes: [0, 0, 0, 0]))
            }
        }
        let ending = try folder.verify()
        #expect(ending.code == 1)
        #expect(failures(ending) == files.map { "\($0).stray" })
        #expect(ending.text.contains("no row"))
    }

    @Test(arguments: ["stray.json", "stray.safetensors"])
    func `a golden file that nobody compares fails`(file: String) throws {
        let folder = try GoldenCopy(of: "sd2")
        try write(safetensors([]), to: "\(folder.path)/golden/\(file)")
        let ending = try folder.verify()
        #expect(ending.code == 1)
        #expect(failures(ending) == ["stray"])
        #expect(ending.text.contains("no row"))
    }

    @Test func `a caption's tokens without their network's golden fail`() throws {
        let folder = try GoldenCopy(of: "tiny-odd")
        try folder.remove("golden/blip.safetensors")
        let ending = try folder.verify()
        #expect(ending.code == 1)
        #expect(failures(ending) == ["bert_tokens"])
    }

    @Test(
        arguments: VerifyTests.inputs.keys.sorted().map { ("tiny", "\($0).safetensors") } + [
            ("tiny", "clip_tokens.json"), ("tiny", "per_label.json"), ("tiny", "shared_pass.json"),
            ("tiny", "image.png"), ("tiny-odd", "bert_tokens.json"),
        ])
    func `a golden file that is missing is named`(name: String, file: String) throws {
        let folder = try GoldenCopy(of: name)
        try folder.remove("golden/\(file)")
        let ending = try folder.verify()
        #expect(ending.code != 0)
        #expect(ending.errors.contains("golden/\(file)"), "\(ending.errors)")
    }

    @Test func `a weight that is missing is named`() throws {
        let folder = try GoldenCopy(of: "tiny")
        try folder.rewrite("checkpoint/vae/diffusion_pytorch_model.safetensors") { tensors in
            tensors.removeAll { $0.name == "encoder.conv_in.bias" }
        }
        try expectRefusal(folder, "missing", "encoder.conv_in.bias")
    }

    @Test func `a weight that nobody reads is named`() throws {
        let folder = try GoldenCopy(of: "tiny-odd")
        try folder.rewrite("checkpoint/text_encoder/model.safetensors") { tensors in
            tensors.append(StoredTensor("stray.weight", type: "F32", shape: [1], bytes: [0, 0, 0, 0]))
        }
        try expectRefusal(folder, "never read", "stray.weight")
    }

    @Test func `a weight of another shape is named`() throws {
        let folder = try GoldenCopy(of: "tiny")
        try folder.rewrite("checkpoint/unet/diffusion_pytorch_model.safetensors") { tensors in
            try tensors.change("conv_in.weight") { $0.shape = [$0.shape.reduce(1, *)] }
        }
        try expectRefusal(folder, "shape", "conv_in.weight")
    }

    private func expectRefusal(_ folder: GoldenCopy, _ what: String, _ name: String) throws {
        let ending = try folder.verify()
        #expect(ending.code != 0)
        #expect(ending.output.isEmpty)
        #expect(ending.errors.contains(what))
        #expect(ending.errors.contains(name))
    }
}
