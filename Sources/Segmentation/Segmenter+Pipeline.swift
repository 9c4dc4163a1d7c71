import Kernels
import Networks
import Texts

extension Segmenter {
    /// The score maps of some labels on the latent grid, before labels share pixels: those of their phrases, averaged.
    func scores(
        of labels: ArraySlice<UnderstoodLabel>, _ picture: AskedPicture, _ fusion: AttentionFusion,
        _ answer: inout AnswerInProgress
    ) throws(SegmentationError) -> [[Float]] {
        let keys = scoreKeys(labels, picture, fusion, answer.request)
        var maps: [ScoreKey: [Float]] = [:]
        var missing: [ScoreKey] = []
        for key in keys.joined() {
            let known = workspace.scoreMaps.value(for: key, of: answer.owner)
            note(key, isScored: known != nil, &answer)
            guard maps[key] == nil else { continue }
            if known == nil { missing.append(key) }
            maps[key] = known ?? []
        }
        for batch in batches(missing, of: keys, atMost: answer.request.recipe.groupPhrases) {
            let found =
                if let rule = answer.request.recipe.dense {
                    try scores(of: labels, batch.flatMap(\.self), by: rule, picture, fusion, &answer)
                } else {
                    try scores(of: batch, picture, fusion, &answer)
                }
            for (key, map) in zip(batch.joined(), found) { maps[key] = map }
        }
        let presence = answer.request.recipe.presence
        return answer.timing(.maps) {
            keys.map { phrases in
                let map = Self.mean(of: phrases.map { maps[$0] ?? [] })
                guard let presence, ScoreKernels.largest(map) <= presence else { return map }
                return [Float](repeating: 0, count: map.count)
            }
        }
    }

    /// The mean of a label's phrases' maps.
    static func mean(of maps: [[Float]]) -> [Float] {
        guard maps.count > 1 else { return maps.first ?? [] }
        var sum = [Float](repeating: 0, count: maps[0].count)
        for map in maps { ScoreKernels.add(map, times: 1 / Float(maps.count), to: &sum) }
        return sum
    }

    /// The phrases that are scored together: of labels in company all, however few maps are missing; else the missing
    /// ones that share a pass, at most `limit`.
    func batches(
        _ missing: [ScoreKey], of labels: [[ScoreKey]], atMost limit: Int
    ) -> [[[ScoreKey]]] {
        guard missing.first?.company == nil else { return [labels] }
        var batches: [[[ScoreKey]]] = []
        var rest = missing[...]
        while let first = rest.first {
            let batch = rest.prefix(limit).prefix { $0.features == first.features }
            rest.removeFirst(batch.count)
            batches.append([Array(batch)])
        }
        return batches
    }

    /// Notes the prompts and the pass that a phrase's map needs, and which of them are cached.
    ///
    /// - Parameter isScored: whether the map itself is
    private func note(_ key: ScoreKey, isScored: Bool, _ answer: inout AnswerInProgress) {
        answer.needs(prompt: key.prompt, isKnown: isScored || isRead(key.prompt, for: answer.owner))
        var isRun = true
        for pass in key.features.passes {
            let isKnown = workspace.features.value(for: pass, of: answer.owner) != nil
            answer.needs(pass: pass, isKnown: isScored || isKnown)
            if !isKnown { isRun = false }
        }
        guard !isScored, !isRun else { return }
        let prompt = key.features.prompt
        answer.needs(prompt: prompt, isKnown: isRead(prompt, for: answer.owner))
    }

    private func isRead(_ prompt: ReadPrompt, for owner: UInt32) -> Bool {
        workspace.words.value(for: textKey(prompt), of: owner) != nil
    }

    private func textKey(_ prompt: ReadPrompt) -> TextKey { TextKey(model: model.key, prompt: prompt) }

