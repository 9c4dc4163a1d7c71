import Networks
import Support
import Testing

/// `dseg-bench verify --full` on networks of words: small ones, whose goldens are as those of full-size ones.
@Suite struct VerifyWordTests {
    /// A copy whose folder `words` has the goldens of `checkpoint/blip.2`, a captioner, and of `checkpoint/any`, a
    /// filter.
    private func copied() throws -> GoldenCopy {
        let folder = try GoldenCopy(of: "tiny-odd")
        try folder.move("checkpoint/blip", to: "checkpoint/blip.2")
        try folder.move("checkpoint/clip", to: "checkpoint/any")
        let goldens = "\(folder.path)/golden"
        let tensors =
            try tensors("\(goldens)/blip.safetensors", as: "blip.2")
            + tensors("\(goldens)/clip.safetensors", as: "any")
        try folder.makeFolder("words")
        try write(safetensors(tensors), to: "\(folder.path)/words/words.safetensors")
        try copy("\(goldens)/image.png", to: "\(folder.path)/words/image.png")
        return folder
    }

    /// The tensors of a small network's golden as a full-size one has them: every 48th row of a captioner's states,
    /// every 16th of a filter's, every 16th logit of the last position.
    private func tensors(_ path: String, as network: String) throws -> [StoredTensor] {
        let file = try TensorFile(path: path)
        return try file.header.tensors.map { tensor in
            let (name, width) = ("\(network).\(tensor.name)", tensor.shape.last ?? 1)
            switch tensor.name {
            case "vision", "patches":
                let values = try file.values(of: tensor.name)
                let starts = stride(from: 0, to: values.count, by: (tensor.name == "vision" ? 48 : 16) * width)
                let rows = starts.map { values[$0..<$0 + width] }
                return StoredTensor(name, shape: [rows.count, width], rows.flatMap(\.self))
            case "logits":
                let last = Array(try file.values(of: tensor.name).suffix(width))
                let some = stride(from: 0, to: width, by: 16).map { last[$0] }
                return StoredTensor(name, shape: [some.count], some)
            default:
                return StoredTensor(
                    name, type: "\(tensor.type.word)", shape: tensor.shape, bytes: try file.bytes(of: tensor.name))
            }
        }
    }

    private func verify(_ folder: GoldenCopy, _ precision: String = "f32") throws -> Program.Ending {
        try run([
            Repository.dsegBench, "verify", "\(folder.path)/words", "--full", "\(folder.path)/checkpoint",
            "--precision", precision,
        ])
    }

    private func rows(_ ending: Program.Ending) -> [String] { ending.text.split(separator: "\n").map(String.init) }

    /// The names of the rows that do not hold.
    private func failures(_ ending: Program.Ending) -> [String] {
        rows(ending).filter { $0.hasSuffix("  FAILED") }.map { String($0.prefix { $0 != " " }) }
    }

    @Test func `networks of any names agree with their goldens, a row for each`() throws {
        let folder = try copied()
        let ending = try verify(folder)
        #expect(ending.code == 0 && ending.errors == "")
        #expect(rows(ending).allSatisfy { $0.hasSuffix("  ok") })
        let expected = [
            "any.image_embeds", "any.logits_per_image", "any.patches", "any.pixel_values", "any.text_embeds",
            "blip.2.greedy_ids", "blip.2.logits", "blip.2.pixel_values", "blip.2.vision",
        ]
        #expect(rows(ending).map { String($0.prefix { $0 != " " }) }.sorted() == expected.map { "words.\($0)" })
    }

    /// Tokens that a network starts from are not compared, but what is made of them.
    @Test(arguments: [
        ("any.pixel_values", "any.pixel_values"), ("any.image_embeds", "any.image_embeds"),
        ("any.text_embeds", "any.text_embeds"), ("any.logits_per_image", "any.logits_per_image"),
        ("any.patches", "any.patches"), ("any.text_ids", "any.text_embeds"),
        ("blip.2.pixel_values", "blip.2.pixel_values"), ("blip.2.vision", "blip.2.vision"),
        ("blip.2.logits", "blip.2.logits"), ("blip.2.greedy_ids", "blip.2.greedy_ids"),
        ("blip.2.prompt_ids", "blip.2.logits"),
    ])
    func `one golden value altered fails its row`(name: String, row: String) throws {
        let folder = try copied()
        try folder.rewrite("words/words.safetensors") { tensors in try tensors.change(name) { $0.spoil() } }
        let ending = try verify(folder)
        #expect(ending.code == 1)
        #expect(failures(ending).contains("words.\(row)"))
        let network = try #require(name.lastIndex(of: "."))
        #expect(failures(ending).allSatisfy { $0.hasPrefix("words.\(name[...network])") })
    }

