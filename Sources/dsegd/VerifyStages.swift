import Images
import Kernels
import Networks
import Segmentation

/// Runs each stage on a golden's own input and compares its answer.
struct StageChecks {
    let model: Model
    let goldens: GoldenFolder
    let labels: GoldenLabels
    private let cancellation = Cancellation.never

    init(_ model: Model, _ goldens: GoldenFolder) throws {
        self.model = model
        self.goldens = goldens
        labels = try goldens.json("per_label", as: GoldenLabels.self)
    }

    func run(_ table: inout VerifyTable) throws {
        var arena = Arena()
        try resize(&table)
        try autoencoder(&table, &arena)
        try tokens(&table)
        try textEncoder(&table, &arena)
        try unet(&table, &arena)
        try perLabel(&table, &arena)
        try scoreMaps(&table)
        try sharedPass(&table, &arena)
    }

    private func resize(_ table: inout VerifyTable) throws {
        let file = try goldens.tensors("resize")
        let image = try Image(decoding: goldens.bytes("image.png"))
        let side = model.autoencoder.configuration.sampleSize
        let square = Matrix(stored: side * side, by: 3)
        square.fill(image.square(side: side))
        try table.comparePlanes(square, file, "square", as: "resize")
        table.expectAll(of: file, as: "resize", except: ["rgb"])
    }

    private func autoencoder(_ table: inout VerifyTable, _ arena: inout Arena) throws {
        let file = try goldens.tensors("vae")
        let side = model.autoencoder.configuration.sampleSize
        let square = Matrix(stored: side * side, by: 3)
        square.interleave(try goldens.tensors("resize").values(of: "square"))
        let channels = model.autoencoder.configuration.latentChannels
        try arena.scope { arena in
            let moments = try model.moments(of: square.array, cancellation: cancellation, &arena)
            try table.comparePlanes(moments.columns(0..<channels), file, "mean", as: "vae")
            let deviation = moments.columns(channels..<2 * channels)
            deviation.setDeviation()
            try table.comparePlanes(deviation, file, "std", as: "vae")
            let latent = try planes(file, "std", &arena)
            latent.multiply(by: try planes(file, "eps", &arena))
            latent.blend(try planes(file, "mean", &arena), times: 1, keeping: 1)
            latent.scale(by: model.autoencoder.configuration.scalingFactor, adding: 0)
            try table.comparePlanes(latent, file, "latent", as: "vae")
            let noised = try planes(file, "latent", &arena)
            model.addNoise(try planes(file, "noise", &arena), to: noised, timestep: labels.timestep)
            try table.comparePlanes(noised, file, "noisy", as: "vae")
        }
        let steps = (0..<model.scheduler.trainTimesteps).map { model.scheduler.alphaBar($0) }
        try table.compare(steps, file, "alphas_cumprod", as: "vae")
        table.expectAll(of: file, as: "vae", except: ["eps", "noise"])
    }

    /// A golden of channel planes as a map.
    private func planes(_ file: TensorFile, _ name: String, _ arena: inout Arena) throws -> Matrix {
        let side = model.unet.configuration.sampleSize
        let matrix = arena.matrix(rows: side * side, columns: model.unet.configuration.inChannels)
        matrix.interleave(try file.values(of: name))
        return matrix
    }

    private func tokens(_ table: inout VerifyTable) throws {
        let length = model.textEncoder.configuration.positions
        for (index, line) in try goldens.json("clip_tokens", as: [GoldenTokens].self).enumerated() {
            table.compareExactly(
                model.tokenizer.encode(line.text, length: length).tokens, line.ids,
                as: "clip_tokens.\(index)")
        }
    }

    private func textEncoder(_ table: inout VerifyTable, _ arena: inout Arena) throws {
        let file = try goldens.tensors("text_encoder")
        let ids = try file.integers(of: "ids")
        let length = model.textEncoder.configuration.positions
        let states = Matrix(stored: ids.count, by: model.textEncoder.configuration.width)
        for start in stride(from: 0, to: ids.count, by: length) {
            try model.textEncoder(
                Array(ids[start..<start + length]), into: states.rows(start..<start + length),
                cancellation: cancellation, &arena)
        }
        try table.compare(states.array, file, "last_hidden_state", as: "text_encoder")
        table.expectAll(of: file, as: "text_encoder", except: ["ids"])
    }

