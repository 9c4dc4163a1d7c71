import ArgumentParser
import Images
import Kernels
import Networks
import Segmentation

/// Holds the steps of CLIPer's refinement against `golden/recipes/cliper_*`, each on the golden input of that step.
struct CliperChecks {
    let model: Model
    let stages: GoldenFolder
    private let prefix: String
    private let resampling: Resampling
    private let file: TensorFile
    private let golden: GoldenCliper
    private var grid: Grid { model.latentSizes.trained }

    /// - Parameter resampling: "nearest" or "bilinear"
    init(_ model: Model, _ stages: GoldenFolder, _ goldens: GoldenFolder, resampling: String) throws {
        self.model = model
        self.stages = stages
        guard let known = Resampling(rawValue: resampling) else {
            throw ValidationError("\(goldens.directory): no picture is resized by \(resampling)")
        }
        self.resampling = known
        prefix = "cliper_\(resampling)"
        file = try goldens.tensors(prefix)
        golden = try goldens.json(prefix, as: GoldenCliper.self)
    }

    func run(_ table: inout VerifyTable, _ arena: inout Arena) throws {
        let context = try input(&table, &arena)
        for threshold in golden.thresholds {
            let recipe = try Recipe(
                named: "cliper-affinity:voc", settings: ["resize=\(resampling.rawValue)", "cut=\(threshold)"])
            let fusion = try AttentionFusion(model.unet, recipe: recipe, Layout(grid))
            let noisy = Matrix(stored: grid.pixels, by: model.unet.configuration.inChannels)
            noisy.interleave(try file.values(of: "noisy"))
            let features = try model.features(
                of: FeatureMap(noisy, height: grid.height, width: grid.width), timestep: golden.timestep,
                context: context, capturing: fusion.captured, colours: nil, cancellation: .never, &arena)
            guard case .heads(let heads, _) = features.affinity else { preconditionFailure("CLIPer keeps heads") }
            table.compareExactly(heads.count, golden.heads, as: "\(prefix).heads")
            let rows = (0..<heads.count).flatMap { head in
                stride(from: 0, to: grid.pixels, by: golden.rows_saved).flatMap {
                    heads.row($0, head: head, threshold: threshold, &arena)
                }
            }
            try table.compareCut(rows, file, "\(threshold).heads_rows", as: prefix)
            for seed in ["grid", "fused"] { try check(seed, heads, threshold, &table, &arena) }
        }
        table.expectAll(
            of: file, as: prefix,
            except: file.header.tensors.map(\.name).filter { name in
                name.hasSuffix(".index_sure") || name.hasPrefix("seed.")
            })
    }

    /// The latent, noise, and the empty prompt's states.
    private func input(_ table: inout VerifyTable, _ arena: inout Arena) throws -> Matrix {
        let size = model.latentSizes.picture
        let picture = try Image(decoding: stages.bytes("image.png"))
            .resized(width: size.width, height: size.height, by: resampling)
        let latent = Matrix(stored: grid.pixels, by: model.unet.configuration.inChannels)
        latent.fill(try model.latent(of: picture, size, cancellation: .never, &arena))
        try table.comparePlanes(latent, file, "latent", as: prefix)
        let noise = Matrix(stored: latent.rows, by: latent.columns)
        noise.interleave(try stages.tensors("vae").values(of: "noise"))
        latent.interleave(try file.values(of: "latent"))
        model.addNoise(noise, to: latent, timestep: golden.timestep)
        try table.comparePlanes(latent, file, "noisy", as: prefix)
        let text = try EncodedText.reading([ReadPrompt("")], model, cancellation: .never, &arena)[0]
        try table.compare(text.context.array, file, "context", as: prefix)
        text.context.fill(try file.values(of: "context"))
        return text.context
    }

