import Kernels
import Networks
import Texts

/// Everything that a phrase's score map depends on, before labels share pixels: equal keys, equal maps, bit for bit.
struct ScoreKey: Hashable {
    let features: FeatureKey
    let aggregation: Aggregation
    let rounds: Int
    let prompt: ExactString
    let positions: [Int32]

    /// Of the key, which a cache holds twice, and of what both copies share.
    var bytes: Int {
        2 * MemoryLayout<Self>.stride + prompt.text.utf8.count + positions.count * MemoryLayout<Int32>.stride
    }
}

extension Segmenter {
    /// The score maps of some labels on the latent grid, before labels share pixels: those of their phrases, averaged.
    func scores(
        of labels: ArraySlice<UnderstoodLabel>, _ picture: AskedPicture, _ fusion: AttentionFusion,
        _ answer: inout AnswerInProgress
    ) throws(SegmentationError) -> [[Float]] {
        var maps: [ScoreKey: [Float]] = [:]
        var missing: [ScoreKey] = []
        for phrase in labels.lazy.flatMap(\.phrases) {
            let key = scoreKey(phrase, picture, fusion, answer.request)
            let known = scoreMaps.value(for: key)
            note(key, isScored: known?.owners.note(answer.owner) ?? false, &answer)
            guard maps[key] == nil else { continue }
            if known == nil { missing.append(key) }
            maps[key] = known?.value ?? []
        }
        while let first = missing.first {
            let batch = missing.prefix(Self.groupPhrases).prefix { $0.features == first.features }
            missing.removeFirst(batch.count)
            let found = try scores(of: Array(batch), picture, fusion, &answer)
            for (key, map) in zip(batch, found) { maps[key] = map }
        }
        let request = answer.request
        return answer.timing(\.maps) {
            labels.map { label in
                let all = label.phrases.map { maps[scoreKey($0, picture, fusion, request)] ?? [] }
                guard all.count > 1 else { return all.first ?? [] }
                var sum: [Float] = []
                for map in all {
                    if sum.isEmpty { sum = [Float](repeating: 0, count: map.count) }
                    ScoreKernels.add(map, times: 1 / Float(label.phrases.count), to: &sum)
                }
                return sum
            }
        }
    }

    /// Notes the prompts and the pass that a phrase's map needs, and which of them the user's earlier requests needed:
    /// the same for that user whether the entries come from their own requests or from another user's.
    ///
    /// - Parameter isScored: whether their earlier requests needed the map itself
    private func note(_ key: ScoreKey, isScored: Bool, _ answer: inout AnswerInProgress) {
        let isRead = words.value(for: key.prompt)?.owners.note(answer.owner) ?? false
        answer.needs(prompt: key.prompt, isKnown: isScored || isRead)
        let isRun = features.value(for: key.features)?.owners.note(answer.owner) ?? false
        answer.needs(pass: key.features, isKnown: isScored || isRun)
        guard !isScored, !isRun else { return }
        let isKnown = words.value(for: key.features.prompt)?.owners.note(answer.owner) ?? false
        answer.needs(prompt: key.features.prompt, isKnown: isKnown)
    }

    private func scoreKey(
        _ phrase: UnderstoodPhrase, _ asked: AskedPicture, _ fusion: AttentionFusion, _ request: SegmentationRequest
    ) -> ScoreKey {
        ScoreKey(
            features: FeatureKey(
                model: ExactString(model.hash), picture: ExactString(asked.picture.looked.handle), seed: request.seed,
                timestep: request.timestep, prompt: ExactString(request.forwardPrompt ?? phrase.prompt),
                captured: fusion.captured, precision: model.precision),
            aggregation: request.recipe.aggregation, rounds: request.recipe.refinement.rounds,
            prompt: ExactString(phrase.prompt), positions: phrase.positions)
    }

    /// Computes and caches the score maps of phrases that share a pass.
    private func scores(
        of batch: [ScoreKey], _ picture: AskedPicture, _ fusion: AttentionFusion, _ answer: inout AnswerInProgress
    ) throws(SegmentationError) -> [[Float]] {
        try check(answer.cancellation)
        let texts = try texts(batch.map(\.prompt), &answer)
        let phrases = zip(texts, batch).map { AskedPhrase(text: $0, positions: $1.positions) }
        let features = try features(of: picture, batch[0].features, &answer)
        let found = answer.timing(\.maps) { fusion.scores(of: phrases, in: features, &arena) }
        for (key, map) in zip(batch, found) {
            scoreMaps.insert(
                Remembered(map, for: answer.owner), bytes: key.bytes + map.count * MemoryLayout<Float>.stride, for: key)
        }
        return found
    }