    /// The keys of each label's phrases.
    func scoreKeys(
        _ labels: ArraySlice<UnderstoodLabel>, _ asked: AskedPicture, _ fusion: AttentionFusion,
        _ request: SegmentationRequest
    ) -> [[ScoreKey]] {
        let recipe = request.recipe
        let companies = recipe.scoresTogether ? Company.all(labels) : labels.map { _ in nil }
        func key(_ prompt: ReadPrompt, _ positions: [Int32], _ company: Company?) -> ScoreKey {
            ScoreKey(
                features: FeatureKey(
                    model: model.key, picture: ExactString(asked.picture.looked.handle),
                    seed: request.seed, timestep: request.timestep,
                    prompt: request.fixedPrompt.map { ReadPrompt($0) } ?? prompt, captured: fusion.captured,
                    layout: asked.layout, resampling: recipe.resampling),
                aggregation: recipe.aggregation, refinement: recipe.refinement, prompt: prompt,
                positions: positions, filter: recipe.dense == nil ? nil : filter?.key, company: company)
        }
        return zip(labels, companies).map { label, company in
            // The filter scores a label by all its words at once.
            guard recipe.dense == nil else {
                return [key(ReadPrompt(label.phrases.map(\.words).joined(separator: "\0")), [], company)]
            }
            return label.phrases.map { key(ReadPrompt($0.prompt, weights: $0.weights), $0.positions, company) }
        }
    }

    /// Computes the score maps of labels' phrases that share a pass, and caches those that are not cached.
    private func scores(
        of batch: [[ScoreKey]], _ picture: AskedPicture, _ fusion: AttentionFusion, _ answer: inout AnswerInProgress
    ) throws(SegmentationError) -> [[Float]] {
        let (labels, features) = try read(batch, picture, &answer)
        let cancellation = answer.cancellation
        let found = try answer.timing(.maps) { () throws(SegmentationError) in
            do throws(Interruption) {
                return try fusion.scores(of: labels, in: features, cancellation: cancellation, &workspace.arena)
            } catch {
                throw SegmentationError(error)
            }
        }
        remember(found, batch.flatMap(\.self), for: answer.owner)
        return found
    }

    /// Labels' phrases that share a pass, with their prompts encoded, and the features of that pass.
    func read(
        _ batch: [[ScoreKey]], _ picture: AskedPicture, _ answer: inout AnswerInProgress
    ) throws(SegmentationError) -> (labels: [[AskedPhrase]], features: [AttentionFeatures]) {
        try check(answer.cancellation)
        let keys = batch.flatMap(\.self)
        let texts = try texts(keys.map(\.prompt), &answer)
        let labels = batch.map { phrases in
            phrases.compactMap { key in
                texts[key.prompt].map { AskedPhrase(text: $0, positions: key.positions) }
            }
        }
        return (labels, try features(of: picture, keys[0].features, &answer))
    }

    private func remember(_ maps: [[Float]], _ keys: [ScoreKey], for owner: UInt32) {
        for (key, map) in zip(keys, maps) where workspace.scoreMaps.value(for: key, of: owner) == nil {
            workspace.scoreMaps.insert(
                map, bytes: key.bytes + map.count * MemoryLayout<Float>.stride, for: key, of: owner)
        }
    }

    /// Computes the score maps of labels whose seeds the filter sees at each patch, and caches them.
    ///
    /// - Parameter keys: one of each label
    private func scores(
        of labels: ArraySlice<UnderstoodLabel>, _ keys: [ScoreKey], by rule: DenseRule, _ picture: AskedPicture,
        _ fusion: AttentionFusion,
        _ answer: inout AnswerInProgress
    ) throws(SegmentationError) -> [[Float]] {
        let features = try features(of: picture, keys[0].features, &answer)
        let seeds = try seeds(of: labels, by: rule, picture, &answer)
        let cancellation = answer.cancellation
        let found = try answer.timing(.maps) { () throws(SegmentationError) in
            do throws(Interruption) {
                return try fusion.scores(
                    of: seeds.maps, on: seeds.grid, rounds: fusion.rounds, in: features, cancellation: cancellation,
                    &workspace.arena)
            } catch {
                throw SegmentationError(error)
            }
        }
        remember(found, keys, for: answer.owner)
        return found
    }

