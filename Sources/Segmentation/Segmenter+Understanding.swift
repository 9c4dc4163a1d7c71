import Kernels
import Networks
import Texts

extension Segmenter {
    /// Whether a request's model is this one.
    func isLoaded(_ name: String) -> Bool {
        [model.name, model.hash, ""].contains { ExactString($0) == ExactString(name) }
    }

    /// The picture that `owner` asks about, and its latent or what that is computed from.
    ///
    /// - Parameters:
    ///   - handle: the source's
    /// - Throws: `unknownPicture`, also for a picture that `owner` has sent, but of which what is needed is not cached:
    ///   the latents or the picture at this model's size, the guide where colours are read, or else the file
    func picture(
        _ source: PictureSource, _ handle: String, _ reading: PictureReading, owner: UInt32,
        cancellation: Cancellation
    ) throws(SegmentationError) -> AskedPicture {
        func needs(_ looked: LookedAt) throws(SegmentationError) -> PictureNeeds {
            let (layout, resize) = try input(of: looked, reading)
            let isKnown = !knownLatents(of: handle, layout, resize).contains { $0 == nil }
            return PictureNeeds(resize: isKnown ? nil : resize, guide: reading.colours)
        }
        let (picture, data) =
            switch source {
            case .file(let bytes):
                try pictures.look(at: bytes, handle: handle, owner: owner, cancellation: cancellation, needs: needs)
            case .handle:
                try pictures.known(handle, owner: owner, cancellation: cancellation, needs: needs)
            }
        let (layout, resize) = try input(of: picture.looked, reading)
        let asked = AskedPicture(
            picture, data, layout, resize, latents: knownLatents(of: handle, layout, resize))
        guard asked.isComplete, !picture.isTransparent || data.transparency != nil
        else { throw .unknownPicture(handle: handle) }
        return asked
    }

    /// A picture's latent, and the size to which it is resized for that.
    private func input(of picture: LookedAt, _ reading: PictureReading) throws(SegmentationError) -> (Layout, Resize) {
        let layout = try model.latentSizes.layout(of: picture, for: reading.geometry)
        return (layout, Resize(grid: layout.grid.times(model.latentSizes.factor), resampling: reading.resampling))
    }

    /// The cached latent of each tile.
    private func knownLatents(of handle: String, _ layout: Layout, _ resize: Resize) -> [Remembered<[Float]>?] {
        layout.tiles.map { latents.value(for: LatentKey(handle: handle, resize: resize, tile: $0)) }
    }

    /// Checks a request against the model, tokenizes its phrases and looks its picture up: all that can be refused is
    /// refused here, before a network runs.
    ///
    /// - Parameter handle: the picture's
    func understand(
        _ request: SegmentationRequest, _ handle: String, owner: UInt32, cancellation: Cancellation
    ) throws(SegmentationError) -> (Understanding, AskedPicture, AttentionFusion) {
        guard isLoaded(request.model) else {
            throw .unknownModel(request.model, loaded: model.name)
        }
        guard request.timestep >= 0, request.timestep < model.scheduler.trainTimesteps else {
            throw .timestep(request.timestep, limit: model.scheduler.trainTimesteps)
        }
        let (labels, forwardPrompt) = try understandLabels(of: request, cancellation: cancellation)
        try checkDifferent(labels, isJoined: request.recipe.isJoined)
        let asked = try picture(
            request.picture, handle, request.recipe.reading, owner: owner, cancellation: cancellation)
        let fusion = try AttentionFusion(model.unet, recipe: request.recipe, asked.layout)
        let memory = AnswerMemory(model, asked.layout, request, capturing: fusion.captured)
        let understanding = Understanding(
            picture: asked.picture.looked, transparency: asked.transparency, guide: asked.guide,
            grid: asked.layout.grid, resized: asked.resize.grid, labels: labels, recipe: request.recipe,
            forwardPrompt: forwardPrompt, seed: request.seed, timestep: request.timestep,
            threshold: request.threshold, model: model.name, modelHash: model.hash,
            precision: model.precision.rawValue, instructionSet: InstructionSet.chosen.rawValue,
            blas: BLAS.name, notes: [memory.note(model.latentSizes)].compactMap(\.self) + fusion.notes, memory: memory)
        return (understanding, asked, fusion)
    }

    /// The labels, and what the one pass for all phrases reads, if there is one.
    private func understandLabels(
        of request: SegmentationRequest, cancellation: Cancellation
    ) throws(SegmentationError) -> ([UnderstoodLabel], String?) {
        if case .joined(let list) = request.recipe.forwardPrompt { return try understand(request, joinedBy: list) }
        var labels: [UnderstoodLabel] = []
        for label in request.labels {
            var phrases: [UnderstoodPhrase] = []
            for phrase in label.phrases {
                try check(cancellation)
                phrases.append(try understand(phrase, request.recipe))
            }
            labels.append(UnderstoodLabel(name: label.name, phrases: phrases))
        }
        return (labels, request.fixedPrompt)
    }

