package import Kernels
package import Networks
import Texts

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
    /// Eighty pictures before their first question, eighteen passes, four thousand score maps and 120 prompts of
    /// Stable Diffusion.
    package static let standard = MemoryLimits(
        pictures: 256 << 20, features: 1 << 30, scores: 64 << 20, words: 256 << 20)

    /// Some 400 bytes each.
    var phrases: Int { words / 64 }

    /// Everything that belongs to pictures.
    package var ofPictures: Int { pictures + features + scores }

    /// The same shares of so many bytes in all, if they are fewer; `nil`: of any number.
    func within(_ bytes: Int?) -> MemoryLimits {
        let all = pictures + features + scores + words
        guard let bytes, bytes < all else { return self }
        func share(_ limit: Int) -> Int { Int(Double(limit) / Double(all) * Double(max(0, bytes))) }
        return MemoryLimits(
            pictures: share(pictures), features: share(features), scores: share(scores), words: share(words))
    }

    package init(pictures: Int, features: Int, scores: Int, words: Int) {
        self.pictures = pictures
        self.features = features
        self.scores = scores
        self.words = words
    }
}

/// Answers questions about pictures with one model: look once, ask many times.
///
///     file ─► Picture ─► latent ─► noised ─► U-Net pass ─► AttentionFeatures ─┐
///     words ─► prompt ─► tokens ─► context ─► keys ───────────────────────────┴─► fused ─► completed ─► scores
///
/// Everything but `noised` and `fused` is remembered.
/// A segmenter belongs to one thread.
package final class Segmenter {
    /// Phrases that are scored together, and so wait for each other: sixteen share one reading of the self-attention.
    package static let groupPhrases = 16

    package let model: Model
    package let limits: MemoryLimits
    var pictures: PictureStore
    var features: Cache<FeatureKey, Remembered<AttentionFeatures>>
    var scoreMaps: Cache<ScoreKey, Remembered<[Float]>>
    var words: Cache<ExactString, Remembered<EncodedText>>
    var phrases: Cache<UnderstandingKey, UnderstoodPhrase>
    var arena: Arena

    /// Beside scratch memory, for what a question and its answer take, whatever is remembered.
    private static let workingBytes = 256 << 20

    /// - Parameter limits: the most; less where address space is short (`ulimit -v`)
    /// - Throws: where there is none for scratch memory
    package init(model: Model, limits: MemoryLimits) throws(AddressSpaceError) {
        arena = try model.scratch()
        try AddressSpace.require(Self.workingBytes, for: "answering")
        let limits = limits.within(AddressSpace.left.map { ($0 - Self.workingBytes) / 2 })
        self.model = model
        self.limits = limits
        pictures = PictureStore(limit: limits.pictures, side: model.autoencoder.configuration.sampleSize)
        features = Cache(limit: limits.features)
        scoreMaps = Cache(limit: limits.scores)
        words = Cache(limit: limits.words - limits.phrases)
        phrases = Cache(limit: limits.phrases)
    }

    /// What is remembered: pictures with their features and score maps, and prompts.
    package var memory: Memory {
        Memory(
            pictures: pictures.count,
            picturesBytes: pictures.bytes + features.bytes + scoreMaps.bytes,
            words: words.count, wordsBytes: words.bytes + phrases.bytes, scratchBytes: arena.highWater)
    }

    /// Of a score map on the latent grid.
    var mapBytes: Int { model.unet.configuration.sampleSize * model.unet.configuration.sampleSize * 4 }

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
    }

    /// Decodes a picture and remembers it for `owner`.
    package func look(
        at file: [UInt8], owner: UInt32, cancellation: Cancellation
    ) throws(SegmentationError) -> LookedAt {
        let source = PictureSource.file(file)
        return try look(at: source, handle: source.handle, owner: owner, cancellation: cancellation)
    }

    /// The picture that `owner` brings, or has brought.
    ///
    /// - Parameter handle: the source's
    package func look(
        at source: PictureSource, handle: String, owner: UInt32, cancellation: Cancellation
    ) throws(SegmentationError) -> LookedAt {
        try check(cancellation)
        return try picture(source, handle, owner: owner, cancellation: cancellation).looked
    }

    /// Answers a question, event by event.
    ///
    /// - Throws: what `emit` throws, and `SegmentationError`
    package func segment(
        _ request: SegmentationRequest, owner: UInt32, cancellation: Cancellation, queueMilliseconds: Float,
        emit: (SegmentationEvent) throws(SegmentationError) -> Void
    ) throws(SegmentationError) {
        var painter = Painter(request)
        let computation = try begin(
            request, handle: request.picture.handle, owner: owner, cancellation: cancellation,
            queueMilliseconds: queueMilliseconds)
        while let part = try computation.next() {
            painter.add(part)
            while let event = painter.next(while: { !cancellation.isCancelled }) {
                try check(cancellation)
                try emit(event)
            }
            try check(cancellation)
        }
    }

    /// Begins to answer a question: all that can be refused before anything is computed is refused here.
    ///
    /// - Parameter handle: the picture's
    package func begin(
        _ request: SegmentationRequest, handle: String, owner: UInt32, cancellation: Cancellation,
        queueMilliseconds: Float
    ) throws(SegmentationError) -> Computation {
        try check(cancellation)
        var answer = AnswerInProgress(
            request: request, owner: owner, cancellation: cancellation, queueMilliseconds: queueMilliseconds)
        let (understanding, picture) = try answer.timing(\.decode) { () throws(SegmentationError) in
            try understand(request, handle, owner: owner, cancellation: cancellation)
        }
        return try Computation(self, understanding, picture, answer)
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
    /// The most scratch memory that was ever in use.
    package let scratchBytes: Int
}

extension Duration {
    package var milliseconds: Float {
        Float(components.seconds) * 1e3 + Float(Double(components.attoseconds) * 1e-15)
    }
}
