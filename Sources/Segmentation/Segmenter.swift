import Kernels
package import Networks

/// How much a segmenter may remember, in bytes.
package struct MemoryLimits: Sendable {
    /// Looked-at pictures: 3 MiB each for Stable Diffusion until their first question, 64 KiB from then on.
    package let pictures: Int
    /// Features of passes: 55 MiB each for Stable Diffusion.
    package let features: Int
    /// Score maps of words on pictures: 16 KiB each for Stable Diffusion.
    package let scores: Int
    /// Prompts: 2 MiB each for Stable Diffusion. A small share is for where words stand in them.
    package let words: Int
    /// Answers in their messages: a few KiB for each map.
    package let answers: Int

    /// Eighty pictures before their first question, eighteen passes, four thousand score maps, 120 prompts of
    /// Stable Diffusion, and thousands of answers.
    package static let standard = MemoryLimits(
        pictures: 256 << 20, features: 1 << 30, scores: 64 << 20, words: 256 << 20, answers: 64 << 20)

    /// Some 400 bytes each.
    var phrases: Int { words / 64 }

    /// Everything that belongs to pictures.
    package var ofPictures: Int { pictures + features + scores + answers }

    package init(pictures: Int, features: Int, scores: Int, words: Int, answers: Int) {
        self.pictures = pictures
        self.features = features
        self.scores = scores
        self.words = words
        self.answers = answers
    }
}

/// Answers questions about pictures with one model: look once, ask many times.
///
///     file ─► Picture ─► latent ─► noised ─► U-Net pass ─► AttentionFeatures ─┐
///     words ─► prompt ─► tokens ─► context ─► keys ───────────────────────────┴─► fused ─► completed ─► scores
///
/// Everything but `noised` and `fused` is remembered, and so are answers in their messages.
/// A segmenter belongs to one thread.
package final class Segmenter {
    /// Phrases that are scored together, and so wait for each other: sixteen share one reading of the self-attention.
    static let groupPhrases = 16

    package let model: Model
    package let limits: MemoryLimits
    var pictures: PictureStore
    var features: Cache<FeatureKey, AttentionFeatures>
    var scoreMaps: Cache<ScoreKey, [Float]>
    var words: Cache<String, EncodedText>
    var phrases: Cache<PhraseKey, UnderstoodPhrase>
    var answers: Cache<AnswerKey, RememberedAnswer>
    var arena = Arena()

    package init(model: Model, limits: MemoryLimits) {
        self.model = model
        self.limits = limits
        pictures = PictureStore(limit: limits.pictures, side: model.autoencoder.configuration.sampleSize)
        features = Cache(limit: limits.features)
        scoreMaps = Cache(limit: limits.scores)
        words = Cache(limit: limits.words - limits.phrases)
        phrases = Cache(limit: limits.phrases)
        answers = Cache(limit: limits.answers)
    }

    /// What is remembered: pictures with their features, score maps and answers, and prompts.
    package var memory: Memory {
        Memory(
            pictures: pictures.count,
            picturesBytes: pictures.bytes + features.bytes + scoreMaps.bytes + answers.bytes,
            words: words.count, wordsBytes: words.bytes + phrases.bytes)
    }

    /// Gives scratch memory back between questions.
    package func rest() {
        arena.release()
    }

    /// Forgets every picture and prompt.
    package func forget() {
        pictures = PictureStore(limit: limits.pictures, side: model.autoencoder.configuration.sampleSize)
        features = Cache(limit: limits.features)
        scoreMaps = Cache(limit: limits.scores)
        words = Cache(limit: limits.words - limits.phrases)
        phrases = Cache(limit: limits.phrases)
        answers = Cache(limit: limits.answers)
    }

    /// Decodes a picture and remembers it for `owner`.
    package func look(
        at file: [UInt8], owner: UInt32, cancellation: Cancellation
    ) throws(SegmentationError) -> LookedAt {
        try check(cancellation)
        return try pictures.look(at: file, handle: SHA256.hexadecimal(of: file), owner: owner).looked
    }

    /// Answers a question, event by event.
    ///
    /// - Throws: what `emit` throws, and `SegmentationError`
    package func segment(
        _ request: SegmentationRequest, owner: UInt32, cancellation: Cancellation, queueMilliseconds: Float,
        emit: (SegmentationEvent) throws(SegmentationError) -> Void
    ) throws(SegmentationError) {
        try check(cancellation)
        var answer = Answer(request: request, cancellation: cancellation, queueMilliseconds: queueMilliseconds)
        let handle = answer.timing(\.decode) { request.picture.handle }
        try segment(&answer, handle, owner: owner, emit: emit)
    }

    /// Fills an answer that has just begun.
    ///
    /// - Parameter handle: the picture's
    func segment(
        _ answer: inout Answer, _ handle: String, owner: UInt32,
        emit: (SegmentationEvent) throws(SegmentationError) -> Void
    ) throws(SegmentationError) {
        let (request, cancellation) = (answer.request, answer.cancellation)
        let (understanding, picture) = try answer.timing(\.decode) { () throws(SegmentationError) in
            try understand(request, handle, owner: owner)
        }
        let fusion = try AttentionFusion(model.unet, recipe: request.recipe)
        try emit(.header(understanding))
        var painter = Painter(understanding, request, fusion)
        var first = 0
        let together = request.recipe.strategy == .sharedPass ? Self.groupPhrases : 1
        for group in understanding.groups(phrases: together) {
            let maps = try scores(of: group, picture, fusion, &answer)
            answer.timing(\.maps) { painter.add(maps, from: first, &arena) }
            for (label, map) in zip(first..., maps) {
                try check(cancellation)
                let finished = answer.timing(\.maps) { painter.finished(map, label: label, &arena) }
                if let finished { try emit(.scores(finished)) }
            }
            first += maps.count
        }
        if let mask = answer.timing(\.maps, { painter.mask() }) { try emit(.mask(mask)) }
        try emit(.report(answer.finished(hash: painter.hash)))
    }

    /// Who waited too long in the queue, or has left, is not worked for.
    func check(_ cancellation: Cancellation) throws(SegmentationError) {
        do throws(Interruption) { try cancellation.check() } catch { throw SegmentationError(error) }
    }

    /// Answers a question of this process, which nobody cancels.
    package func answer(
        _ request: SegmentationRequest, emit: (SegmentationEvent) throws(SegmentationError) -> Void
    ) throws(SegmentationError) {
        try segment(request, owner: 0, cancellation: .never, queueMilliseconds: 0, emit: emit)
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
