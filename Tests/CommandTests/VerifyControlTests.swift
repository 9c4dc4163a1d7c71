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
            // The highest byte of a number in the middle: its sign and most of its exponent.
            try tensors.change(name) { $0.bytes[$0.bytes.count / 8 * 4 + 3] ^= 0x81 }
        }
        let ending = try folder.verify()
        #expect(ending.code == 1)
        #expect(failures(ending).contains("\(file).\(name)"))
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

    @Test func `a token altered fails its line`() throws {
        let folder = try GoldenCopy(of: "tiny")
        let path = "\(folder.path)/golden/clip_tokens.json"
        let json = String(decoding: try bytes(path), as: UTF8.self)
        let start = try #require(json.firstRange(of: "\"ids\":")).upperBound
        let list = try #require(json[start...].firstIndex(of: "["))
        try write(Array((json[...list] + "7," + json[json.index(after: list)...]).utf8), to: path)
        let ending = try folder.verify()
        #expect(ending.code == 1)
        #expect(failures(ending) == ["clip_tokens.0"])
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

    @Test(arguments: VerifyTests.inputs.keys.sorted())
    func `a golden that nobody compares fails`(file: String) throws {
        let folder = try GoldenCopy(of: "tiny")
        try folder.rewrite("golden/\(file).safetensors") { tensors in
            tensors.append(StoredTensor("stray", type: "F32", shape: [1], bytes: [0, 0, 0, 0]))
        }
        let ending = try folder.verify()
        #expect(ending.code == 1)
        #expect(failures(ending) == ["\(file).stray"])
        #expect(ending.text.contains("no row"))
    }

    @Test(
        arguments: VerifyTests.inputs.keys.sorted().map { "\($0).safetensors" } + [
            "clip_tokens.json", "per_label.json", "shared_pass.json", "image.png",
        ])
    func `a golden file that is missing is named`(file: String) throws {
        let folder = try GoldenCopy(of: "tiny")
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
