import Images
import Kernels
import Networks
import Testing

@testable import Segmentation

@Suite struct `the memory of a workspace` {
    private func dense(_ words: String...) throws -> RequestBuilder {
        try RequestBuilder().with(\.labels, words.map { Label(name: $0, phrases: []) })
            .with(\.recipe, Recipe(named: "cliper:voc", settings: ["presence=off"]))
    }

    @Test func `has a map of each filter that scores labels itself, of one model`() throws {
        let pipelines = try Pipelines()
        let workspace = try Workspace(limits: .standard)
        let casts = [pipelines.tiny, pipelines.other]
        let expected = try casts.map { try $0.alone().ask(dense("dog", "grass")).bits }
        try #require(expected[0] != expected[1])
        let segmenters = try casts.map { try $0.segmenter(workspace) }
        #expect(try segmenters.map { try $0.ask(dense("dog", "grass")).bits } == expected)
        #expect(workspace.scoreMaps.count == 4 && workspace.features.count == 1, "and one pass of their model")
        #expect(try segmenters.map { try $0.ask(dense("dog", "grass")).bits } == expected)
        #expect(workspace.scoreMaps.count == 4)
        let plain = try RequestBuilder("dog")
        for segmenter in segmenters { _ = try segmenter.ask(plain) }
        #expect(workspace.scoreMaps.count == 5, "cross-attention has no filter")
    }

    @Test func `loses what a model computed that is let go of, and nothing else`() throws {
        let pipelines = try Pipelines()
        let questions = try Pipelines.questions()
        for (kept, gone) in [
            (pipelines.tiny, pipelines.odd), (pipelines.tiny, pipelines.fixed), (pipelines.odd, pipelines.other),
        ] {
            let workspace = try Workspace(limits: .standard)
            let (one, other) = (try kept.segmenter(workspace), try gone.segmenter(workspace))
            let expected = try questions.map { AnswerContent(try one.ask($0)) }
            let (memory, pictures) = (workspace.memory, workspace.pictures.bytes)
            let seen = try questions.map { AnswerContent(try other.ask($0)) }
            let both = Sizes(workspace)
            workspace.forget(everythingBut: one.networks.union(other.networks))
            #expect(Sizes(workspace) == both)
            workspace.forget(everythingBut: one.networks)
            let left = Sizes(workspace)
            #expect(zip(left.computed, both.computed).allSatisfy(<), "\(left) of \(both)")
            let isOther = kept.model.hash != gone.model.hash
            #expect((left.phrases < both.phrases) == isOther, "arithmetic decides no tokens")
            #expect(
                workspace.memory.picturesBytes - workspace.pictures.bytes == memory.picturesBytes - pictures)
            #expect((workspace.memory.words, workspace.memory.wordsBytes) == (memory.words, memory.wordsBytes))
            for (question, expected) in zip(questions, expected) {
                let reply = try one.ask(question)
                #expect(AnswerContent(reply) == expected)
                #expect((reply.report.passes, reply.report.text) == (0, 0))
            }
            #expect(workspace.memory.picturesBytes == memory.picturesBytes, "nothing was computed again")
            #expect(try questions.map { AnswerContent(try other.ask($0)) } == seen)
            workspace.forget(everythingBut: [])
            #expect(workspace.memory.picturesBytes == workspace.pictures.bytes && workspace.pictures.count == 2)
            #expect(workspace.memory.wordsBytes == 0 && workspace.memory.words == 0)
            workspace.forget()
            #expect(workspace.memory.picturesBytes == 0 && workspace.memory.pictures == 0)
        }
    }

    @Test func `loses what networks beside a model computed that are let go of, and keeps the model's`() throws {
        let pipelines = try Pipelines()
        let questions = try Pipelines.questions()
        for (kept, gone) in [(pipelines.tiny, pipelines.other), (pipelines.other, pipelines.tiny)] {
            let workspace = try Workspace(limits: .standard)
            let (one, other) = (try kept.segmenter(workspace), try gone.segmenter(workspace))
            let expected = try questions.map { AnswerContent(try one.ask($0)) }
            let sights = workspace.sights.bytes
            let seen = try questions.map { AnswerContent(try other.ask($0)) }
            let both = Sizes(workspace)
            workspace.forget(everythingBut: one.networks)
            let left = Sizes(workspace)
            #expect(left.sights == sights && left.maps == both.maps - 2, "two labels were scored by the filter")
            #expect((left.latents, left.features, left.texts) == (both.latents, both.features, both.texts))
            #expect(left.phrases == both.phrases)
            #expect(try questions.map { AnswerContent(try one.ask($0)) } == expected)
            #expect(try questions.map { AnswerContent(try other.ask($0)) } == seen)
        }
    }

    @Test func `shrinks to its limits, and what was used last stays`() throws {
        let pipelines = try Pipelines()
        let workspace = try Workspace(limits: .standard)
        let segmenters = try pipelines.all.map { try $0.segmenter(workspace) }
        let questions = try Pipelines.questions()
        let expected = try segmenters.map { segmenter in try questions.map { AnswerContent(try segmenter.ask($0)) } }
        let full = workspace.memory
        for bytes in [8 << 20, 1 << 20, 1 << 17, 0] {
            let limits = MemoryLimits.standard.within(bytes)
            workspace.limit(to: limits)
            #expect(workspace.limits == limits && workspace.pictures.limit == limits.pictures)
            #expect(workspace.pictures.bytes <= limits.pictures && workspace.latents.bytes <= limits.latents)
            #expect(workspace.features.bytes <= limits.features && workspace.scoreMaps.bytes <= limits.scores)
            #expect(workspace.words.bytes + workspace.phrases.bytes <= limits.words)
            #expect(workspace.sights.bytes <= limits.sights)
            #expect(
                workspace.memory.picturesBytes < full.picturesBytes && workspace.memory.wordsBytes < full.wordsBytes)
            #expect(try segmenters[3].ask(questions[0]).bits.count == 2)
        }
        workspace.limit(to: .standard)
        for (segmenter, expected) in zip(segmenters, expected) {
            #expect(try questions.map { AnswerContent(try segmenter.ask($0)) } == expected)
        }
        let last = try segmenters[1].ask(questions[0])
        let latent = workspace.latents.bytes / workspace.latents.count
        workspace.limit(
            to: MemoryLimits(
                pictures: 1 << 24, latents: latent * 3 / 2, features: workspace.features.bytes - 1, scores: 0,
                words: 1 << 24, sights: 0))
        #expect(workspace.latents.count <= 1)
        let again = try segmenters[1].ask(questions[0])
        #expect(AnswerContent(again) == AnswerContent(last) && again.report.passes == 0, "the pass that was used last")
    }

    @Test func `for scratch is that of the model that wants most`() throws {
        let pipelines = try Pipelines()
        let workspace = try Workspace(limits: .standard)
        #expect(workspace.arena.reservedBytes <= 4096)
        let model = pipelines.tiny.model
        func small() throws -> Segmenter {
            try Segmenter(Pipeline(model: model, captioner: nil, filter: nil), workspace: workspace)
        }
        let least = Pipeline(model: model, captioner: nil, filter: nil).scratchBytes
        let most = pipelines.tiny.scratchBytes
        try #require(least + 4096 <= most)
        _ = try small()
        #expect(workspace.arena.reservedBytes - least < 4096 && workspace.arena.reservedBytes >= least)
        let segmenter = try pipelines.tiny.segmenter(workspace)
        #expect(workspace.arena.reservedBytes >= most)
        _ = try small()
        workspace.rest()
        #expect(workspace.arena.reservedBytes >= most, "a smaller model takes nothing away")
        _ = try segmenter.ask(RequestBuilder("dog"))
        let used = workspace.memory.scratchBytes
        #expect(used > 0)
        try workspace.reserve(scratchBytes: least)
        #expect(workspace.arena.reservedBytes >= most)
        workspace.rest()
        #expect(workspace.arena.reservedBytes - least < 4096 && workspace.memory.scratchBytes == used)
        let error = #expect(throws: AddressSpaceError.self) { try workspace.reserve(scratchBytes: 1 << 60) }
        #expect("\(error, default: "")".contains("scratch memory needs"))
        #expect(workspace.scratchBytes == least && workspace.arena.reservedBytes - least < 4096)
        #expect(try small().ask(RequestBuilder("dog")).bits.count == 1)
    }
}

