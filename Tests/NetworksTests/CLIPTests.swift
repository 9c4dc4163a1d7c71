import FoundationEssentials
import Kernels
import Networks
import Support
import Testing

private let folder = "\(oracleFolder)/words"

private struct Golden: Decodable {
    let text_ids: [[Token]]
    let pooled: [Int]
    let logit_scale: Float
    let sizes: [String: [Int]]

    static func read() throws -> Golden {
        try JSONDecoder().decode(Golden.self, from: Data(contentsOf: URL(filePath: "\(folder)/golden/clip.json")))
    }

    static func file() throws -> TensorFile { try TensorFile(path: "\(folder)/golden/clip.safetensors") }
}

private func load(_ precision: Precision) throws -> Pretrained<CLIP> {
    startThreads()
    return try Pretrained("\(folder)/clip", precision: precision, cache: nil, while: { true })
}

private func embeddings(_ clip: CLIP, _ prompts: [[Token]], _ arena: inout Arena) throws -> Matrix {
    let y = Matrix(stored: prompts.count, by: clip.configuration.projection)
    try clip.embed(prompts, into: y, cancellation: .never, &arena)
    return y
}

/// bf16 would be 1e-2 off and more.
private let limits: [Precision: Float] = [.f32: 1e-5, .int16: 3e-3]

