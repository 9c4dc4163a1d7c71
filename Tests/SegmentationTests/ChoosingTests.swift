import Images
import Kernels
import Networks
import Testing

@testable import Segmentation

/// Labels that are chosen from a vocabulary, by the demo's captioner and filter.
@Suite struct `labels that are chosen` {
    private func candidates(_ names: String...) -> [Candidate] {
        names.map { Candidate(label: Label(name: $0, phrases: []), synonyms: []) }
    }

    private func question(_ candidates: [Candidate], _ filter: FilterChoice) throws -> RequestBuilder {
        try RequestBuilder(file: Fixture.scene).with(
            \.vocabulary, Vocabulary(candidates: candidates, background: [], filter: filter)
        ).with(\.wantsMask, true)
    }

    @Test func `have the maps that they have when they are given`() throws {
        let segmenter = try Fixture.segmenter(Fixture.demo)
        let found = try segmenter.ask(question([], .standard))
        let names = found.header.labels.map(\.name)
        try #require(!names.isEmpty)
        let given = try segmenter.ask(
            RequestBuilder(file: Fixture.scene).with(\.labels, names.map { Label(name: $0, phrases: []) }).with(
                \.wantsMask, true))
        #expect(given.bits == found.bits && given.mask?.indices == found.mask?.indices)
        #expect(given.header.choice == nil && found.header.choice?.caption?.isEmpty == false)
        #expect(found.header.captioner?.hash == segmenter.captioner?.blip.hash)
    }

    @Test func `are one where the model reads them alike, and all are there where no filter is asked`() throws {
        let segmenter = try Fixture.segmenter(Fixture.demo)
        let reply = try segmenter.ask(question(candidates("Boat", "boat", "sheep", "  BOAT"), .none))
        #expect(reply.header.labels.map(\.name) == ["Boat", "sheep"])
        let choice = try #require(reply.header.choice)
        #expect(choice.filter == nil && choice.outcomes.map(\.alike) == [nil, "Boat", nil, "Boat"])
        #expect(choice.outcomes.map(\.verdict.kept) == [true, false, true, false])
        #expect(choice.outcomes.map(\.verdict.candidate) == [0, 0, 1, 0])
    }

    @Test func `are the best 255 in a mask, and the rest is told`() throws {
        let segmenter = try Fixture.segmenter(Fixture.tiny)
        let many = (0..<300).map { Candidate(label: Label(name: "thing \($0)", phrases: []), synonyms: []) }
        let reply = try segmenter.ask(question(many, .none))
        #expect(reply.header.labels.count == 255 && reply.mask?.labels == 255)
        let outcomes = try #require(reply.header.choice).outcomes
        #expect(outcomes.count == 300)
        let dropped = outcomes.filter { !$0.verdict.kept }
        #expect(dropped.count == 45 && dropped.allSatisfy { $0.verdict.criteria.map(\.part) == [.room] })
        #expect(dropped.map { $0.verdict.criteria[0].limit } == (256...300).map(Float.init))
        let unmasked = try segmenter.ask(question(many, .none).with(\.wantsMask, false))
        #expect(unmasked.header.labels.count == 300)
    }

    @Test func `are none where the filter drops all: no pass runs, and the mask is background`() throws {
        let segmenter = try Fixture.segmenter(Fixture.demo)
        let strict = Filter.best.name
        let filter = try Filter(named: strict, settings: ["threshold=1", "lower=1", "least=1"])
        let reply = try segmenter.ask(question(candidates("zebra", "cake"), .of(filter)))
        #expect(reply.header.labels.isEmpty && reply.scores.isEmpty && reply.report.passes == 0)
        #expect(try #require(reply.mask).indices.allSatisfy { $0 == 0 })
        #expect(reply.mask?.labels == 0)
    }

    @Test func `need the networks that choose them`() throws {
        let bare = try Segmenter(
            Pipeline(model: Fixture.model(Fixture.tiny), captioner: nil, filter: nil),
            workspace: Workspace(limits: .standard))
        for filter in [FilterChoice.standard, .of(.best), .of(.published)] {
            let error = try #require(throws: SegmentationError.self) {
                try bare.ask(question(candidates("dog"), filter))
            }
            guard case .noFilter = error else { throw error }
        }
        let error = try #require(throws: SegmentationError.self) { try bare.ask(question([], .standard)) }
        guard case .noCaptioner = error else { throw error }
        #expect(try bare.ask(question(candidates("dog"), .none)).header.labels.count == 1)
    }

    /// Answers take turns: what was cached when one began may be gone when it goes on.
    @Test(arguments: [FilterChoice.standard, .of(.published)])
    func `need not be seen again where other answers push out what was seen`(filter: FilterChoice) throws {
        let segmenter = try Fixture.segmenter(Fixture.demo)
        let asked = try question(candidates("boat", "sheep", "dog"), filter)
            .with(\.recipe, Recipe(named: "best", settings: ["captions=on"]))
        let expected = try segmenter.ask(asked)
        segmenter.workspace.sights = Sights(limit: 1 << 22)
        _ = try segmenter.ask(asked)
        let request = try asked.request()
        let computation = try segmenter.begin(
            request, handle: request.picture.handle, owner: 1, cancellation: .never, queueMilliseconds: 0)
        segmenter.workspace.sights = Sights(limit: 0)
        var parts: [AnswerPart] = []
        while let part = try computation.next() { parts.append(part) }
        let found = parts.compactMap { if case .understood(let understanding) = $0 { understanding } else { nil } }
        #expect(found.first?.labels == expected.header.labels)
    }

    @Test func `cost no network again, and follow a picture that only its handle brings`() throws {
        let segmenter = try Fixture.segmenter(Fixture.demo)
        let first = try segmenter.ask(question([], .standard))
        let handle = PictureSource.handle(first.header.picture.handle)
        let again = try segmenter.ask(question([], .standard).with(\.picture, handle))
        #expect(again.bits == first.bits && again.report.passes == 0)
        let other = try segmenter.ask(question(candidates("boat", "sheep", "dog"), .standard).with(\.picture, handle))
        #expect(other.report.passes == 0)
        // A file that is too large to be kept: what networks read of it is made when it is looked at.
        let file = try Fixture.bytes(Fixture.scene) + [UInt8](repeating: 0, count: 1_000_000)
        let limits = MemoryLimits(
            pictures: 4 * (file.count - 1), latents: 1 << 20, features: 1 << 24, scores: 1 << 20, words: 1 << 24,
            sights: 1 << 24)
        let tight = try Fixture.segmenter(Fixture.demo, limits: limits)
        let looked = try tight.look(at: file, for: .best, owner: 1, cancellation: .never)
        let found = try tight.ask(
            question([], .standard).with(\.picture, .handle(looked.handle)).with(\.recipe, .best))
        #expect(!found.header.labels.isEmpty)
        _ = try tight.look(at: file, for: .cliperVOC, owner: 1, cancellation: .never)
        let dense = try RequestBuilder("boat", "sheep").with(\.picture, .handle(looked.handle)).with(
            \.recipe, .cliperVOC)
        #expect(try tight.ask(dense).scores.count == 2)
        #expect(try tight.ask(dense.with(\.labels, [Label(name: "dog", phrases: [])])).scores.count == 1)
    }
}