    @Test(arguments: ["any.stray", "blip.2.stray", "blip.stray", "stray"])
    func `a golden that nobody compares fails`(name: String) throws {
        let folder = try copied()
        try folder.rewrite("words/words.safetensors") { tensors in
            tensors.append(StoredTensor(name, shape: [1], [0]))
        }
        let ending = try verify(folder)
        #expect(ending.code == 1)
        #expect(failures(ending) == ["words.\(name)"])
        #expect(ending.text.contains("no row"))
    }

    @Test(arguments: ["golden.json", "golden.safetensors"])
    func `a golden file that nobody compares fails`(file: String) throws {
        let folder = try copied()
        try write(safetensors([]), to: "\(folder.path)/words/\(file)")
        let ending = try verify(folder)
        #expect(ending.code == 1)
        #expect(failures(ending) == ["golden"])
    }

    @Test(arguments: [
        ("checkpoint/any", "checkpoint/any is missing"), ("checkpoint/blip.2", "checkpoint/blip.2 is missing"),
        ("checkpoint/any/config.json", "checkpoint/any is a folder without a config.json"),
        ("checkpoint/blip.2/model.safetensors", "checkpoint/blip.2 has neither model.safetensors"),
        ("checkpoint/any/preprocessor_config.json", "checkpoint/any/preprocessor_config.json"),
        ("words/image.png", "words/image.png"),
    ])
    func `what is missing is said in one sentence`(file: String, sentence: String) throws {
        let folder = try copied()
        try folder.remove(file)
        let ending = try verify(folder)
        #expect(ending.code != 0 && ending.output.isEmpty)
        #expect(ending.errors.contains("\(folder.path)/\(sentence)"), "\(ending.errors)")
        #expect(ending.errors.split(separator: "\n").count == 1, "\(ending.errors)")
    }

    /// A copy in which the caption's last token has a twin, a word with the same embedding and bias, which ends the
    /// golden in its place.
    private func copiedWithTwin() throws -> GoldenCopy {
        let folder = try copied()
        let path = "words/words.safetensors"
        var (last, twin) = (0, 0)
        try folder.rewrite(path) { tensors in
            try tensors.change("blip.2.greedy_ids") { ids in
                last = Int(ids.bytes[ids.bytes.count - 4])
                twin = last + (last % 16 == 15 ? 2 : 1)
                ids.bytes[ids.bytes.count - 4] = UInt8(twin)
            }
        }
        try folder.rewrite("checkpoint/blip.2/model.safetensors") { tensors in
            for name in ["bert.embeddings.word_embeddings.weight", "cls.predictions.bias"] {
                try tensors.change("text_decoder.\(name)") { $0.copyRow(last, to: twin) }
            }
        }
        return folder
    }

    private func row(_ ending: Program.Ending) throws -> String {
        try #require(rows(ending).first { $0.hasPrefix("words.blip.2.greedy_ids ") })
    }

    @Test func `in fixed point a caption may go another way only where two words are as good`() throws {
        let folder = try copied()
        #expect(try row(verify(folder, "int16")).hasSuffix("  ok"))
        try folder.rewrite("words/words.safetensors") { tensors in
            try tensors.change("blip.2.greedy_ids") { $0.bytes[$0.bytes.count - 4] ^= 1 }
        }
        let other = try row(verify(folder, "int16"))
        #expect(other.contains("tie") && other.hasSuffix("  FAILED"))
        let twins = try copiedWithTwin()
        let tie = try row(verify(twins, "int16"))
        #expect(tie.contains("tie 0") && tie.hasSuffix("  ok"))
        let exact = try row(verify(twins))
        #expect(exact.contains("differs") && exact.hasSuffix("  FAILED"))
    }

    @Test func `in fixed point a caption of other first words fails`() throws {
        let folder = try copied()
        try folder.rewrite("words/words.safetensors") { tensors in
            try tensors.change("blip.2.greedy_ids") { $0.spoil() }
        }
        let row = try row(verify(folder, "int16"))
        #expect(row.contains("differs") && row.hasSuffix("  FAILED"))
    }
}
