import FoundationEssentials
import Kernels
import Networks
import Support
import Testing

private let folder = "\(oracleFolder)/words"

/// The goldens of a BLIP: what the JSON says, and tensors.
private struct Golden {
    struct Caption: Decodable {
        let ids: [Token]
    }

    private struct Contents: Decodable {
        let prompts: [String: [Token]]
        let max_length: Int
        let pictures: [String: [String: Caption]]
    }

    private let contents: Contents
    let file: TensorFile
    var limit: Int { contents.max_length }
    var pictures: [String] { contents.pictures.keys.sorted() }

    init(_ name: String) throws {
        let json = try Data(contentsOf: URL(filePath: "\(folder)/golden/\(name).json"))
        contents = try JSONDecoder().decode(Contents.self, from: json)
        file = try TensorFile(path: "\(folder)/golden/\(name).safetensors")
    }

    /// Of a picture: its captions, by what they begin with.
    func captions(_ picture: String) -> [(name: String, prompt: [Token], ids: [Token])] {
        (contents.pictures[picture] ?? [:]).sorted { $0.key < $1.key }.map { name, caption in
            (name, contents.prompts[name] ?? [], caption.ids)
        }
    }

    func pixels(_ picture: String) throws -> FeatureMap { try map(file, "\(picture).pixel_values") }
}

/// Pixel values `[1, 3, H, W]` as a map.
func map(_ file: TensorFile, _ name: String) throws -> FeatureMap {
    let shape = try #require(file.header.tensors.first { $0.name == name }?.shape)
    let matrix = Matrix(stored: shape[2] * shape[3], by: shape[1])
    matrix.interleave(try file.values(of: name))
    return FeatureMap(matrix, height: shape[2], width: shape[3])
}

private func load(_ name: String, _ precision: Precision) throws -> Pretrained<BLIP> {
    startThreads()
    return try Pretrained("\(folder)/\(name)", precision: precision, cache: nil, while: { true })
}

/// A picture's states.
private func states(_ blip: BLIP, _ pixels: FeatureMap, _ arena: inout Arena) throws -> Matrix {
    let grid = blip.vision.configuration.patches(of: Grid(height: pixels.height, width: pixels.width))
    let states = Matrix(stored: 1 + grid.pixels, by: blip.vision.configuration.width)
    try blip.look(at: pixels, into: states, cancellation: .never, &arena)
    return states
}

/// The logits of what follows each token from the last of the prompt on, read at once or one after the other.
private func logits(
    _ blip: BLIP, _ states: Matrix, prompt: Int, of tokens: [Token], atOnce: Bool, _ arena: inout Arena
) throws -> [Float] {
    try arena.scope { arena in
        let text = blip.configuration.text
        var reading = try blip.decoder.reading(states, limit: tokens.count, cancellation: .never, &arena)
        let logits = arena.matrix(rows: tokens.count, columns: text.vocabularyCount)
        var rest = tokens[...]
        while !rest.isEmpty {
            let now = atOnce ? rest.count : rest.startIndex == 0 ? prompt : 1
            let read = arena.matrix(rows: now, columns: text.width)
            try blip.decoder.read(Array(rest.prefix(now)), &reading, into: read, cancellation: .never, &arena)
            blip.decoder.score(read, into: logits.rows(rest.startIndex..<rest.startIndex + now), &arena)
            rest = rest.dropFirst(now)
        }
        return logits.rows(prompt - 1..<tokens.count).array
    }
}

@Suite struct BLIPTests {
    /// bf16 would be 1e-2 off and more.
    static let limits: [Precision: Float] = [.f32: 1e-5, .int16: 3e-3]

