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
            let known = scoreMaps.value(for: key)
            note(key, isScored: known?.owners.note(answer.owner) ?? false, &answer)
            guard maps[key] == nil else { continue }
            if known == nil { missing.append(key) }
            maps[key] = known?.value ?? []
        }
        for batch in batches(missing, of: keys) {
            let found = try scores(of: batch, picture, fusion, &answer)
            for (key, map) in zip(batch.joined(), found) { maps[key] = map }
        }
        return answer.timing(\.maps) {
            keys.map { phrases in
                let all = phrases.map { maps[$0] ?? [] }
                guard all.count > 1 else { return all.first ?? [] }
                var sum: [Float] = []
                for map in all {
                    if sum.isEmpty { sum = [Float](repeating: 0, count: map.count) }
                    ScoreKernels.add(map, times: 1 / Float(all.count), to: &sum)
                }
                return sum
            }
        }
    }

    /// The phrases that are scored together: of labels in company all, however few maps are missing; else the missing
    /// ones that share a pass, at most ``groupPhrases``.
    private func batches(_ missing: [ScoreKey], of labels: [[ScoreKey]]) -> [[[ScoreKey]]] {
        guard missing.first?.company == nil else { return [labels] }
        var batches: [[[ScoreKey]]] = []
        var rest = missing[...]
        while let first = rest.first {
            let batch = rest.prefix(Self.groupPhrases).prefix { $0.features == first.features }
            rest.removeFirst(batch.count)
            batches.append([Array(batch)])
        }
        return batches
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

    /// The keys of each label's phrases.
    private func scoreKeys(
        _ labels: ArraySlice<UnderstoodLabel>, _ asked: AskedPicture, _ fusion: AttentionFusion,
        _ request: SegmentationRequest
    ) -> [[ScoreKey]] {
        let companies = request.recipe.softmax == .own ? labels.map { _ in nil } : Company.all(labels)
        return zip(labels, companies).map { label, company in
            label.phrases.map { phrase in
                ScoreKey(
                    features: FeatureKey(
                        model: ExactString(model.hash), picture: ExactString(asked.picture.looked.handle),
                        seed: request.seed, timestep: request.timestep,
                        prompt: ExactString(request.forwardPrompt ?? phrase.prompt), captured: fusion.captured,
                        precision: model.precision),
                    aggregation: request.recipe.aggregation, rounds: request.recipe.refinement.rounds,
                    prompt: ExactString(phrase.prompt), positions: phrase.positions, company: company)
            }
        }
    }

    /// Computes the score maps of labels' phrases that share a pass, and caches those that are not cached.
    private func scores(
        of batch: [[ScoreKey]], _ picture: AskedPicture, _ fusion: AttentionFusion, _ answer: inout AnswerInProgress
    ) throws(SegmentationError) -> [[Float]] {
        try check(answer.cancellation)
        let keys = batch.flatMap(\.self)
        let texts = try texts(keys.map(\.prompt), &answer)
        let labels = batch.map { phrases in
            phrases.compactMap { key in
                texts[key.prompt].map { AskedPhrase(text: $0, positions: key.positions) }
            }
        }
        let features = try features(of: picture, keys[0].features, &answer)
        let found = answer.timing(\.maps) { fusion.scores(of: labels, in: features, &arena) }
        for (key, map) in zip(keys, found) where scoreMaps.value(for: key) == nil {
            scoreMaps.insert(
                Remembered(map, for: answer.owner), bytes: key.bytes + map.count * MemoryLayout<Float>.stride, for: key)
        }
        return found
    }

    /// Contexts and keys of prompts; those that are not cached are read together, ``groupPhrases`` at a time.
    private func texts(
        _ prompts: [ExactString], _ answer: inout AnswerInProgress
    ) throws(SegmentationError) -> [ExactString: EncodedText] {
        var texts: [ExactString: EncodedText] = [:]
        var unknown: [ExactString] = []
        for prompt in prompts where texts[prompt] == nil && !unknown.contains(prompt) {
            texts[prompt] = words.value(for: prompt)?.value
            if texts[prompt] == nil { unknown.append(prompt) }
        }
        let cancellation = answer.cancellation
        for first in stride(from: 0, to: unknown.count, by: Self.groupPhrases) {
            let batch = unknown[first...].prefix(Self.groupPhrases)
            let read = try answer.timing(\.text) { () throws(SegmentationError) in
                do throws(Interruption) {
                    return try EncodedText.reading(batch.map(\.text), model, cancellation: cancellation, &arena)
                } catch {
                    throw SegmentationError(error)
                }
            }
            for (prompt, text) in zip(batch, read) {
                texts[prompt] = text
                answer.reads(prompt: prompt)
                words.insert(Remembered(text, for: answer.owner), bytes: text.bytes, for: prompt)
            }
        }
        return texts
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
        guard let context = try texts([key.prompt], &answer)[key.prompt]?.context else {
            preconditionFailure("every prompt is read")
        }
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
