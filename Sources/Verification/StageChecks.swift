import Images
import Kernels
import Networks
import Segmentation

/// Runs each stage on the golden input of that stage, so that errors do not add up, and compares what it computes.
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
        var arena = try model.scratch()
        try resize(&table)
        try autoencoder(&table, &arena)
        try tokens(&table)
        try textEncoder(&table, &arena)
        try unet(&table, &arena)
        try perLabel(&table, &arena)
        try scoreMaps(&table, &arena)
        try sharedPass(&table, &arena)
    }

    private func resize(_ table: inout VerifyTable) throws {
        let file = try goldens.tensors("resize")
        let image = try Image(decoding: goldens.bytes("image.png"))
        let grid = model.latentSizes.picture
        let square = Matrix(stored: grid.pixels, by: 3)
        square.fill(image.resized(width: grid.width, height: grid.height, by: .bilinear))
        try table.comparePlanes(square, file, "square", as: "resize")
        table.expectAll(of: file, as: "resize", except: ["rgb"])
    }

    private func autoencoder(_ table: inout VerifyTable, _ arena: inout Arena) throws {
        let file = try goldens.tensors("vae")
        let grid = model.latentSizes.picture
        let square = Matrix(stored: grid.pixels, by: 3)
        square.interleave(try goldens.tensors("resize").values(of: "square"))
        let channels = model.autoencoder.configuration.latentChannels
        try arena.scope { arena in
            let moments = try model.moments(of: square.array, grid, cancellation: cancellation, &arena)
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
        let matrix = arena.matrix(
            rows: model.latentSizes.trained.pixels, columns: model.unet.configuration.inChannels)
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
        let prompts = stride(from: 0, to: ids.count, by: length).map { Array(ids[$0..<$0 + length]) }
        try model.textEncoder(prompts, into: states, cancellation: cancellation, &arena)
        try table.compare(states.array, file, "last_hidden_state", as: "text_encoder")
        table.expectAll(of: file, as: "text_encoder", except: ["ids"])
    }

    /// Every attention layer's probabilities, averaged over heads.
    private func unet(_ table: inout VerifyTable, _ arena: inout Arena) throws {
        let file = try goldens.tensors("unet")
        let context = try file.values(of: "context")
        let text = text(context, &arena)
        let spoken = try EncodedText.reading(
            [ReadPrompt("a photograph of a dog")], model, cancellation: cancellation, &arena)[0]
        try table.compare(spoken.context.array, file, "context", as: "unet")
        let layers = model.unet.attentionLayers
        let store = MatrixStore(
            layers.map { layer in
                let pixels = model.latentSizes.trained.level(layer.level).pixels
                return (pixels, layer.kind == .selfAttention ? pixels : text.context.rows)
            })
        try arena.scope { arena in
            try model.unet(
                noised(&arena), timestep: labels.timestep, context: text.context,
                captures: zip(layers, store.matrices).map { .mean(addingTo: $1, share: 1, heads: $0.heads) },
                cancellation: cancellation, &arena)
        }
        for (layer, mean) in zip(layers, store.matrices) {
            try table.compare(mean.array, file, "\(layer.name).processor", as: "unet")
        }
        table.expectAll(of: file, as: "unet", except: ["out"])
    }

    /// An encoded prompt from the golden's text encoder states, `[L, width]`.
    private func text(_ context: [Float], _ arena: inout Arena) -> EncodedText {
        let configuration = model.textEncoder.configuration
        let states = Matrix(stored: configuration.positions, by: configuration.width)
        states.fill(context)
        return EncodedText.texts(states, model, &arena)[0]
    }

    /// The golden's noised latent.
    private func noised(_ arena: inout Arena) throws -> FeatureMap {
        let grid = model.latentSizes.trained
        return FeatureMap(try planes(goldens.tensors("vae"), "noisy", &arena), height: grid.height, width: grid.width)
    }

    /// Runs a pass over the golden's noised latent and returns the captured features.
    private func features(
        _ text: EncodedText, _ captured: CapturedLayers, _ arena: inout Arena
    ) throws -> AttentionFeatures {
        try arena.scope { arena in
            try model.features(
                of: noised(&arena), timestep: labels.timestep, context: text.context, capturing: captured,
                colours: nil, cancellation: cancellation, &arena)
        }
    }

    /// One pass for each label, with the label's own prompt.
    private func perLabel(_ table: inout VerifyTable, _ arena: inout Arena) throws {
        let file = try goldens.tensors("per_label")
        let recipe = Recipe.diffsegmenter
        let fusion = try AttentionFusion(model.unet, recipe: recipe, Layout(model.latentSizes.trained))
        let prompts =
            labels.labels.map { (name: $0, words: $0, prompt: recipe.template.prompt(for: $0)) }
            + [(name: "dog (participle)", words: "dog", prompt: labels.participle_prompt)]
        for (name, words, prompt) in prompts {
            let spoken = try EncodedText.reading([ReadPrompt(prompt)], model, cancellation: cancellation, &arena)[0]
            try table.compare(spoken.context.array, file, "\(name).context", as: "per_label")
            let text = text(try file.values(of: "\(name).context"), &arena)
            let features = try features(text, fusion.captured, &arena)
            let asked = [[AskedPhrase(text: text, positions: positions(of: words, in: prompt, recipe))]]
            try table.compare(fusion.fused(asked, in: [features], &arena)[0], file, "\(name).fused", as: "per_label")
            let scores = try fusion.scores(of: asked, in: [features], cancellation: .never, &arena)[0]
            try table.compare(scores, file, "\(name).score", as: "per_label")
        }
        table.expectAll(of: file, as: "per_label", except: [])
    }

    private func positions(of words: String, in prompt: String, _ recipe: Recipe) -> [Int32] {
        let length = model.textEncoder.configuration.positions
        let place = model.tokenizer.place(of: words, in: prompt, from: recipe.template, length: length)
        return place?.positions.map(Int32.init) ?? []
    }

    /// Enlarges the goldens' scores to the picture's size, and paints the index mask from them.
    private func scoreMaps(_ table: inout VerifyTable, _ arena: inout Arena) throws {
        let file = try goldens.tensors("score_maps")
        let shape = try file.shape(of: "index")
        let (height, width) = (shape[0], shape[1])
        let canvas = Enlargement(
            from: (model.latentSizes.trained.width, model.latentSizes.trained.height), to: (width, height))
        var best = [Float](repeating: labels.background, count: canvas.pixels)
        var index = [UInt8](repeating: 0, count: canvas.pixels)
        let perLabel = try goldens.tensors("per_label")
        let scores = try labels.labels.map { try perLabel.values(of: "\($0).score") }
        canvas.paint(scores.flatMap(\.self), count: scores.count, from: 1, best: &best, index: &index)
        let maps = scores.flatMap { canvas.enlarged($0) }
        try table.compare(maps, file, "maps", as: "score_maps")
        try table.compareIndices(index, file, "index", as: "score_maps")
        table.expectAll(of: file, as: "score_maps", except: [])
    }

    /// One pass with the golden's forward prompt; each label is scored with the keys of its own prompt.
    private func sharedPass(_ table: inout VerifyTable, _ arena: inout Arena) throws {
        let file = try goldens.tensors("shared_pass")
        let golden = try goldens.json("shared_pass", as: GoldenSharedPass.self)
        let recipe = Recipe.shared
        let fusion = try AttentionFusion(model.unet, recipe: recipe, Layout(model.latentSizes.trained))
        let joint = try EncodedText.reading([ReadPrompt(golden.prompt)], model, cancellation: cancellation, &arena)[0]
        let features = try features(joint, fusion.captured, &arena)
        let prompts = golden.labels.map { recipe.template.prompt(for: $0) }
        let texts = try EncodedText.reading(prompts.map { ReadPrompt($0) }, model, cancellation: cancellation, &arena)
        let asked = golden.labels.indices.map {
            AskedPhrase(text: texts[$0], positions: positions(of: golden.labels[$0], in: prompts[$0], recipe))
        }
        for (label, scores) in zip(
            golden.labels, try fusion.scores(of: [asked], in: [features], cancellation: .never, &arena))
        {
            try table.compare(scores, file, label, as: "shared_pass")
        }
        table.expectAll(of: file, as: "shared_pass", except: [])
    }
}
