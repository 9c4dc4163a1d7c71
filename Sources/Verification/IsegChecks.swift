import ArgumentParser
import Kernels
import Networks
import Segmentation

/// Holds the steps of iSeg against `golden/recipes/iseg_*`, each on the golden input of that step.
struct IsegChecks {
    let model: Model
    /// Of the stages, and of recipes.
    let stages: GoldenFolder
    let goldens: GoldenFolder
    private let prefix: String
    private let recipe: Recipe
    private let file: TensorFile
    private let golden: GoldenIseg
    private let fusion: AttentionFusion

    /// - Parameter setting: "voc", "context" or "coco"
    init(_ model: Model, _ stages: GoldenFolder, _ goldens: GoldenFolder, setting: String) throws {
        self.model = model
        self.stages = stages
        self.goldens = goldens
        prefix = "iseg_\(setting)"
        recipe = try Recipe(named: "iseg:\(setting)")
        file = try goldens.tensors(prefix)
        golden = try goldens.json(prefix, as: GoldenIseg.self)
        fusion = try AttentionFusion(model.unet, recipe: recipe, Layout(model.latentSizes.trained))
    }

    func run(_ table: inout VerifyTable, _ arena: inout Arena) throws {
        let places = try prompt(&table, &arena)
        let states = Matrix(
            stored: model.textEncoder.configuration.positions, by: model.textEncoder.configuration.width)
        states.fill(try file.values(of: "context"))
        let text = EncodedText.texts(states, model, &arena)[0]
        let noised = try stages.noised(model, timestep: golden.timestep)
        let features = try model.features(
            of: noised, timestep: golden.timestep, context: text.context, capturing: fusion.captured, colours: nil,
            cancellation: .never, &arena)
        try tokens(text, places, features, &table, &arena)
        try affinity(text, noised, features, &table, &arena)
        try iterations(features, places, &table, &arena)
        try sizes(&table)
        table.expectAll(of: file, as: prefix, except: ["background", "index_sure"])
    }

    /// The prompt, the places of labels in it, and its enhanced states.
    private func prompt(_ table: inout VerifyTable, _ arena: inout Arena) throws -> [[Int32]] {
        guard case .joined(let list) = recipe.forwardPrompt else { preconditionFailure("iSeg joins labels") }
        let length = model.textEncoder.configuration.positions
        let places = try list.places(of: golden.labels, model.tokenizer, length: length).map { $0.map(Int32.init) }
        table.compareExactly(list.prompt(for: golden.labels), golden.prompt, as: "\(prefix).prompt")
        table.compareExactly(places, golden.labels.map { golden.positions[$0] ?? [] }, as: "\(prefix).positions")
        let read = ReadPrompt(
            golden.prompt, enhancing: places.flatMap(\.self), by: recipe.enhancement.factor, from: .zero)
        let text = try EncodedText.reading([read], model, cancellation: .never, &arena)[0]
        try table.compare(text.context.array, file, "context", as: prefix)
        return places
    }

    /// The maps of tokens, and of labels before and after clustering.
    private func tokens(
        _ text: EncodedText, _ places: [[Int32]], _ features: AttentionFeatures, _ table: inout VerifyTable,
        _ arena: inout Arena
    ) throws {
        guard case .ofTokens(let maps) = recipe.aggregation.maps, let clustering = maps.clustering else {
            preconditionFailure("iSeg clusters")
        }
        try table.compare(
            fusion.cross.tokenMaps(of: text, in: [features], &arena).flatMap(\.self), file, "cross_tokens", as: prefix)
        var tokens = try file.rows(of: "cross_tokens")
        let clusters = clustering.clusters(of: tokens, model.latentSizes.trained, &arena)
        let expected = Clusters(ofPixels: try file.bytes(of: "clusters").map(Int32.init))
        table.compareClusters(clusters, expected, as: "\(prefix).clusters")
        func means() -> [Float] { places.flatMap { CrossAttention.mean(of: tokens, at: $0) } }
        try table.compare(means(), file, "cross_plain", as: prefix)
        expected.average(&tokens, &arena)
        try table.compare(means(), file, "cross", as: prefix)
    }