/// How much of each kind a workspace has.
private struct Sizes: Equatable {
    let latents: Int
    let features: Int
    let maps: Int
    let texts: Int
    let phrases: Int
    let sights: Int

    /// By networks.
    var computed: [Int] { [latents, features, maps, texts, sights] }

    init(_ workspace: Workspace) {
        latents = workspace.latents.count
        features = workspace.features.count
        maps = workspace.scoreMaps.count
        texts = workspace.words.count
        phrases = workspace.phrases.count
        sights = workspace.sights.bytes
    }
}

@Suite struct `limits of memory` {
    private func all(_ limits: MemoryLimits) -> Int { limits.ofPictures + limits.words }

    @Test(arguments: [0, 1, 1000, 1 << 20, 1 << 30]) func `are scaled down to what there is`(bytes: Int) {
        let limits = MemoryLimits.standard.within(bytes)
        #expect(all(limits) <= bytes && all(limits) >= bytes - 6)
        let share = Double(bytes) / Double(all(.standard))
        #expect(abs(Double(limits.features) - share * Double(MemoryLimits.standard.features)) <= 1)
        #expect(abs(Double(limits.sights) - share * Double(MemoryLimits.standard.sights)) <= 1)
    }

    @Test func `stay where there is more, and are none below nothing`() {
        let standard = MemoryLimits.standard
        #expect(standard.within(nil) == standard && standard.within(all(standard)) == standard)
        #expect(standard.within(.max) == standard && standard.within(all(standard) - 1) != standard)
        #expect(all(standard.within(-5)) == 0)
        #expect(standard.keptFileBytes == 48 << 20)
    }
}
