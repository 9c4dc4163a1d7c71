import Kernels
package import Networks

/// How much a segmenter may remember, in bytes.
package struct MemoryLimits: Sendable {
    /// Looked-at pictures: 6 MiB each for Stable Diffusion.
    package let pictures: Int
    /// Features of passes: 110 MiB each for Stable Diffusion.
    package let features: Int
    /// Prompts: 4 MiB each for Stable Diffusion.
    package let words: Int

    /// Forty pictures, nine passes and sixty prompts of Stable Diffusion.
    package static let standard = MemoryLimits(pictures: 256 << 20, features: 1 << 30, words: 256 << 20)

    package init(pictures: Int, features: Int, words: Int) {
        self.pictures = pictures
        self.features = features
        self.words = words
    }
}

/// Answers questions about pictures with one model: look once, ask many times.
///
///     file ─► Picture ─► latent ─► noised ─► U-Net pass ─► AttentionFeatures ─┐
///     words ─► prompt ─► tokens ─► context ─► keys ───────────────────────────┴─► fused ─► completed ─► scores
///
/// Everything above the last arrow is remembered. A segmenter belongs to one thread.
package final class Segmenter {
    package let model: Model
    package let limits: MemoryLimits
    var pictures: PictureStore
    private var features: Cache<FeatureKey, AttentionFeatures>
    private var words: Cache<String, EncodedText>
    private var arena = Arena()

    package init(model: Model, limits: MemoryLimits) {
        self.model = model
        self.limits = limits
        pictures = PictureStore(limit: limits.pictures, side: model.autoencoder.configuration.sampleSize)
        features = Cache(limit: limits.features)
        words = Cache(limit: limits.words)
    }

    /// What is remembered: pictures with their features, and prompts.
    package var memory: Memory {
        Memory(
            pictures: pictures.count, picturesBytes: pictures.bytes + features.bytes, words: words.count,
            wordsBytes: words.bytes)
    }

    /// Gives scratch memory back between questions.
    package func rest() {
        arena.release()
    }

    /// Forgets every picture and prompt.
    package func forget() {
        pictures = PictureStore(limit: limits.pictures, side: model.autoencoder.configuration.sampleSize)
        features = Cache(limit: limits.features)
        words = Cache(limit: limits.words)
    }

    /// Decodes a picture and remembers it for `owner`.
    package func look(
        at file: [UInt8], owner: UInt32, cancellation: Cancellation
    ) throws(SegmentationError) -> LookedAt {
        try check(cancellation)
        return try pictures.look(at: file, owner: owner).looked
    }

    /// Answers a question, event by event.
    ///
    /// - Throws: what `emit` throws, and `SegmentationError`
    package func segment(
        _ request: SegmentationRequest, owner: UInt32, cancellation: Cancellation, queueMilliseconds: Float,
        emit: (SegmentationEvent) throws(SegmentationError) -> Void
    ) throws(SegmentationError) {
        try check(cancellation)
        var answer = Answer(request: request, cancellation: cancellation)
        answer.report.queue = queueMilliseconds
        let (understanding, picture) = try answer.timing(\.decode) { () throws(SegmentationError) in
            try understand(request, owner: owner)
        }
        let fusion = try AttentionFusion(model.unet, recipe: request.recipe)
        try emit(.header(understanding))
        var painter = Painter(understanding, request)
        for (index, label) in understanding.labels.enumerated() {
            let scores = try scores(of: label, picture, fusion, &answer)
            let finished = answer.timing(\.maps) { painter.add(scores, label: index) }
            if let finished { try emit(.scores(finished)) }
        }
        if let mask = answer.timing(\.maps, { painter.mask() }) { try emit(.mask(mask)) }
        answer.report.answerHash = painter.hash
        try emit(.report(answer.report))
    }

    /// Who waited too long in the queue, or has left, is not worked for.
    private func check(_ cancellation: Cancellation) throws(SegmentationError) {
        do throws(Interruption) { try cancellation.check() } catch { throw SegmentationError(error) }
    }

    /// Answers a question of this process, which nobody cancels.
    package func answer(
        _ request: SegmentationRequest, emit: (SegmentationEvent) throws(SegmentationError) -> Void
    ) throws(SegmentationError) {
        try segment(request, owner: 0, cancellation: .never, queueMilliseconds: 0, emit: emit)
    }

    /// An answer in the making.
    private struct Answer {
        let request: SegmentationRequest
        let cancellation: Cancellation
        var report: Report
        /// What was needed so far, whether it was known or not: each counts once.
        var prompts: Set<String> = []
        var passes: Set<FeatureKey> = []
        /// The last pass: the shared one runs once, even where no cache has room for it.
        var last: (key: FeatureKey, features: AttentionFeatures)?

        init(request: SegmentationRequest, cancellation: Cancellation) {
            self.request = request
            self.cancellation = cancellation
            report = Report()
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
    }

    /// The label's score map on the latent grid: its phrases' maps, averaged.
    private func scores(
        of label: UnderstoodLabel, _ picture: Picture, _ fusion: AttentionFusion, _ answer: inout Answer
    ) throws(SegmentationError) -> [Float] {
        var sum: [Float] = []
        for phrase in label.phrases {
            try check(answer.cancellation)
            let text = try text(phrase.prompt, &answer)
            let prompt = switch answer.request.recipe.strategy {
            case .sharedPass: answer.request.forwardPrompt ?? model.forwardPrompt
            case .passForEachPrompt: phrase.prompt
            }
            let features = try features(of: picture, prompt, &answer)
            let completed = answer.timing(\.maps) {
                ScoreKernels.complete(
                    fusion.fused(
                        queries: features.queries, keys: text.keys, positions: phrase.positions, &arena),
                    by: features.affinity)
            }
            if sum.isEmpty { sum = [Float](repeating: 0, count: completed.count) }
            ScoreKernels.add(completed, times: 1 / Float(label.phrases.count), to: &sum)
        }
        return sum
    }

    /// A prompt's context and keys.
    private func text(_ prompt: String, _ answer: inout Answer) throws(SegmentationError) -> EncodedText {
        let isFirst = answer.prompts.insert(prompt).inserted
        if let known = words.value(for: prompt) {
            if isFirst { answer.report.phrasesCached += 1 }
            return known
        }
        let cancellation = answer.cancellation
        return try answer.timing(\.text) { () throws(SegmentationError) in
            let text: EncodedText
            do throws(Interruption) {
                text = try EncodedText(prompt, model, cancellation: cancellation, &arena)
            } catch {
                throw SegmentationError(error)
            }
            words.insert(text, bytes: text.bytes, for: prompt)
            return text
        }
    }

    /// What a pass over the picture with a prompt leaves behind.
    private func features(
        of picture: Picture, _ prompt: String, _ answer: inout Answer
    ) throws(SegmentationError) -> AttentionFeatures {
        let request = answer.request
        let key = FeatureKey(
            model: model.hash, picture: picture.looked.handle, seed: request.seed,
            timestep: request.timestep, prompt: prompt, precision: model.precision)
        if let last = answer.last, last.key == key { return last.features }
        let isFirst = answer.passes.insert(key).inserted
        if let known = features.value(for: key) {
            if isFirst { answer.report.featuresCached += 1 }
            answer.last = (key, known)
            return known
        }
        let found = try pass(over: picture, prompt, &answer)
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
        let text = try text(prompt, &answer)
        let latent = try latent(of: picture, &answer)
        let cancellation = answer.cancellation
        return try answer.timing(\.unet) { () throws(SegmentationError) in
            let features = AttentionFeatures(of: model.unet)
            let side = model.unet.configuration.sampleSize
            do throws(Interruption) {
                try arena.scope { (arena) throws(Interruption) in
                    let noised = arena.featureMap(
                        height: side, width: side, channels: model.unet.configuration.inChannels)
                    noised.matrix.fill(latent)
                    model.addNoise(to: noised, seed: request.seed, timestep: request.timestep, &arena)
                    try model.unet(
                        noised, timestep: request.timestep, context: text.context,
                        captures: features.captures, cancellation: cancellation, &arena)
                }
            } catch {
                throw SegmentationError(error)
            }
            return features
        }
    }

    /// The scaled mean of the picture's posterior, `[H·W, 4]`.
    private func latent(of picture: Picture, _ answer: inout Answer) throws(SegmentationError) -> [Float] {
        if let known = picture.latent { return known }
        answer.report.latentCached = false
        let cancellation = answer.cancellation
        let latent = try answer.timing(\.autoencoder) { () throws(SegmentationError) in
            do throws(Interruption) {
                return try model.latent(of: picture.square, cancellation: cancellation, &arena)
            } catch {
                throw SegmentationError(error)
            }
        }
        picture.latent = latent
        return latent
    }
}

/// What a segmenter remembers.
package struct Memory: Sendable {
    package let pictures: Int
    package let picturesBytes: Int
    package let words: Int
    package let wordsBytes: Int
}

extension Duration {
    package var milliseconds: Float {
        Float(components.seconds) * 1e3 + Float(Double(components.attoseconds) * 1e-15)
    }
}
