import ArgumentParser
import Images
import Kernels
import Networks
import Segmentation

/// Compares full-size networks with their goldens, which lie in one file; ``StageChecks`` does so for small ones.
struct FullChecks {
    let model: Model
    let goldens: GoldenFolder
    let golden: GoldenFull
    let file: TensorFile
    private let cancellation = Cancellation.never
    private let prefix = "golden"

    init(_ model: Model, _ goldens: GoldenFolder) throws {
        self.model = model
        self.goldens = goldens
        golden = try goldens.json("golden", as: GoldenFull.self)
        file = try goldens.tensors("golden")
    }

    func run(_ table: inout VerifyTable) throws {
        var arena = try model.scratch()
        try latents(&table, &arena)
        for label in golden.prompts.keys.sorted() {
            try check(label, &table, &arena)
        }
        table.expectAll(
            of: file, as: prefix,
            except: ["latent", "noise"] + golden.prompts.keys.map { "\($0).noise_prediction" })
    }

    private func latents(_ table: inout VerifyTable, _ arena: inout Arena) throws {
        let grid = model.latentSizes.picture
        let square = Matrix(stored: grid.pixels, by: 3)
        let image = try Image(decoding: goldens.bytes("image.png"))
        square.fill(image.resized(width: grid.width, height: grid.height, by: .bilinear))
        try table.comparePlanes(square, file, "pixels", as: prefix)
        square.interleave(try file.values(of: "pixels"))
        try arena.scope { arena in
            let moments = try model.moments(of: square.array, grid, cancellation: cancellation, &arena)
            try table.comparePlanes(
                moments.columns(0..<model.autoencoder.configuration.latentChannels), file, "latent_mean",
                as: prefix)
            let noised = try planes("latent", &arena)
            model.addNoise(try planes("noise", &arena), to: noised, timestep: golden.timestep)
            try table.comparePlanes(noised, file, "noisy", as: prefix)
        }
    }

    private func planes(_ name: String, _ arena: inout Arena) throws -> Matrix {
        let matrix = arena.matrix(
            rows: model.latentSizes.trained.pixels, columns: model.unet.configuration.inChannels)
        matrix.interleave(try file.values(of: name))
        return matrix
    }

    private func check(_ label: String, _ table: inout VerifyTable, _ arena: inout Arena) throws {
        let length = model.textEncoder.configuration.positions
        let tokens = golden.prompts[label] ?? []
        let range = golden.class_tokens[label] ?? []
        guard tokens.count == length, range.count == 2, range[0] < range[1] else {
            throw ValidationError("golden.json: \(tokens.count) tokens and the range \(range) for \"\(label)\"")
        }
        let states = Matrix(stored: length, by: model.textEncoder.configuration.width)
        try model.textEncoder([tokens], into: states, cancellation: cancellation, &arena)
        try table.compare(states.array, file, "\(label).context", as: prefix)
        states.fill(try file.values(of: "\(label).context"))
        let text = EncodedText.texts(states, model, &arena)[0]
        let grid = model.latentSizes.trained
        let fusion = try AttentionFusion(model.unet, recipe: .diffsegmenter, Layout(model.latentSizes.trained))
        let features = try arena.scope { arena in
            try model.features(
                of: FeatureMap(planes("noisy", &arena), height: grid.height, width: grid.width),
                timestep: golden.timestep, context: text.context, capturing: fusion.captured, colours: nil,
                cancellation: cancellation, &arena)
        }
        let asked = AskedPhrase(text: text, positions: (range[0]..<range[1]).map(Int32.init))
        try compareMaps(label, asked, features, fusion, &table, &arena)
    }

    private func compareMaps(
        _ label: String, _ asked: AskedPhrase, _ features: AttentionFeatures, _ fusion: AttentionFusion,
        _ table: inout VerifyTable, _ arena: inout Arena
    ) throws {
        let cross = model.unet.attentionLayers.filter { $0.kind == .crossAttention }
        for (index, layer) in cross.enumerated() {
            let map = fusion.cross.attention(
                to: [[asked]], in: [features], [index], layer.level, &arena)[0]
            let module = layer.name.split(separator: ".transformer").first ?? ""
            try table.compare(map, file, "\(label).cross.\(module)", as: prefix)
        }
        guard case .matrix(let affinity) = features.affinity else { preconditionFailure("the recipe's is a matrix") }
        let rows = stride(from: 0, to: affinity.pixels, by: 256).flatMap { affinity.row($0) }
        try table.compare(rows, file, "\(label).self_rows", as: prefix)
        try table.compare(fusion.fused([[asked]], in: [features], &arena)[0], file, "\(label).fused", as: prefix)
        try table.compare(
            try fusion.scores(of: [[asked]], in: [features], cancellation: .never, &arena)[0], file, "\(label).score",
            as: prefix)
    }
}
