import Images
import Kernels
import LocalEngine
import Networks
import Segmentation

/// Times the networks that read and choose words, in this process: nothing else computes meanwhile.
final class WordRounds {
    private let captioner: Captioner?
    private let filter: LabelFilter?
    private let cache: TemporaryFolder
    private var arena: Arena
    private var textsRead = 0

    /// Tokens of a caption, the five that it begins with among them.
    private static let captionTokens = 20
    /// Texts that are read together: as many as COCO has names.
    private static let texts = 80

    /// - Parameters:
    ///   - captioner, filter: folders; `nil`: not timed
    ///   - precision: `nil`: the fastest of this processor
    init(captioner: String?, filter: String?, precision: Precision?, threads: Int) throws {
        try Threads.start(threads)
        try BLAS.reserve()
        let precision = precision ?? .fastest
        let cache = try TemporaryFolder()
        self.cache = cache
        self.captioner = try captioner.map {
            try Captioner(directory: $0, precision: precision, cache: nil, while: { true })
        }
        self.filter = try filter.map {
            try LabelFilter(
                directory: $0, clipMerges: Resources.clipMerges, precision: precision, cache: cache.path,
                while: { true })
        }
        arena = try Arena(reserving: max(self.captioner?.scratchBytes ?? 1, self.filter?.scratchBytes ?? 1))
    }

    /// The stages that are timed.
    var stages: [Stage] {
        (captioner == nil ? [] : [.caption]) + (filter == nil ? [] : [.embedding, .texts, .knownTexts, .storedTexts])
    }

    /// Tokens of the longest text, start and end included.
    var longestText: Int {
        guard let filter else { return 0 }
        let length = filter.clip.network.configuration.text.positions
        return (0..<Self.texts).map { filter.tokenizer.encode(Self.text($0), length: length).count }.max() ?? 0
    }

    private static func text(_ number: Int) -> String { "a photo of a \(Phrases.phrase(number))." }

    /// One round of all stages, of a new picture.
    func ask(_ picture: [UInt8], into rounds: inout Rounds) throws {
        let picture = try Image(decoding: picture)
        if let captioner { rounds.add(.caption, try timed { try caption(captioner, picture, &$0) }) }
        guard let filter else { return }
        rounds.add(
            .embedding, try timed { _ = try filter.embedding(of: picture, cancellation: .never, &$0) })
        let texts = (0..<Self.texts).map { Self.text($0 + textsRead) }
        textsRead += texts.count
        func read(_ arena: inout Arena) throws {
            _ = try filter.embeddings(of: texts, for: Caller.ownUser, cancellation: .never, &arena)
        }
        rounds.add(.texts, try timed(read))
        rounds.add(.knownTexts, try timed(read))
        filter.forget()
        rounds.add(.storedTexts, try timed(read))
    }

    private func timed(_ body: (inout Arena) throws -> Void) rethrows -> Duration {
        let start = ContinuousClock.now
        try body(&arena)
        return start.duration(to: .now)
    }

    /// A caption of so many tokens, wherever the network would end it: the peer's is as long.
    private func caption(_ captioner: Captioner, _ picture: Image, _ arena: inout Arena) throws {
        let states = try captioner.states(of: picture, cancellation: .never, &arena)
        let text = captioner.blip.network.configuration.text
        let beginning = [text.start] + (4..<8).map { Token($0 % text.vocabularyCount) }
        _ = try captioner.blip.network.caption(
            continuing: beginning, of: states, limit: Self.captionTokens, end: nil, cancellation: .never, &arena)
    }
}
