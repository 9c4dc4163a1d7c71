import Kernels

/// A request whose answer is computed part by part, as the generator of its parts. It runs on its segmenter's thread
/// and may be suspended between two parts (backpressure: its client reads too slowly).
package final class Computation {
    private let segmenter: Segmenter
    private let understanding: Understanding
    private let picture: AskedPicture
    private let fusion: AttentionFusion
    /// Labels that are scored together.
    private let groups: [ArraySlice<UnderstoodLabel>]
    private var answer: AnswerInProgress
    private var stage = Stage.understood
    /// The maps of all labels so far, where labels share pixels.
    private var sharing: [[Float]] = []

    private enum Stage {
        case understood
        /// The group that is scored next.
        case scores(group: Int)
        /// The group that is handed out next, of labels that have shared each pixel.
        case shared(group: Int)
        case report
        case over
    }

    /// - Parameter answer: new, except for the time that parsing the request took
    init(
        _ segmenter: Segmenter, _ understanding: Understanding, _ picture: AskedPicture, _ fusion: AttentionFusion,
        _ answer: AnswerInProgress
    ) throws(SegmentationError) {
        self.segmenter = segmenter
        self.understanding = understanding
        self.picture = picture
        self.answer = answer
        self.fusion = fusion
        try segmenter.admit(understanding.memory)
        groups = understanding.groups
    }

    /// Computes the next part; `nil` after the last.
    package func next() throws(SegmentationError) -> AnswerPart? {
        switch stage {
        case .understood:
            stage = .scores(group: 0)
            return .understood(understanding)
        case .scores(let index):
            let group = groups[index]
            try segmenter.reserve(understanding.memory)
            if try segmenter.advance(to: group, picture, fusion, &answer) {
                return .scores(first: group.startIndex, [])
            }
            let maps = try segmenter.scores(of: group, picture, fusion, &answer)
            let isLast = index + 1 == groups.count
            guard let share = answer.request.recipe.share else {
                stage = isLast ? .report : .scores(group: index + 1)
                return .scores(first: group.startIndex, maps)
            }
            sharing += maps
            if isLast { answer.timing(\.maps) { sharing = share.divide(sharing, &segmenter.arena) } }
            stage = isLast ? .shared(group: 0) : .scores(group: index + 1)
            return .scores(first: group.startIndex, [])
        case .shared(let index):
            let group = groups[index]
            stage = index + 1 < groups.count ? .shared(group: index + 1) : .report
            return .scores(first: group.startIndex, Array(sharing[group.indices]))
        case .report:
            stage = .over
            return .report(answer.finished(segmenter.latents(of: picture)))
        case .over: return nil
        }
    }
}

/// A part of an answer as the engine computes it, in this order: the parsed request, score maps of one group of labels
/// after the other, and a report.
///
/// Maps are on the latent grid whatever sizes were requested, so a waiting answer takes little memory. A ``Painter``
/// enlarges them on another thread, at the pace at which the client reads.
package enum AnswerPart: Sendable {
    case understood(Understanding)
    /// Maps on the latent grid, `[H·W]` each, of consecutive labels from label `first` on; none yet where labels share
    /// pixels and are still being scored, or after a pass over one of several tiles.
    case scores(first: Int, [[Float]])
    case report(Report)
}

extension Share {
    /// Divides each pixel among the labels' maps, `[N]` each, min-max scaled before and after.
    func divide(_ maps: [[Float]], _ arena: inout Arena) -> [[Float]] {
        func scaled(_ map: [Float]) -> [Float] {
            var map = map
            ScoreKernels.minMax(&map)
            return map
        }
        return arena.changed(maps.map(scaled)) { all, _ in ScoreKernels.share(all, gamma: gamma) }.map(scaled)
    }
}