    /// What the heads make of a seed: one after the other, and on average.
    private func check(
        _ seed: String, _ heads: HeadProduct, _ threshold: Float, _ table: inout VerifyTable, _ arena: inout Arena
    ) throws {
        let maps = try file.rows(of: "seed.\(seed)")
        let shape = try file.shape(of: "seed.\(seed)")
        let seedGrid = Grid(height: shape[1], width: shape[2])
        let start = maps.map { CrossAttention.resized($0, from: seedGrid, to: grid) }
        let cut = (0..<heads.count).map { pixelsAtTheCut(heads, $0, threshold, &arena) }
        var state = start
        for step in 1...heads.count where has("\(threshold).\(seed).step.\(step)") {
            let (name, head) = ("\(threshold).\(seed).step.\(step)", heads.count - step)
            let next = heads.completing(
                state, threshold: threshold, combination: .product, heads: head..<head + 1, &arena)
            try table.compareRange(next ?? [], file, name, except: cut[head], as: prefix)
            state = try file.rows(of: name)
        }
        for (name, combination, cut) in [
            ("product", HeadProduct.Combination.product, []),
            ("mean", .mean, cut.reduce(into: Set()) { $0.formUnion($1) }),
        ] {
            let name = "\(threshold).\(seed).\(name)"
            let refined = heads.completing(start, threshold: threshold, combination: combination, &arena)
            try table.compareRange(refined ?? [], file, name, except: cut, as: prefix)
            try rules(name, refined: try file.rows(of: name), seeds: maps, &table, &arena)
        }
    }

    /// Pixels with a link so near to the threshold that rounding may cut it or not.
    private func pixelsAtTheCut(_ heads: HeadProduct, _ head: Int, _ threshold: Float, _ arena: inout Arena) -> Set<Int>
    {
        let margin: Float = 2e-5
        return Set(
            (0..<heads.pixels).filter { pixel in
                let (most, least) = (
                    heads.row(pixel, head: head, threshold: threshold - margin, &arena),
                    heads.row(pixel, head: head, threshold: threshold + margin, &arena)
                )
                return zip(most, least).contains { ($0 == 0) != ($1 == 0) }
            })
    }

    /// Scores, maps at the picture's size, and the index masks of the published rules.
    private func rules(
        _ name: String, refined: [[Float]], seeds: [[Float]], _ table: inout VerifyTable, _ arena: inout Arena
    ) throws {
        let scores = zip(refined, seeds).map { (ScoreKernels.largest($0) + ScoreKernels.largest($1)) / 2 }
        try table.compare(scores, file, "\(name).score", as: prefix)
        let scaled = zip(refined, scores).map { AttentionFusion.scaled($0, to: $1, &arena) }
        if has("\(name).full") {
            let maps = try scaled.flatMap { try sizing(.cliperAffinityCOCO).sized($0) }
            try table.compare(maps, file, "\(name).full", as: prefix)
        }
        for (key, rule) in golden.rules.sorted(by: { $0.key < $1.key }) where has("\(name).\(key).index") {
            if rule.minmax, refined.contains(where: Self.isFlat) {
                table.skip("\(name).\(key).index", as: prefix)
                continue
            }
            let maps = zip(scaled, scores).map { $1 > rule.keep ? $0 : [Float](repeating: 0, count: $0.count) }
            let sizing = try sizing(rule.minmax ? .cliperAffinityVOC : .cliperAffinityCOCO)
            guard let index = sizing.argmax(maps, above: rule.floor, while: { true }) else { continue }
            try table.compareIndices(
                index, file, "\(name).\(key).index", where: "\(name).\(key).index_sure", as: prefix)
        }
    }

    /// To the picture's size.
    private func sizing(_ recipe: Recipe) throws -> MapSizing {
        let shape = try stages.tensors("resize").shape(of: "rgb")
        return MapSizing(
            recipe, latent: grid, read: model.latentSizes.picture, guide: nil, width: shape[3], height: shape[2])
    }

    /// Whether rounding alone decides what min-max makes of a map.
    private static func isFlat(_ map: [Float]) -> Bool {
        let (least, most) = (map.min() ?? 0, map.max() ?? 0)
        return most - least < 1e-4 * most
    }

    private func has(_ name: String) -> Bool { file.header.tensors.contains { $0.name == name } }
}