    /// Contexts and keys of prompts; those that are not cached are read together.
    private func texts(
        _ prompts: [ExactString], _ answer: inout AnswerInProgress
    ) throws(SegmentationError) -> [EncodedText] {
        var texts: [ExactString: EncodedText] = [:]
        var unknown: [ExactString] = []
        for prompt in prompts where texts[prompt] == nil && !unknown.contains(prompt) {
            texts[prompt] = words.value(for: prompt)?.value
            if texts[prompt] == nil { unknown.append(prompt) }
        }
        if !unknown.isEmpty {
            let cancellation = answer.cancellation
            let read = try answer.timing(\.text) { () throws(SegmentationError) in
                do throws(Interruption) {
                    return try EncodedText.reading(unknown.map(\.text), model, cancellation: cancellation, &arena)
                } catch {
                    throw SegmentationError(error)
                }
            }
            for (prompt, text) in zip(unknown, read) {
                texts[prompt] = text
                answer.reads(prompt: prompt)
                words.insert(Remembered(text, for: answer.owner), bytes: text.bytes, for: prompt)
            }
        }
        return prompts.compactMap { texts[$0] }
    }

    /// The features of the pass over a picture: cached, or computed and cached.
    private func features(
        of picture: AskedPicture, _ key: FeatureKey, _ answer: inout AnswerInProgress
    ) throws(SegmentationError) -> AttentionFeatures {
        if let last = answer.last, last.key == key { return last.features }
        if let known = features.value(for: key)?.value { return known }
        let found = try pass(over: picture, key, &answer)
        answer.runs(pass: key)
        features.insert(Remembered(found, for: answer.owner), bytes: found.bytes, for: key)
        answer.last = found.bytes > limits.features ? (key, found) : nil
        return found
    }

    /// Runs the U-Net over the noised latent.
    private func pass(
        over picture: AskedPicture, _ key: FeatureKey, _ answer: inout AnswerInProgress
    ) throws(SegmentationError) -> AttentionFeatures {
        let context = try texts([key.prompt], &answer)[0].context
        let latent = try latent(of: picture, &answer)
        let cancellation = answer.cancellation
        return try answer.timing(\.unet) { () throws(SegmentationError) in
            let side = model.unet.configuration.sampleSize
            do throws(Interruption) {
                return try arena.scope { (arena) throws(Interruption) in
                    let noised = arena.featureMap(
                        height: side, width: side, channels: model.unet.configuration.inChannels)
                    noised.matrix.fill(latent)
                    model.addNoise(to: noised, seed: key.seed, timestep: key.timestep, &arena)
                    return try model.features(
                        of: noised, timestep: key.timestep, context: context, capturing: key.captured,
                        guide: picture.guide, cancellation: cancellation, &arena)
                }
            } catch {
                throw SegmentationError(error)
            }
        }
    }

    /// The latent of a picture, if it is cached, also where another request had it computed after this one began.
    func latent(of asked: AskedPicture) -> Remembered<[Float]>? {
        if case .latent(let known) = asked.input { return known }
        return latents.value(for: ExactString(asked.picture.looked.handle))
    }

    /// The scaled mean of the picture's posterior, `[H·W, 4]`.
    private func latent(of asked: AskedPicture, _ answer: inout AnswerInProgress) throws(SegmentationError) -> [Float] {
        if let known = latent(of: asked) { asked.input = .latent(known) }
        switch asked.input {
        case .latent(let known): return known.value
        case .content(let content):
            let known = Remembered(try encoded(content, &answer), for: answer.owner)
            remember(known, of: asked.picture.looked.handle)
            asked.input = .latent(known)
            answer.hasEncoded = true
            return known.value
        }
    }

    /// Runs the autoencoder over a picture's square.
    private func encoded(
        _ content: PictureContent, _ answer: inout AnswerInProgress
    ) throws(SegmentationError) -> [Float] {
        let cancellation = answer.cancellation
        let square = try answer.timing(\.decode) { () throws(SegmentationError) in
            try content.square(side: model.autoencoder.configuration.sampleSize, cancellation: cancellation)
        }
        return try answer.timing(\.autoencoder) { () throws(SegmentationError) in
            do throws(Interruption) {
                return try model.latent(of: square, cancellation: cancellation, &arena)
            } catch {
                throw SegmentationError(error)
            }
        }
    }

    /// Keeps a picture's latent, instead of the square that it was made from.
    private func remember(_ latent: Remembered<[Float]>, of handle: String) {
        let bytes = latent.value.count * MemoryLayout<Float>.stride + handle.utf8.count
        latents.insert(latent, bytes: bytes, for: ExactString(handle))
        pictures.dropSquare(of: handle, side: model.autoencoder.configuration.sampleSize)
    }
}
