import Kernels
import Networks

/// An answer in the making.
struct Answer {
    let request: SegmentationRequest
    let cancellation: Cancellation
    var report = Report()
    /// What was needed so far, whether it was known or not: each counts once.
    var prompts: Set<String> = []
    var passes: Set<FeatureKey> = []
    /// What of it was not known.
    var encoded: Set<String> = []
    /// The last pass: the shared one runs once, even where no cache has room for it.
    var last: (key: FeatureKey, features: AttentionFeatures)?

    init(request: SegmentationRequest, cancellation: Cancellation, queueMilliseconds: Float) {
        self.request = request
        self.cancellation = cancellation
        report.queue = queueMilliseconds
        report.latentCached = true      // until the autoencoder runs
    }

    /// Adds the time that `body` takes to a stage.
    mutating func timing<Result, Failure: Error>(
        _ stage: WritableKeyPath<Report, Float>, _ body: () throws(Failure) -> Result
    ) throws(Failure) -> Result {
        let start = ContinuousClock.now
        defer { report[keyPath: stage] += start.duration(to: .now).milliseconds }
        return try body()
    }

    /// The last word.
    func finished(hash: String) -> Report {
        var report = report
        report.phrasesCached = prompts.subtracting(encoded).count
        report.featuresCached = passes.count - report.passes
        report.answerHash = hash
        return report
    }
}

/// What determines a phrase's score map, bit for bit.
struct ScoreKey: Hashable {
    let features: FeatureKey
    /// Its weights fuse the maps.
    let recipe: String
    let prompt: String
    let positions: [Int32]
}

extension Segmenter {
    /// The score maps of some labels on the latent grid: those of their phrases, averaged.
    func scores(
        of labels: ArraySlice<UnderstoodLabel>, _ picture: Picture, _ fusion: AttentionFusion,
        _ answer: inout Answer
    ) throws(SegmentationError) -> [[Float]] {
        var maps: [ScoreKey: [Float]] = [:]
        var missing: [ScoreKey] = []
        for phrase in labels.lazy.flatMap(\.phrases) {
            let key = scoreKey(phrase, picture, answer.request)
            answer.prompts.insert(phrase.prompt)
            answer.passes.insert(key.features)
            guard maps[key] == nil else { continue }
            let known = scoreMaps.value(for: key)
            if known == nil { missing.append(key) }
            maps[key] = known ?? []
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
                var sum: [Float] = []
                for phrase in label.phrases {
                    let map = maps[scoreKey(phrase, picture, request)] ?? []
                    if sum.isEmpty { sum = [Float](repeating: 0, count: map.count) }
                    ScoreKernels.add(map, times: 1 / Float(label.phrases.count), to: &sum)
                }
                return sum
            }
        }
    }

    private func scoreKey(
        _ phrase: UnderstoodPhrase, _ picture: Picture, _ request: SegmentationRequest
    ) -> ScoreKey {
        let prompt = switch request.recipe.strategy {
        case .sharedPass: request.forwardPrompt ?? model.forwardPrompt
        case .passForEachPrompt: phrase.prompt
        }
        return ScoreKey(
            features: FeatureKey(
                model: model.hash, picture: picture.looked.handle, seed: request.seed, timestep: request.timestep,
                prompt: prompt, precision: model.precision.rawValue),
            recipe: request.recipe.name, prompt: phrase.prompt, positions: phrase.positions)
    }

    /// The score maps of phrases that are read from the same pass, and from here on known.
    private func scores(
        of batch: [ScoreKey], _ picture: Picture, _ fusion: AttentionFusion, _ answer: inout Answer
    ) throws(SegmentationError) -> [[Float]] {
        try check(answer.cancellation)
        let texts = try texts(batch.map(\.prompt), &answer)
        let phrases = zip(texts, batch).map { AskedPhrase(text: $0, positions: $1.positions) }
        let features = try features(of: picture, batch[0].features, &answer)
        let found = answer.timing(\.maps) { fusion.scores(of: phrases, in: features, &arena) }
        for (key, map) in zip(batch, found) {
            scoreMaps.insert(map, bytes: map.count * MemoryLayout<Float>.stride, for: key)
        }
        return found
    }

    /// Contexts and keys of prompts; those that are not known are read together.
    private func texts(_ prompts: [String], _ answer: inout Answer) throws(SegmentationError) -> [EncodedText] {
        answer.prompts.formUnion(prompts)
        var texts: [String: EncodedText] = [:]
        var unknown: [String] = []
        for prompt in prompts where texts[prompt] == nil && !unknown.contains(prompt) {
            texts[prompt] = words.value(for: prompt)
            if texts[prompt] == nil { unknown.append(prompt) }
        }
        if !unknown.isEmpty {
            answer.encoded.formUnion(unknown)
            let cancellation = answer.cancellation
            let read = try answer.timing(\.text) { () throws(SegmentationError) in
                do throws(Interruption) {
                    return try EncodedText.reading(unknown, model, cancellation: cancellation, &arena)
                } catch {
                    throw SegmentationError(error)
                }
            }
            for (prompt, text) in zip(unknown, read) {
                texts[prompt] = text
                words.insert(text, bytes: text.bytes, for: prompt)
            }
        }
        return prompts.compactMap { texts[$0] }
    }

    /// What a pass over the picture leaves behind.
    private func features(
        of picture: Picture, _ key: FeatureKey, _ answer: inout Answer
    ) throws(SegmentationError) -> AttentionFeatures {
        if let last = answer.last, last.key == key { return last.features }
        if let known = features.value(for: key) {
            answer.last = (key, known)
            return known
        }
        let found = try pass(over: picture, key.prompt, &answer)
        answer.report.passes += 1
        features.insert(found, bytes: found.bytes, for: key)
        answer.last = (key, found)
        return found
    }

    /// Runs the U-Net over the noised latent.
    private func pass(
        over picture: Picture, _ prompt: String, _ answer: inout Answer
    ) throws(SegmentationError) -> AttentionFeatures {
        let request = answer.request
        let context = try texts([prompt], &answer)[0].context
        let latent = try latent(of: picture, &answer)
        let cancellation = answer.cancellation
        return try answer.timing(\.unet) { () throws(SegmentationError) in
            let side = model.unet.configuration.sampleSize
            do throws(Interruption) {
                return try arena.scope { (arena) throws(Interruption) in
                    let noised = arena.featureMap(
                        height: side, width: side, channels: model.unet.configuration.inChannels)
                    noised.matrix.fill(latent)
                    model.addNoise(to: noised, seed: request.seed, timestep: request.timestep, &arena)
                    return try model.features(
                        of: noised, timestep: request.timestep, context: context, cancellation: cancellation, &arena)
                }
            } catch {
                throw SegmentationError(error)
            }
        }
    }

    /// The scaled mean of the picture's posterior, `[H·W, 4]`.
    private func latent(of picture: Picture, _ answer: inout Answer) throws(SegmentationError) -> [Float] {
        let square: [Float]
        switch picture.content {
        case .latent(let known): return known
        case .square(let numbers): square = numbers
        }
        answer.report.latentCached = false
        let cancellation = answer.cancellation
        let latent = try answer.timing(\.autoencoder) { () throws(SegmentationError) in
            do throws(Interruption) {
                return try model.latent(of: square, cancellation: cancellation, &arena)
            } catch {
                throw SegmentationError(error)
            }
        }
        pictures.keep(latent: latent, of: picture)
        return latent
    }
}