    /// The affinity, and its steps.
    private func affinity(
        _ text: EncodedText, _ noised: FeatureMap, _ features: AttentionFeatures, _ table: inout VerifyTable,
        _ arena: inout Arena
    ) throws {
        guard case .sharpened(let kernel) = recipe.refinement.affinity, case .matrix(let affinity) = features.affinity
        else { preconditionFailure("iSeg reduces entropy") }
        let pixels = affinity.pixels
        let mean = Matrix(stored: pixels, by: pixels)
        let captured = fusion.captured
        try model.unet(
            noised, timestep: golden.timestep, context: text.context,
            captures: model.unet.attentionLayers.enumerated().map { index, layer in
                captured.selfAttention.contains(index)
                    ? .probabilities(addingTo: mean, shares: captured.shares(layer)) : .nothing
            }, cancellation: .never, &arena)
        func rows(_ step: Int, _ row: (Int) -> [Float]) -> [Float] {
            stride(from: 0, to: pixels, by: step).flatMap(row)
        }
        try table.compare(rows(golden.rows_saved.affinity) { affinity.row($0) }, file, "affinity", as: prefix)
        // The kernel divides the rows by their sums at once: so are the golden's.
        for (name, entropy) in [("affinity_column_max", 0), ("affinity_entropy", kernel.entropy)] {
            let sharpened = Matrix(stored: pixels, by: pixels)
            sharpened.copy(from: mean)
            EntropyKernel(entropy: entropy).sharpen(sharpened, &arena)
            let expected = Matrix(stored: try file.shape(of: name)[0], by: pixels)
            expected.fill(try file.values(of: name))
            ScoreKernels.normalizeSums(expected, shifted: false)
            table.compare(
                rows(golden.rows_saved.others) { sharpened.rows($0..<$0 + 1).array }, expected.array,
                as: "\(prefix).\(name)")
        }
    }

    private func iterations(
        _ features: AttentionFeatures, _ places: [[Int32]], _ table: inout VerifyTable, _ arena: inout Arena
    ) throws {
        let cross = try file.rows(of: "cross")
        for round in 0...golden.iterations {
            let maps = try fusion.completed(
                cross, rounds: round, in: [features], cancellation: .never, &arena)
            try table.compare(maps.flatMap(\.self), file, "iteration.\(round)", as: prefix)
        }
        let tokens = try file.rows(of: "cross_tokens")
        let plain = try fusion.completed(
            places.map { CrossAttention.mean(of: tokens, at: $0) }, rounds: golden.iterations, in: [features],
            cancellation: .never, &arena)
        try table.compare(plain.flatMap(\.self), file, "unclustered.iteration.last", as: prefix)
    }

    /// Maps at the size of the network's picture and at that of the picture, and the index masks.
    private func sizes(_ table: inout VerifyTable) throws {
        let latents = try file.rows(of: "iteration.\(golden.iterations)")
        let shape = try file.shape(of: "index")
        let sizes = model.latentSizes
        let square = Enlargement(
            from: (sizes.trained.width, sizes.trained.height), to: (sizes.picture.width, sizes.picture.height))
        try table.compare(latents.flatMap { square.enlarged($0) }, file, "maps_square", as: prefix)
        let sizing = MapSizing(
            recipe, latent: sizes.trained, read: sizes.picture, guide: nil, width: shape[1], height: shape[0])
        try table.compare(latents.flatMap(sizing.sized), file, "maps", as: prefix)
        let unclustered = try file.rows(of: "unclustered.iteration.last")
        for (name, maps) in [("index", latents), ("unclustered.index", unclustered)] {
            guard let index = sizing.argmax(maps, above: recipe.background, while: { true }) else { continue }
            try table.compareIndices(index, file, name, where: "index_sure", as: prefix)
        }
    }
}
