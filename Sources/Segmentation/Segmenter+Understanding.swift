import Kernels
import Networks
import Texts

extension Segmenter {
    /// Whether a request's model is this one.
    func isLoaded(_ name: String) -> Bool {
        ([model.name, model.hash, ""] + model.hashAliases).contains { ExactString($0) == ExactString(name) }
    }

    /// The picture that `owner` asks about, and its latent or what that is computed from.
    ///
    /// - Parameters:
    ///   - handle: the source's
    ///   - views: what captioner and filter read of it
    /// - Throws: `unknownPicture`, also for a picture that `owner` has sent, but of which what is needed is not cached:
    ///   the latents or the picture at this model's size, the guide where colours are read, or else the file
    func picture(
        _ source: PictureSource, _ handle: String, _ reading: PictureReading, owner: UInt32,
        cancellation: Cancellation, views: (LookedAt) throws(SegmentationError) -> [PictureConfiguration]
    ) throws(SegmentationError) -> AskedPicture {
        func needs(_ looked: LookedAt) throws(SegmentationError) -> PictureNeeds {
            let (layout, resize) = try input(of: looked, reading)
            let isKnown = !knownLatents(of: handle, layout, resize, for: owner).contains { $0 == nil }
            return PictureNeeds(resize: isKnown ? nil : resize, guide: reading.colours, views: try views(looked))
        }
        let (picture, data) =
            switch source {
            case .file(let bytes):
                try workspace.pictures.look(
                    at: bytes, handle: handle, owner: owner, cancellation: cancellation, needs: needs)
            case .handle:
                try workspace.pictures.known(handle, owner: owner, cancellation: cancellation, needs: needs)
            }
        let (layout, resize) = try input(of: picture.looked, reading)
        let asked = AskedPicture(
            picture, of: owner, data, model.key, layout, resize,
            latents: knownLatents(of: handle, layout, resize, for: owner))
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
    private func knownLatents(
        of handle: String, _ layout: Layout, _ resize: Resize, for owner: UInt32
    ) -> [[Float]?] {
        layout.tiles.map {
            let key = LatentKey(model: model.key, handle: handle, resize: resize, tile: $0)
            return workspace.latents.value(for: key, of: owner)
        }
    }

    /// Throws unless a request is for this model and within its limits.
    func check(_ request: SegmentationRequest) throws(SegmentationError) {
        try checkModel(request.model)
        guard request.timestep >= 0, request.timestep < model.scheduler.trainTimesteps else {
            throw .timestep(request.timestep, limit: model.scheduler.trainTimesteps)
        }
    }

    func checkModel(_ name: String) throws(SegmentationError) {
        guard isLoaded(name) else { throw .unknownModel(name, reason: "\"\(model.name)\" is loaded") }
    }

    /// A request whose labels are known, as the model reads it, with the labels' phrases tokenized.
    ///
    /// - Parameter search: complete
    func understand(
        _ request: SegmentationRequest, _ search: LabelSearch, _ asked: AskedPicture, _ fusion: AttentionFusion,
        cancellation: Cancellation
    ) throws(SegmentationError) -> Understanding {
        let (labels, forwardPrompt) = try understand(
            search.labels, request, for: asked.owner, cancellation: cancellation)
        let memory = AnswerMemory(
            model, filter, asked, request, search.labels, capturing: fusion.captured)
        return Understanding(
            picture: asked.picture.looked, transparency: asked.transparency, guide: asked.guide,
            grid: asked.layout.grid, resized: asked.resize.grid,
            labels: search.captioned(labels), choice: search.choice,
            captioner: search.usesCaptioner ? captioner.map { NetworkIdentity($0.blip) } : nil,
            filter: search.usesFilter || request.recipe.dense != nil ? filter.map { NetworkIdentity($0.clip) } : nil,
            recipe: request.recipe,
            forwardPrompt: forwardPrompt, seed: request.seed, timestep: request.timestep,
            threshold: request.threshold, model: model.name, modelHash: model.hash,
            modelAliases: model.hashAliases,
            precision: model.precision.rawValue, instructionSet: InstructionSet.chosen.rawValue,
            blas: BLAS.name,
            notes: [memory.note(model.latentSizes)].compactMap(\.self) + fusion.notes, memory: memory)
    }

    /// Labels, tokenized and checked against each other, and what the one pass for all phrases reads, if there is one.
    func understand(
        _ labels: [Label], _ request: SegmentationRequest, for owner: UInt32, cancellation: Cancellation
    ) throws(SegmentationError) -> ([UnderstoodLabel], String?) {
        if case .joined(let list) = request.recipe.forwardPrompt {
            return try understand(labels, request, joinedBy: list)
        }
        if request.recipe.dense != nil { try checkUnprompted(labels, request.recipe) }
        var understood: [UnderstoodLabel] = []
        for label in labels {
            var phrases: [UnderstoodPhrase] = []
            for phrase in label.phrases {
                try check(cancellation)
                phrases.append(try understand(phrase, request.recipe, for: owner))
            }
            understood.append(UnderstoodLabel(name: label.name, phrases: phrases))
        }
        try checkDifferent(understood, isJoined: false)
        return (understood, request.fixedPrompt)
    }

    /// Throws where phrases have prompts or weights of their own, and labels are scored without prompts.
    private func checkUnprompted(_ labels: [Label], _ recipe: Recipe) throws(SegmentationError) {
        for phrase in labels.flatMap(\.phrases) {
            let prompt = recipe.template.prompt(for: phrase.words)
            guard phrase.weight == 1, phrase.prompt.map({ ExactString($0) == ExactString(prompt) }) ?? true else {
                throw .recipe(.noPrompts(recipe: recipe.name, words: phrase.words))
            }
        }
    }

    /// The labels in the one prompt that lists them all, and that prompt.
    private func understand(
        _ labels: [Label], _ request: SegmentationRequest, joinedBy list: PhraseList
    ) throws(SegmentationError) -> ([UnderstoodLabel], String) {
        let phrases = labels.flatMap(\.phrases)
        let prompt = list.prompt(for: phrases.map(\.words))
        for chosen in [request.forwardPrompt] + phrases.map(\.prompt) {
            guard let chosen, ExactString(chosen) != ExactString(prompt) else { continue }
            throw .recipe(.builtPrompt(recipe: request.recipe.name, prompt: prompt))
        }
        let length = model.textEncoder.configuration.positions
        let places = try list.places(of: phrases.map(\.words), model.tokenizer, length: length)
        let encoded = model.tokenizer.encode(prompt, length: length)
        let weights = zip(phrases, places).flatMap { phrase, place in
            phrase.weights(of: place) + request.recipe.enhancement.weights(of: place)
        }
        var rest = Array(zip(phrases, places))[...]
        let understood = labels.map { label in
            let own = rest.prefix(label.phrases.count)
            rest = rest.dropFirst(label.phrases.count)
            return UnderstoodLabel(
                name: label.name,
                phrases: own.map { phrase, place in
                    UnderstoodPhrase(
                        words: phrase.words, prompt: prompt,
                        tokens: encoded.tokens.prefix(encoded.count).map(\.self),
                        positions: place.map(Int32.init), weight: phrase.weight, weights: weights,
                        truncated: encoded.truncated)
                })
        }
        try checkDifferent(understood, isJoined: true)
        return (understood, prompt)
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

    /// Finds the words' tokens inside their prompt, unless they were found before for the same user.
    private func understand(
        _ phrase: Phrase, _ recipe: Recipe, for owner: UInt32
    ) throws(SegmentationError) -> UnderstoodPhrase {
        let key = UnderstandingKey(model.key.hash, phrase, recipe)
        if let known = workspace.phrases.value(for: key, of: owner) { return known }
        let understood = try tokens(of: phrase, recipe)
        workspace.phrases.insert(understood, bytes: key.bytes + understood.bytes, for: key, of: owner)
        return understood
    }

    private func tokens(of phrase: Phrase, _ recipe: Recipe) throws(SegmentationError) -> UnderstoodPhrase {
        let length = model.textEncoder.configuration.positions
        guard !model.tokenizer.tokens(of: phrase.words).isEmpty else { throw .noTokens(words: phrase.words) }
        let prompt = phrase.prompt ?? recipe.template.prompt(for: phrase.words)
        let encoded = model.tokenizer.encode(prompt, length: length)
        func place(length: Int) -> PhrasePlace? {
            model.tokenizer.place(of: phrase.words, in: prompt, from: recipe.template, length: length)
        }
        guard let place = place(length: length) else {
            throw place(length: .max) != nil
                ? .cutOff(words: phrase.words, prompt: prompt, positions: length)
                : .notInPrompt(words: phrase.words, prompt: prompt)
        }
        return UnderstoodPhrase(
            words: phrase.words, prompt: prompt, tokens: encoded.tokens.prefix(encoded.count).map(\.self),
            positions: place.positions.map(Int32.init), weight: phrase.weight,
            weights: phrase.weights(of: place.words)
                + recipe.enhancement.weights(of: recipe.enhancement.words == .all ? place.words : place.lastWord),
            truncated: encoded.truncated)
    }
}

extension Phrase {
    /// compel's weights of the words' tokens.
    fileprivate func weights(of tokens: Range<Int>) -> [WeightedToken] {
        WeightedToken.all(at: tokens.lazy.map(Int32.init), by: weight, from: .emptyPrompt)
    }
}

extension Enhancement {
    fileprivate func weights(of tokens: Range<Int>) -> [WeightedToken] {
        WeightedToken.all(at: tokens.lazy.map(Int32.init), by: factor, from: origin)
    }
}

/// Everything that the tokens and positions of a phrase, and their weights, depend on.
struct UnderstandingKey: Hashable {
    /// SHA-256 of the model's files, its tokenizer's among them.
    let model: ExactString
    private let template: PromptTemplate
    private let enhancement: Enhancement
    private let words: ExactString
    private let prompt: ExactString?
    private let weight: Float

    init(_ model: ExactString, _ phrase: Phrase, _ recipe: Recipe) {
        self.model = model
        template = recipe.template
        enhancement = recipe.enhancement
        words = ExactString(phrase.words)
        prompt = phrase.prompt.map { ExactString($0) }
        weight = phrase.weight
    }

    /// Bytes of the key's texts, and 256 for the cache entry.
    var bytes: Int { 256 + words.text.utf8.count + (prompt?.text.utf8.count ?? 0) }
}

extension UnderstoodPhrase {
    fileprivate var bytes: Int {
        words.utf8.count + prompt.utf8.count + positions.count * MemoryLayout<Int32>.stride
            + tokens.count * MemoryLayout<Token>.stride + weights.count * MemoryLayout<WeightedToken>.stride
    }
}
