import Images
import Kernels
import Networks
import Support

@testable import Segmentation

extension Pipeline {
    func segmenter(_ workspace: Workspace) throws -> Segmenter { try Segmenter(self, workspace: workspace) }

    /// A segmenter that has seen nothing.
    func alone() throws -> Segmenter { try segmenter(Workspace(limits: .standard)) }
}

/// Pipelines that have some networks in common, and others of their own.
struct Pipelines {
    private let folder: FolderCopy
    let tiny: Pipeline
    /// The tiny model, with other networks beside it.
    let other: Pipeline
    /// Everything of `tiny`, by another arithmetic.
    let fixed: Pipeline
    /// Another model with `tiny`'s captioner and `other`'s filter.
    let odd: Pipeline
    var all: [Pipeline] { [tiny, other, fixed, odd] }

    init() throws {
        folder = try FolderCopy(of: "../../Sources/dsegd/Resources/demo-filter")
        try folder.replace("preprocessor_config.json", "0.48145466", "0.28145466")
        let (captioner, filter) = (try DemoWords.captioner(.f32), try Fixture.filter(folder.path, precision: .f32))
        tiny = Pipeline(
            model: try Fixture.model(Fixture.tiny), captioner: captioner, filter: try DemoWords.filter(.f32))
        other = Pipeline(
            model: try Fixture.model(Fixture.tiny), captioner: try Fixture.captioner("\(Fixture.words)/blip-tied"),
            filter: filter)
        fixed = Pipeline(
            model: try Fixture.model(Fixture.tiny, .int16), captioner: try DemoWords.captioner(.int16),
            filter: try DemoWords.filter(.int16))
        odd = Pipeline(model: try Fixture.model(Fixture.odd), captioner: captioner, filter: filter)
    }

    /// Questions that need every network, and every cache.
    static func questions() throws -> [RequestBuilder] {
        let candidates = ["boat", "sheep", "dog"].map { Candidate(label: Label(name: $0, phrases: []), synonyms: []) }
        let chosen = try Vocabulary(candidates: candidates, background: [], filter: .standard)
        let captions = try Recipe(named: "best", settings: ["captions=on"])
        let dense = try Recipe(named: "cliper:voc", settings: ["presence=off"])
        return try [
            RequestBuilder("dog", "grass"),
            RequestBuilder("dog", "a red car").with(\.recipe, .best).with(\.wantsMask, true),
            RequestBuilder("dog").with(\.recipe, .diffsegmenter),
            RequestBuilder("dog", "grass").with(\.recipe, dense),
            RequestBuilder("dog").with(\.recipe, captions),
            RequestBuilder(file: Fixture.scene).with(\.vocabulary, chosen).with(\.recipe, .best),
            RequestBuilder(file: Fixture.scene).with(\.vocabulary, .named),
        ]
    }
}

/// What of an answer must not depend on anything else that was asked, or is loaded.
struct AnswerContent: Equatable {
    let labels: [UnderstoodLabel]
    let caption: String?
    let verdicts: [Verdict]
    let maps: [[UInt32]]
    let mask: [UInt8]?

    init(_ reply: Reply) {
        labels = reply.header.labels
        caption = reply.header.choice?.caption
        verdicts = reply.header.choice?.outcomes.map(\.verdict) ?? []
        maps = reply.scores.map { $0.scores.map(\.bitPattern) }
        mask = reply.mask?.indices
    }
}

/// An answer that others come between.
final class SteppedAnswer {
    private let computation: Computation
    private var painter: Painter
    private var events: [SegmentationEvent] = []

    init(_ segmenter: Segmenter, _ question: RequestBuilder) throws {
        let request = try question.request()
        painter = Painter(request)
        computation = try segmenter.begin(
            request, handle: request.picture.handle, owner: 1, cancellation: .never, queueMilliseconds: 0)
    }

    /// Computes the next part; `false` after the last.
    func step() throws -> Bool {
        guard let part = try computation.next() else { return false }
        painter.add(part)
        while let event = painter.next(while: { true }) { events.append(event) }
        return true
    }

    func reply() throws -> Reply { try Reply(events) }
}