    /// The filter's scores of labels at each of a picture's patches.
    func seeds(
        of labels: ArraySlice<UnderstoodLabel>, by rule: DenseRule, _ picture: AskedPicture,
        _ answer: inout AnswerInProgress
    ) throws(SegmentationError) -> (grid: Grid, maps: [[Float]]) {
        let network = try filter(for: answer.request.recipe)
        guard let pixels = picture.views[network.reading(by: rule)] else {
            preconditionFailure("a picture that nobody prepared")
        }
        let cancellation = answer.cancellation
        return try answer.timing(.maps) { () throws(SegmentationError) in
            do throws(Interruption) {
                return try network.seeds(
                    of: pixels, classes: labels.map { $0.phrases.map(\.words) }, by: rule, for: picture.owner,
                    cancellation: cancellation, &workspace.arena)
            } catch {
                throw SegmentationError(error)
            }
        }
    }

    /// Contexts and keys of prompts; those that are not cached are read together, ``groupPrompts`` at a time.
    private func texts(
        _ prompts: [ReadPrompt], _ answer: inout AnswerInProgress
    ) throws(SegmentationError) -> [ReadPrompt: EncodedText] {
        var texts: [ReadPrompt: EncodedText] = [:]
        var unknown: [ReadPrompt] = []
        for prompt in prompts where texts[prompt] == nil && !unknown.contains(prompt) {
            texts[prompt] = workspace.words.value(for: textKey(prompt), of: answer.owner)
            if texts[prompt] == nil { unknown.append(prompt) }
        }
        let cancellation = answer.cancellation
        for first in stride(from: 0, to: unknown.count, by: Self.groupPrompts) {
            let batch = unknown[first...].prefix(Self.groupPrompts)
            let read = try answer.timing(.text) { () throws(SegmentationError) in
                do throws(Interruption) {
                    return try EncodedText.reading(Array(batch), model, cancellation: cancellation, &workspace.arena)
                } catch {
                    throw SegmentationError(error)
                }
            }
            for (prompt, text) in zip(batch, read) {
                texts[prompt] = text
                answer.reads(prompt: prompt)
                workspace.words.insert(text, bytes: text.bytes, for: textKey(prompt), of: answer.owner)
            }
        }
        return texts
    }

    /// Runs or finds the next pass over a picture's tiles before labels are scored: between two of them the job may
    /// yield its turn. Returns `false` where all are there.
    func advance(
        to labels: ArraySlice<UnderstoodLabel>, _ picture: AskedPicture, _ fusion: AttentionFusion,
        _ answer: inout AnswerInProgress
    ) throws(SegmentationError) -> Bool {
        let keys = scoreKeys(labels, picture, fusion, answer.request).joined()
        let owner = answer.owner
        guard picture.layout.tiles.count > 1,
            let key = keys.first(where: { workspace.scoreMaps.value(for: $0, of: owner) == nil })
        else { return false }
        let found = answer.last?.key == key.features ? answer.last?.features ?? [] : []
        guard found.count < picture.layout.tiles.count else { return false }
        let pass = PassKey(features: key.features, tile: found.count)
        answer.last = (key.features, found + [try features(of: picture, pass, &answer)])
        return true
    }

    /// The features of the passes over a picture's tiles: cached, or computed and cached.
    func features(
        of picture: AskedPicture, _ key: FeatureKey, _ answer: inout AnswerInProgress
    ) throws(SegmentationError) -> [AttentionFeatures] {
        var all = answer.last?.key == key ? answer.last?.features ?? [] : []
        for pass in key.passes[all.count...] { all.append(try features(of: picture, pass, &answer)) }
        let bytes = all.reduce(0) { $0 + $1.bytes }
        answer.last = bytes > workspace.limits.features ? (key, all) : nil
        return all
    }

