import Kernels
import Networks
import Support
import Testing

/// Of `Fixtures/cliper`: each CLIP, and its folder.
private let cases = [("words", "words/clip"), ("tiny-odd", "tiny-odd/checkpoint/clip")]

/// What a CLIP's layers leave of the golden's picture.
private final class Fusion {
    let clip: CLIP
    let file: TensorFile
    let pixels: FeatureMap
    let attention: Matrix
    let inputs: Matrix
    private let loaded: Pretrained<CLIP>

    var layers: Int { clip.configuration.vision.sizes.layers }
    var rows: Int { attention.columns }

    init(_ name: String, _ folder: String, _ precision: Precision) throws {
        startThreads()
        loaded = try Pretrained("\(oracleFolder)/\(folder)", precision: precision, cache: nil, while: { true })
        clip = loaded.network
        file = try TensorFile(path: "\(oracleFolder)/cliper/\(name).safetensors")
        let shape = try #require(file.header.tensors.first { $0.name == "pixel_values" }).shape
        let matrix = Matrix(stored: shape[0] * shape[1], by: 3)
        matrix.fill(try file.values(of: "pixel_values"))
        pixels = FeatureMap(matrix, height: shape[0], width: shape[1])
        let sizes = clip.configuration.vision.sizes
        let rows = 1 + clip.configuration.vision.patches(of: Grid(height: shape[0], width: shape[1])).pixels
        attention = Matrix(stored: sizes.heads * rows, by: rows)
        inputs = Matrix(stored: sizes.layers * rows, by: sizes.width)
    }

    func input(_ layer: Int) -> Matrix { inputs.rows(layer * rows..<(layer + 1) * rows) }

    func error(_ matrix: Matrix, _ tensor: String) throws -> Float {
        Difference.relativeError(matrix.array, to: try file.values(of: tensor))
    }
}

@Suite struct EarlyFusionTests {
    @Test(arguments: cases)
    func `layers leave what transformers' do`(name: String, folder: String) throws {
        var arena = try Arena(reserving: 1 << 30)
        for (precision, limit) in [(Precision.f32, Float(1e-5)), (.int16, 5e-3)] {
            let fusion = try Fusion(name, folder, precision)
            try fusion.clip.vision.gather(
                fusion.pixels, attention: fusion.attention, inputs: fusion.inputs, cancellation: .never, &arena)
            #expect(try fusion.error(fusion.attention, "attention") <= limit)
            #expect(try fusion.error(fusion.inputs, "inputs") <= limit)
        }
    }

    /// Each round from the golden of the one before.
    @Test(arguments: cases)
    func `each round of fusion is the authors'`(name: String, folder: String) throws {
        let fusion = try Fusion(name, folder, .f32)
        var arena = try Arena(reserving: 1 << 30)
        fusion.inputs.fill(try fusion.file.values(of: "inputs"))
        let (y, links) = (
            Matrix(stored: fusion.rows, by: fusion.inputs.columns), Matrix(stored: fusion.rows, by: fusion.rows)
        )
        var before = "attention"
        for layer in 0..<fusion.layers {
            fusion.attention.fill(try fusion.file.values(of: before))
            fusion.clip.vision.fuse(fusion.input(layer), by: fusion.attention, into: y, links: links, &arena)
            for (matrix, step) in [(fusion.attention, "balanced"), (links, "links"), (y, "fused")] {
                #expect(try fusion.error(matrix, "\(step).\(layer)") <= 1e-5, "\(step), layer \(layer)")
            }
            before = "balanced.\(layer)"
        }
    }

    @Test(arguments: cases)
    func `layers' embeddings and the last links are the authors', from the picture`(name: String, folder: String) throws
    {
        var arena = try Arena(reserving: 1 << 30)
        for (precision, limit) in [(Precision.f32, Float(1e-4)), (.int16, 2e-2)] {
            let fusion = try Fusion(name, folder, precision)
            let patches = fusion.rows - 1
            let y = Matrix(stored: fusion.layers * patches, by: fusion.clip.configuration.projection)
            let links = Matrix(stored: patches, by: patches)
            try fusion.clip.embedLayers(of: fusion.pixels, into: y, links: links, cancellation: .never, &arena)
            #expect(try fusion.error(y, "embeddings") <= limit)
            let golden = Matrix(stored: fusion.rows, by: fusion.rows)
            golden.fill(try fusion.file.values(of: "links.\(fusion.layers - 1)"))
            let expected = golden.rows(1..<fusion.rows).columns(1..<fusion.rows).array
            #expect(Difference.relativeError(links.array, to: expected) <= limit)
        }
    }

    /// Where nothing of a row is cut whole, its links add up to one.
    @Test(arguments: cases)
    func `fused attention adds up to one`(name: String, folder: String) throws {
        let fusion = try Fusion(name, folder, .f32)
        var arena = try Arena(reserving: 1 << 30)
        try fusion.clip.vision.gather(
            fusion.pixels, attention: fusion.attention, inputs: fusion.inputs, cancellation: .never, &arena)
        let (y, links) = (
            Matrix(stored: fusion.rows, by: fusion.inputs.columns), Matrix(stored: fusion.rows, by: fusion.rows)
        )
        for layer in 0..<fusion.layers {
            fusion.clip.vision.fuse(fusion.input(layer), by: fusion.attention, into: y, links: links, &arena)
            let balanced = stride(from: 0, to: fusion.attention.rows, by: 1)
                .map { fusion.attention.rows($0..<$0 + 1).array.reduce(0.0) { $0 + Double($1) } }
            #expect(balanced.allSatisfy { abs($0 - 1) < 1e-6 })
            let sums = (0..<fusion.rows).map { links.rows($0..<$0 + 1).array.reduce(0.0) { $0 + Double($1) } }
            #expect(sums.allSatisfy { abs($0 - 1) < 1e-6 })
            #expect(links.array.allSatisfy { $0 >= 0 })
        }
    }

    @Test func `looks at a cancellation before it begins`() throws {
        let fusion = try Fusion("words", "words/clip", .f32)
        let cancellation = Cancellation(deadline: nil)
        cancellation.cancel()
        var arena = try Arena(reserving: 1 << 30)
        #expect(throws: Interruption.cancelled) {
            try fusion.clip.vision.gather(
                fusion.pixels, attention: fusion.attention, inputs: fusion.inputs, cancellation: cancellation, &arena)
        }
        try arena.reserve(1 << 20)
    }
}