    /// Every attention layer's probabilities, averaged over heads.
    private func unet(_ table: inout VerifyTable, _ arena: inout Arena) throws {
        let file = try goldens.tensors("unet")
        let context = try file.values(of: "context")
        let text = EncodedText(context: context, model)
        let spoken = try EncodedText("a photograph of a dog", model, cancellation: cancellation, &arena)
        try table.compare(spoken.context.array, file, "context", as: "unet")
        let layers = model.unet.attentionLayers
        let store = MatrixStore(
            layers.map { layer in
                let pixels = layer.side * layer.side
                return (pixels, layer.kind == .own ? pixels : text.context.rows)
            })
        try pass(
            text, captures: store.matrices.map { .probabilities(addingTo: $0, share: 1) }, &arena)
        for (layer, mean) in zip(layers, store.matrices) {
            try table.compare(mean.array, file, "\(layer.name).processor", as: "unet")
        }
        table.expectAll(of: file, as: "unet", except: ["out"])
    }

    /// A pass over the golden's noised latent.
    private func pass(_ text: EncodedText, captures: [AttentionCapture], _ arena: inout Arena) throws {
        let side = model.unet.configuration.sampleSize
        try arena.scope { arena in
            let noised = try planes(goldens.tensors("vae"), "noisy", &arena)
            try model.unet(
                FeatureMap(noised, height: side, width: side), timestep: labels.timestep, context: text.context,
                captures: captures, cancellation: cancellation, &arena)
        }
    }

    /// One pass for each label, with the label's own prompt.
    private func perLabel(_ table: inout VerifyTable, _ arena: inout Arena) throws {
        let file = try goldens.tensors("per_label")
        let recipe = Recipe.diffsegmenter
        let fusion = try AttentionFusion(model.unet, recipe: recipe)
        let prompts = labels.labels.map { (name: $0, words: $0, prompt: recipe.prompt(for: $0)) }
            + [(name: "dog (participle)", words: "dog", prompt: labels.participle_prompt)]
        for (name, words, prompt) in prompts {
            let spoken = try EncodedText(prompt, model, cancellation: cancellation, &arena)
            try table.compare(spoken.context.array, file, "\(name).context", as: "per_label")
            let text = EncodedText(context: try file.values(of: "\(name).context"), model)
            let features = AttentionFeatures(of: model.unet)
            try pass(text, captures: features.captures, &arena)
            let fused = fusion.fused(
                queries: features.queries, keys: text.keys, positions: positions(of: words, in: prompt), &arena)
            try table.compare(fused, file, "\(name).fused", as: "per_label")
            try table.compare(
                ScoreKernels.complete(fused, by: features.affinity), file, "\(name).score", as: "per_label")
        }
        table.expectAll(of: file, as: "per_label", except: [])
    }

    private func positions(of words: String, in prompt: String) -> [Int32] {
        let length = model.textEncoder.configuration.positions
        return (model.tokenizer.positions(of: words, in: prompt, length: length) ?? []).map(Int32.init)
    }

    /// The goldens' scores at the picture's size, and the index mask.
    private func scoreMaps(_ table: inout VerifyTable) throws {
        let file = try goldens.tensors("score_maps")
        let shape = try file.shape(of: "index")
        let (height, width, side) = (shape[0], shape[1], model.unet.configuration.sampleSize)
        var best = [Float](repeating: labels.background, count: width * height)
        var index = [UInt8](repeating: 0, count: width * height)
        var maps: [Float] = []
        for (number, label) in labels.labels.enumerated() {
            let score = try goldens.tensors("per_label").values(of: "\(label).score")
            var map = AttentionFusion.resize(score, width: side, height: side, toWidth: width, height: height)
            ScoreKernels.minMax(&map)
            ScoreKernels.claim(map, label: UInt8(number + 1), best: &best, index: &index)
            maps += map
        }
        try table.compare(maps, file, "maps", as: "score_maps")
        try table.compareIndices(index, file, "index", as: "score_maps")
        table.expectAll(of: file, as: "score_maps", except: [])
    }

    /// One pass with the joint prompt; each label from its own prompt's keys.
    private func sharedPass(_ table: inout VerifyTable, _ arena: inout Arena) throws {
        let file = try goldens.tensors("shared_pass")
        let golden = try goldens.json("shared_pass", as: GoldenSharedPass.self)
        let recipe = Recipe.shared
        let fusion = try AttentionFusion(model.unet, recipe: recipe)
        let features = AttentionFeatures(of: model.unet)
        try pass(
            EncodedText(golden.prompt, model, cancellation: cancellation, &arena),
            captures: features.captures, &arena)
        for label in golden.labels {
            let prompt = recipe.prompt(for: label)
            let text = try EncodedText(prompt, model, cancellation: cancellation, &arena)
            let fused = fusion.fused(
                queries: features.queries, keys: text.keys, positions: positions(of: label, in: prompt), &arena)
            try table.compare(
                ScoreKernels.complete(fused, by: features.affinity), file, label, as: "shared_pass")
        }
        table.expectAll(of: file, as: "shared_pass", except: [])
    }
}
