import Limits
import Kernels

/// A request whose answer is computed part by part, as the generator of its parts. It runs on its segmenter's thread
/// and may be suspended between two parts (backpressure: its client reads too slowly).
package final class Computation {
    private let segmenter: Segmenter
    private let picture: AskedPicture
    private let fusion: AttentionFusion
    private var answer: AnswerInProgress
    private var stage: Stage
    /// The maps of all labels so far, where labels share pixels.
    private var sharing: [[Float]] = []
    /// The steps of probes that are left.
    private var probing: [ProbeStep] = []

    private enum Stage {
        /// Labels are chosen, and prompts continued.
        case searching(LabelSearch)
        case understood(Understanding)
        /// The group of labels that is scored next.
        case scores(Understanding, group: Int)
        /// The group that is handed out next, of labels that have shared each pixel.
        case shared(Understanding, group: Int)
        /// All labels are scored; what probes ask for is computed step by step.
        case probing(Understanding)
        case report
        case over
    }

    /// - Parameters:
    ///   - search: for the labels
    ///   - answer: new, except for the time that parsing the request took
    init(
        _ segmenter: Segmenter, _ search: LabelSearch, _ picture: AskedPicture, _ fusion: AttentionFusion,
        _ answer: AnswerInProgress
    ) throws(SegmentationError) {
        self.segmenter = segmenter
        self.picture = picture
        self.answer = answer
        self.fusion = fusion
        stage = .searching(search)
        if search.isOver { stage = try understood(search) }
    }

    /// Admits the answer, once its labels are known.
    private func understood(_ search: LabelSearch) throws(SegmentationError) -> Stage {
        try answer.request.recipe.checkJointSoftmax(search.labels)
        let understanding = try segmenter.understand(
            answer.request, search, picture, fusion, cancellation: answer.cancellation)
        let request = answer.request
        for probe in request.probes { try probe.check(labels: understanding.labels.count, understanding.picture) }
        probing = ProbeStep.all(request.probes, groups: understanding.groups.count, fusion, request.recipe)
        try segmenter.admit(understanding.memory)
        return .understood(understanding)
    }

    /// What follows once all labels are scored.
    private func scored(_ understanding: Understanding) -> Stage {
        probing.isEmpty ? .report : .probing(understanding)
    }

    /// What each stage took so far.
    package var spent: Report { answer.report }

    /// Computes the next part; `nil` after the last.
    package func next() throws(SegmentationError) -> AnswerPart? {
        switch stage {
        case .searching(var search):
            let cancellation = answer.cancellation
            let limit = answer.request.wantsMask ? Limit.maskedLabels : nil
            try answer.timing(.words) { () throws(SegmentationError) in
                try segmenter.advance(&search, picture, atMost: limit, cancellation: cancellation)
            }
            stage = search.isOver ? try understood(search) : .searching(search)
            return .nothing
        case .understood(let understanding):
            stage = understanding.groups.isEmpty ? .report : .scores(understanding, group: 0)
            return .understood(understanding)
        case .scores(let understanding, let index):
            let (groups, group) = (understanding.groups, understanding.groups[index])
            try segmenter.reserve(understanding.memory)
            if try segmenter.advance(to: group, picture, fusion, &answer) { return .nothing }
            let maps = try segmenter.scores(of: group, picture, fusion, &answer)
            let isLast = index + 1 == groups.count
            guard let share = answer.request.recipe.share else {
                stage = isLast ? scored(understanding) : .scores(understanding, group: index + 1)
                return .scores(first: group.startIndex, maps)
            }
            sharing += maps
            if isLast { answer.timing(.maps) { sharing = share.divide(sharing, &segmenter.workspace.arena) } }
            stage = isLast ? .shared(understanding, group: 0) : .scores(understanding, group: index + 1)
            return .nothing
        case .shared(let understanding, let index):
            let group = understanding.groups[index]
            let isLast = index + 1 == understanding.groups.count
            stage = isLast ? scored(understanding) : .shared(understanding, group: index + 1)
            return .scores(first: group.startIndex, Array(sharing[group.indices]))
        case .probing(let understanding):
            try segmenter.reserve(understanding.memory)
            let step = probing.removeFirst()
            stage = scored(understanding)
            return .probed(
                try segmenter.probed(step, understanding, picture, fusion, sharing: sharing, &answer))
        case .report:
            stage = .over
            return .report(answer.finished)
        case .over: return nil
        }
    }
}

/// A part of an answer as the engine computes it, in this order: the parsed request, score maps of one group of labels
/// after the other, the maps of probes, and a report.
///
/// Maps are on the latent grid whatever sizes were requested, so a waiting answer takes little memory. A ``Painter``
/// enlarges them on another thread, at the pace at which the client reads.
package enum AnswerPart: Sendable {
    /// A step was done that gives nothing to hand out: labels are still searched, or share pixels and are still being
    /// scored, or a pass over one of several tiles was run.
    case nothing
    case understood(Understanding)
    /// Maps on the latent grid, `[H·W]` each, of consecutive labels from label `first` on.
    case scores(first: Int, [[Float]])
    /// The maps of one step of probing.
    case probed([ProbedMap])
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