@Suite struct CLIPTests {
    @Test(arguments: Precision.allCases) func `reads texts as transformers does`(precision: Precision) throws {
        let (loaded, golden, file) = (try load(precision), try Golden.read(), try Golden.file())
        defer { withExtendedLifetime(loaded) {} }
        let (clip, limit) = (loaded.network, try #require(limits[precision]))
        var arena = try Arena(reserving: 1 << 30)
        let ids = golden.text_ids
        let states = Matrix(stored: ids.flatMap(\.self).count, by: clip.configuration.text.width)
        try clip.text(ids, into: states, cancellation: .never, &arena)
        #expect(Difference.relativeError(states.array, to: try file.values(of: "text")) <= limit)
        let texts = try embeddings(clip, ids, &arena)
        #expect(Difference.relativeError(texts.array, to: try file.values(of: "text_embeds")) <= limit)
        let one = Matrix(stored: 1, by: clip.configuration.projection)
        one.copy(from: texts.rows(0..<1))
        let logit = Matrix(stored: 1, by: 1)
        clip.compare(one, one, into: logit)
        #expect(abs(logit.array[0] / golden.logit_scale - 1) < 1e-6)
        // What follows the pooled place says nothing, and may be left out.
        let cut = zip(ids, golden.pooled).map { Array($0[...$1]) }
        #expect(Set(cut.map(\.count)).count > 2)
        #expect(Difference.relativeError(try embeddings(clip, cut, &arena).array, to: texts.array) <= 1e-6)
    }

    /// A square of its own size, and pictures for which the positions are interpolated.
    @Test(arguments: Precision.allCases, ["square", "larger", "flat", "smaller"])
    func `sees pictures as transformers does`(precision: Precision, name: String) throws {
        let (loaded, golden, file) = (try load(precision), try Golden.read(), try Golden.file())
        defer { withExtendedLifetime(loaded) {} }
        let (clip, limit) = (loaded.network, try #require(limits[precision]))
        let (width, projection) = (clip.configuration.vision.width, clip.configuration.projection)
        var arena = try Arena(reserving: 1 << 30)
        let pixels = try map(file, "\(name).pixel_values")
        #expect(golden.sizes[name] == [pixels.height, pixels.width])
        func expect(_ matrix: Matrix, _ tensor: String) throws {
            #expect(Difference.relativeError(matrix.array, to: try file.values(of: "\(name).\(tensor)")) <= limit)
        }
        let picture = Matrix(stored: 1, by: projection)
        try clip.embed(pixels, into: picture, patches: nil, cancellation: .never, &arena)
        try expect(picture, "image_embeds")
        let count = clip.configuration.vision.patches(of: Grid(height: pixels.height, width: pixels.width)).pixels
        let (states, values) = (Matrix(stored: 1 + count, by: width), Matrix(stored: 1 + count, by: width))
        try clip.vision(pixels, into: states, wanted: 1 + count, values: values, cancellation: .never, &arena)
        try expect(states, "vision")
        let patches = Matrix(stored: count, by: projection)
        clip.project(values.rows(1..<1 + count), into: patches, &arena)
        try expect(patches, "patches")
        patches.setUnitRows()
        try expect(patches, "patches_normalised")
        let texts = try embeddings(clip, golden.text_ids, &arena)
        let logits = Matrix(stored: texts.rows, by: 1)
        clip.compare(picture, texts, into: logits)
        try expect(logits, "logits_per_image")
        // The embedding is what the whole pass makes of the class token.
        let whole = Matrix(stored: 1, by: projection)
        clip.project(states.rows(0..<1), into: whole, &arena)
        whole.setUnitRows()
        #expect(Difference.relativeError(picture.array, to: whole.array) <= (precision == .f32 ? 1e-6 : 0))
    }

    @Test(arguments: Precision.allCases.filter(\.rowsAreIndependent))
    func `says of a text what it says of it alone, bit for bit`(precision: Precision) throws {
        let (loaded, golden) = (try load(precision), try Golden.read())
        defer { withExtendedLifetime(loaded) {} }
        var arena = try Arena(reserving: 1 << 30)
        let alone = try golden.text_ids.map { try embeddings(loaded.network, [$0], &arena).array }
        for order in [[0, 1, 2, 3, 4], [4, 2], [3, 3, 1], [2]] {
            let together = try embeddings(loaded.network, order.map { golden.text_ids[$0] }, &arena).array
            #expect(together == order.flatMap { alone[$0] })
        }
    }

    /// The rules of transformers: 2 means the largest token, another number that token's first place.
    @Test(arguments: [("2", 3), ("9", 2), ("7", 0), (nil, 0)])
    func `pools at the end that the configuration names`(end: String?, place: Int) throws {
        let copy = try TemporaryDirectory()
        let ending = end.map { ", \"eos_token_id\": \($0)" } ?? ""
        let path = try copy.write("config.json", "{\"text_config\": {\"vocab_size\": 60000\(ending)}}")
        #expect(try CLIPConfiguration(RegularFile(path: path)).pooledPosition(in: [4, 5, 9, 49000, 9]) == place)
        #expect(
            try CLIPConfiguration(RegularFile(path: path)).pooledPosition(in: [4, 49407])
                == (end == "7" || end == "9" ? 0 : 1))
    }

    @Test func `an older key's values replace the newer's`() throws {
        let copy = try TemporaryDirectory()
        let path = try copy.write(
            "config.json",
            """
            {"text_config": {"hidden_size": 512, "num_attention_heads": 4}, "text_config_dict": {"hidden_size": 64},
             "vision_config": {"patch_size": 16}, "vision_config_dict": null, "projection_dim": 7}
            """)
        let configuration = try CLIPConfiguration(RegularFile(path: path))
        #expect((configuration.text.width, configuration.text.sizes.heads) == (64, 4))
        #expect((configuration.vision.patch, configuration.vision.side, configuration.projection) == (16, 224, 7))
    }

    @Test func `looks at a cancellation before it begins`() throws {
        let (loaded, golden, file) = (try load(.f32), try Golden.read(), try Golden.file())
        defer { withExtendedLifetime(loaded) {} }
        let cancellation = Cancellation(deadline: nil)
        cancellation.cancel()
        var arena = try Arena(reserving: 1 << 30)
        let y = Matrix(stored: 1, by: loaded.network.configuration.projection)
        #expect(throws: Interruption.cancelled) {
            try loaded.network.embed(
                map(file, "square.pixel_values"), into: y, patches: nil, cancellation: cancellation, &arena)
        }
        #expect(throws: Interruption.cancelled) {
            try loaded.network.embed([golden.text_ids[0]], into: y, cancellation: cancellation, &arena)
        }
        try arena.reserve(1 << 20)
    }
}
