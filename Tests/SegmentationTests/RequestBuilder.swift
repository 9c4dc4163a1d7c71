import Images
import Kernels
import Networks
import Segmentation
import Support

/// Files that the tests read, from the package's root.
enum Fixture {
    static let demo = "\(Repository.root)/Sources/dsegd/Resources/demo"
    static let tiny = "\(Repository.root)/Tests/Fixtures/tiny/checkpoint"
    static let odd = "\(Repository.root)/Tests/Fixtures/tiny-odd/checkpoint"
    static let clipMerges = "\(Repository.root)/Sources/dsegd/Resources/clip/merges.txt"
    /// 190 x 150 pixels.
    static let picture = "Tests/Fixtures/tiny/golden/image.png"
    /// 192 x 192 pixels.
    static let scene = "Tests/Fixtures/scenes/JPEGImages/scene_501_0000.jpg"

    static func bytes(_ file: String) throws -> [UInt8] {
        try Repository.bytes("\(Repository.root)/\(file)")
    }

    /// The threads are started first: they choose the instruction set, on which the bits depend.
    static func model(_ directory: String, _ precision: Precision = .f32) throws -> Model {
        try Threads.start(nil)
        return try Model(
            ModelSource(directory), clipMerges: clipMerges, precision: precision, cache: nil
        ) { true }
    }

    /// A segmenter with the demo's captioner and filter.
    ///
    /// - Parameters:
    ///   - workspace: `nil`: one of its own
    ///   - limits: of its own
    static func segmenter(
        _ directory: String, _ precision: Precision = .f32, workspace: Workspace? = nil,
        limits: MemoryLimits = .standard
    ) throws -> Segmenter {
        try Segmenter(
            Pipeline(
                model: model(directory, precision), captioner: DemoWords.captioner(precision),
                filter: DemoWords.filter(precision)), workspace: workspace ?? Workspace(limits: limits))
    }
}

/// A request in the making: what a test leaves alone is what most requests say.
struct RequestBuilder {
    var picture: PictureSource
    var labels: [Label]
    var vocabulary: Vocabulary?
    var recipe = Recipe.shared
    var forwardPrompt: String?
    var seed: UInt32 = 0
    var timestep: Int?
    var threshold: Float?
    var maps = MapRequest.latent
    var wantsMask = false
    var model = ""
    var probes: [Probe] = []

    init(_ words: String..., file: String = Fixture.picture) throws {
        picture = .file(try Fixture.bytes(file))
        labels = words.map { Label(name: $0, phrases: []) }
    }

    func with<Value>(_ path: WritableKeyPath<RequestBuilder, Value>, _ value: Value) -> RequestBuilder {
        var other = self
        other[keyPath: path] = value
        return other
    }

    func request() throws(SegmentationError) -> SegmentationRequest {
        try SegmentationRequest(
            picture: picture, labels: labels, vocabulary: vocabulary, recipe: recipe, forwardPrompt: forwardPrompt,
            seed: seed,
            timestep: timestep, threshold: threshold, maps: maps, wantsMask: wantsMask, model: model,
            probes: probes)
    }
}

/// Everything that a segmenter said.
struct Reply {
    let header: Understanding
    let scores: [LabelScores]
    let mask: LabelMask?
    let probed: [ProbedMap]
    let report: Report

    /// The maps' bits by the labels' names: what must not depend on anything that was asked before.
    var bits: [String: [UInt32]] {
        Dictionary(
            scores.map { (header.labels[$0.label].name, $0.scores.map(\.bitPattern)) },
            uniquingKeysWith: { first, _ in first })
    }
}

/// The order of events is broken.
struct Disorder: Error {}

extension Segmenter {
    func ask(
        _ question: RequestBuilder, owner: UInt32 = 1, cancellation: Cancellation = Cancellation(deadline: nil)
    ) throws -> Reply {
        var events: [SegmentationEvent] = []
        try segment(try question.request(), owner: owner, cancellation: cancellation, queueMilliseconds: 0) {
            events.append($0)
        }
        return try Reply(events)
    }
}

extension Reply {
    /// One header, score maps, the maps of probes, a mask perhaps, one report: in this order and nothing else.
    init(_ events: [SegmentationEvent]) throws {
        guard case .header(let header) = events.first, case .report(let report) = events.last else {
            throw Disorder()
        }
        var scores: [LabelScores] = []
        var mask: LabelMask?
        var probed: [ProbedMap] = []
        for event in events.dropFirst().dropLast() {
            switch event {
            case .scores(let label) where mask == nil && probed.isEmpty: scores.append(label)
            case .probed(let map) where mask == nil: probed.append(map)
            case .mask(let found) where mask == nil: mask = found
            default: throw Disorder()
            }
        }
        self.init(header: header, scores: scores, mask: mask, probed: probed, report: report)
    }
}