    /// The labels in the one prompt that lists them all, and that prompt.
    private func understand(
        _ request: SegmentationRequest, joinedBy list: PhraseList
    ) throws(SegmentationError) -> ([UnderstoodLabel], String) {
        let phrases = request.labels.flatMap(\.phrases)
        let prompt = list.prompt(for: phrases.map(\.words))
        for chosen in [request.forwardPrompt] + phrases.map(\.prompt) {
            guard let chosen, ExactString(chosen) != ExactString(prompt) else { continue }
            throw .recipe(.builtPrompt(recipe: request.recipe.name, prompt: prompt))
        }
        let length = model.textEncoder.configuration.positions
        let places = try list.places(of: phrases.map(\.words), model.tokenizer, length: length)
        let encoded = model.tokenizer.encode(prompt, length: length)
        let enhanced = places.joined().map(Int32.init)
        var rest = Array(zip(phrases, places))[...]
        let labels = request.labels.map { label in
            let own = rest.prefix(label.phrases.count)
            rest = rest.dropFirst(label.phrases.count)
            return UnderstoodLabel(
                name: label.name,
                phrases: own.map { phrase, place in
                    UnderstoodPhrase(
                        words: phrase.words, prompt: prompt,
                        tokens: encoded.tokens.prefix(encoded.count).map(\.self),
                        positions: place.map(Int32.init), enhanced: enhanced, truncated: encoded.truncated)
                })
        }
        return (labels, prompt)
    }

    /// Two labels that the model reads alike have one score map: the first would have every pixel, the other none.
    /// Labels that share some of their phrases, or the words of one in another prompt, have maps of their own.
    ///
    /// - Parameter isJoined: whether all are in one prompt: then words alone distinguish them
    private func checkDifferent(_ labels: [UnderstoodLabel], isJoined: Bool) throws(SegmentationError) {
        guard labels.count > 1 else { return }
        var names: [Set<ReadPhrase>: String] = [:]
        for label in labels {
            let read = Set(isJoined ? label.phrases.map(\.alone) : Array(label.read.keys))
            if let other = names.updateValue(label.name, forKey: read) { throw .alike(other, label.name) }
        }
    }

    /// Finds the words' tokens inside their prompt, unless they were found before.
    private func understand(_ phrase: Phrase, _ recipe: Recipe) throws(SegmentationError) -> UnderstoodPhrase {
        let key = UnderstandingKey(phrase, recipe)
        if let known = phrases.value(for: key) { return known }
        let understood = try tokens(of: phrase, recipe)
        phrases.insert(understood, bytes: key.bytes + understood.bytes, for: key)
        return understood
    }

    private func tokens(of phrase: Phrase, _ recipe: Recipe) throws(SegmentationError) -> UnderstoodPhrase {
        let length = model.textEncoder.configuration.positions
        guard !model.tokenizer.tokens(of: phrase.words).isEmpty else { throw .noTokens(words: phrase.words) }
        let prompt = phrase.prompt ?? recipe.template.prompt(for: phrase.words)
        let encoded = model.tokenizer.encode(prompt, length: length)
        func positions(length: Int) -> [Int]? {
            model.tokenizer.positions(of: phrase.words, in: prompt, from: recipe.template, length: length)
        }
        guard let positions = positions(length: length) else {
            throw positions(length: .max) != nil
                ? .cutOff(words: phrase.words, prompt: prompt, positions: length)
                : .notInPrompt(words: phrase.words, prompt: prompt)
        }
        return UnderstoodPhrase(
            words: phrase.words, prompt: prompt, tokens: encoded.tokens.prefix(encoded.count).map(\.self),
            positions: positions.map(Int32.init), enhanced: positions.map(Int32.init), truncated: encoded.truncated)
    }
}

/// Everything that the tokens and positions of a phrase depend on.
struct UnderstandingKey: Hashable {
    private let template: PromptTemplate
    private let words: ExactString
    private let prompt: ExactString?

    init(_ phrase: Phrase, _ recipe: Recipe) {
        template = recipe.template
        words = ExactString(phrase.words)
        prompt = phrase.prompt.map { ExactString($0) }
    }

    /// Bytes of the key's texts, and 256 for the cache entry.
    var bytes: Int { 256 + words.text.utf8.count + (prompt?.text.utf8.count ?? 0) }
}

extension UnderstoodPhrase {
    fileprivate var bytes: Int {
        words.utf8.count + prompt.utf8.count + positions.count * MemoryLayout<Int32>.stride
            + tokens.count * MemoryLayout<Token>.stride
    }
}