    @Test(arguments: ["blip-untied", "blip-tied"], Precision.allCases)
    func `sees and says what transformers does`(name: String, precision: Precision) throws {
        let (loaded, golden) = (try load(name, precision), try Golden(name))
        defer { withExtendedLifetime(loaded) {} }
        let (blip, limit) = (loaded.network, try #require(Self.limits[precision]))
        var arena = try Arena(reserving: 1 << 30)
        #expect(!golden.pictures.isEmpty)
        for picture in golden.pictures {
            let states = try states(blip, golden.pixels(picture), &arena)
            let vision = try golden.file.values(of: "\(picture).vision")
            #expect(Difference.relativeError(states.array, to: vision) <= limit)
            #expect(golden.captions(picture).map(\.name) == ["caption", "prefix"])
            for (caption, prompt, ids) in golden.captions(picture) {
                let ours = try blip.caption(
                    continuing: prompt, of: states, limit: golden.limit, end: blip.configuration.text.end,
                    cancellation: .never, &arena)
                #expect(ours == ids)
                let expected = try golden.file.values(of: "\(picture).\(caption)_logits")
                for atOnce in [false, true] {
                    let found = try logits(
                        blip, states, prompt: prompt.count, of: ids.dropLast(), atOnce: atOnce, &arena)
                    #expect(Difference.relativeError(found, to: expected) <= limit)
                }
            }
        }
    }

    @Test func `ends where its tokens end, and not at the eos_token_id of published files`() throws {
        let (loaded, golden) = (try load("blip-untied", .f32), try Golden("blip-untied"))
        defer { withExtendedLifetime(loaded) {} }
        var arena = try Arena(reserving: 1 << 30)
        let text = loaded.network.configuration.text
        let whole = try #require(golden.captions("ended").first?.ids)
        #expect(whole.last == text.end && whole.contains(2) && text.end != 2)
        let states = try states(loaded.network, golden.pixels("ended"), &arena)
        for limit in 1...whole.count {
            let ours = try loaded.network.caption(
                continuing: [text.start], of: states, limit: limit, end: text.end, cancellation: .never, &arena)
            #expect(ours == Array(whole.prefix(limit)))
        }
    }

    @Test func `says nothing more where the beginning fills the limit`() throws {
        let (loaded, golden) = (try load("blip-tied", .f32), try Golden("blip-tied"))
        defer { withExtendedLifetime(loaded) {} }
        var arena = try Arena(reserving: 1 << 30)
        let states = try states(loaded.network, golden.pixels("cut"), &arena)
        let beginning = [loaded.network.configuration.text.start] + [Token](repeating: 7, count: 20)
        let ours = try loaded.network.caption(
            continuing: beginning, of: states, limit: 11, end: nil, cancellation: .never, &arena)
        #expect(ours == beginning)
    }

    @Test func `looks at a cancellation before it begins, and leaves the arena as it found it`() throws {
        let (loaded, golden) = (try load("blip-tied", .f32), try Golden("blip-tied"))
        defer { withExtendedLifetime(loaded) {} }
        var arena = try Arena(reserving: 1 << 30)
        let pixels = try golden.pixels("cut")
        let seen = try states(loaded.network, pixels, &arena)
        let cancellation = Cancellation(deadline: nil)
        cancellation.cancel()
        #expect(throws: Interruption.cancelled) {
            try loaded.network.look(at: pixels, into: seen, cancellation: cancellation, &arena)
        }
        #expect(throws: Interruption.cancelled) {
            try loaded.network.caption(
                continuing: [1], of: seen, limit: 11, end: nil, cancellation: cancellation, &arena)
        }
        try arena.reserve(1 << 20)
    }

    /// `decoder.bias` counts; the other is read by nobody, and may be absent.
    @Test func `takes the decoder's bias of two`() throws {
        let tensors = try StoredTensor.all(of: "\(folder)/blip-tied/model.safetensors")
        let name = "text_decoder.cls.predictions.bias"
        #expect(tensors.contains { $0.name == name })
        func logits(_ tensors: [StoredTensor]) throws -> [Float] {
            let copy = try TemporaryDirectory()
            try copy.write("model.safetensors", safetensors(tensors))
            try copy.write("config.json", Array(Data(contentsOf: URL(filePath: "\(folder)/blip-tied/config.json"))))
            startThreads()
            let loaded = try Pretrained<BLIP>(copy.path, precision: .f32, cache: nil, while: { true })
            var arena = try Arena(reserving: 1 << 30)
            let states = try states(loaded.network, Golden("blip-tied").pixels("cut"), &arena)
            return try NetworksTests.logits(loaded.network, states, prompt: 1, of: [1], atOnce: true, &arena)
        }
        let both = try logits(tensors)
        #expect(try logits(tensors.filter { $0.name != name }) == both)
        #expect(try logits(tensors.filter { $0.name != "text_decoder.cls.predictions.decoder.bias" }) != both)
    }
}