    /// The features of one pass.
    private func features(
        of picture: AskedPicture, _ pass: PassKey, _ answer: inout AnswerInProgress
    ) throws(SegmentationError) -> AttentionFeatures {
        if let known = workspace.features.value(for: pass, of: answer.owner) { return known }
        let found = try run(pass, over: picture, &answer)
        answer.runs(pass: pass)
        workspace.features.insert(found, bytes: found.bytes, for: pass, of: answer.owner)
        return found
    }

    /// Runs the U-Net over the noised latent of a tile.
    private func run(
        _ pass: PassKey, over picture: AskedPicture, _ answer: inout AnswerInProgress
    ) throws(SegmentationError) -> AttentionFeatures {
        let key = pass.features
        guard let context = try texts([key.prompt], &answer)[key.prompt]?.context else {
            preconditionFailure("every prompt is read")
        }
        let (tile, grid) = (key.layout.tiles[pass.tile], key.layout.grid)
        let latent = try latent(of: picture, tile: pass.tile, &answer)
        let colours =
            key.captured.affinity.colour == nil ? nil : picture.guide?.colours(of: tile, grid, key.captured.level)
        let cancellation = answer.cancellation
        return try answer.timing(.unet) { () throws(SegmentationError) in
            do throws(Interruption) {
                return try workspace.arena.scope { (arena) throws(Interruption) in
                    let noised = arena.featureMap(
                        height: tile.grid.height, width: tile.grid.width,
                        channels: model.unet.configuration.inChannels)
                    noised.matrix.fill(latent)
                    model.addNoise(to: noised, tile, of: grid, seed: key.seed, timestep: key.timestep, &arena)
                    return try model.features(
                        of: noised, timestep: key.timestep, context: context, capturing: key.captured,
                        colours: colours, cancellation: cancellation, &arena)
                }
            } catch {
                throw SegmentationError(error)
            }
        }
    }

    /// The latents of a picture, as far as they are cached, also where another request had them computed after this one
    /// began.
    private func latents(of asked: AskedPicture) -> [[Float]?] {
        asked.layout.tiles.indices.map {
            asked.latents[$0] ?? workspace.latents.value(for: asked.latentKey($0), of: asked.owner)
        }
    }

    /// The scaled mean of a tile's posterior, `[H·W, 4]`.
    private func latent(
        of asked: AskedPicture, tile: Int, _ answer: inout AnswerInProgress
    ) throws(SegmentationError) -> [Float] {
        asked.latents = latents(of: asked)
        if let known = asked.latents[tile] { return known }
        guard let content = asked.content else { preconditionFailure("a picture without data to encode") }
        let latent = try encoded(content, of: asked, tile: tile, &answer)
        workspace.latents.insert(
            latent, bytes: latent.count * MemoryLayout<Float>.stride + asked.picture.looked.handle.utf8.count,
            for: asked.latentKey(tile), of: asked.owner)
        asked.latents[tile] = latent
        answer.hasEncoded = true
        if !asked.latents.contains(where: { $0 == nil }) {
            asked.content = nil
            workspace.pictures.drop(asked.resize, of: asked.picture.looked.handle, for: asked.owner)
        }
        return latent
    }

    /// Runs the autoencoder over a tile of a picture.
    private func encoded(
        _ content: PictureContent, of asked: AskedPicture, tile: Int, _ answer: inout AnswerInProgress
    ) throws(SegmentationError) -> [Float] {
        let cancellation = answer.cancellation
        let tile = asked.layout.tiles[tile].times(model.autoencoder.configuration.factor)
        let part = try answer.timing(.decode) { () throws(SegmentationError) in
            let resized = try content.resized(asked.resize, cancellation: cancellation)
            asked.content = .resized(resized)
            return tile.part(of: resized, asked.resize.grid, channels: 3)
        }
        return try answer.timing(.autoencoder) { () throws(SegmentationError) in
            do throws(Interruption) {
                return try model.latent(of: part, tile.grid, cancellation: cancellation, &workspace.arena)
            } catch {
                throw SegmentationError(error)
            }
        }
    }
}
