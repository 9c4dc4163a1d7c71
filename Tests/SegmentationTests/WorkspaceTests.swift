import Images
import Kernels
import Networks
import Support
import Testing

@testable import Segmentation

@Suite struct `segmenters of one workspace` {
    private static let nothing = MemoryLimits(pictures: 0, latents: 0, features: 0, scores: 0, words: 0, sights: 0)
    /// Room for about one of each.
    private static let narrow = MemoryLimits(
        pictures: 1 << 19, latents: 1 << 12, features: 1 << 19, scores: 1 << 12, words: 1 << 18, sights: 1 << 20)

    /// Four answers are under way at any time, and take turns in no order; where there are several limits, these change
    /// meanwhile, and what all but one computed is forgotten.
    @Test(arguments: [(1, [MemoryLimits.standard]), (2, [narrow]), (3, [nothing]), (4, [.standard, narrow, nothing])])
    func `answer as each does alone, bit for bit, whoever comes between`(seed: Int, limits: [MemoryLimits]) throws {
        let (pipelines, questions) = (try Pipelines(), try Pipelines.questions())
        let expected = try pipelines.all.map { cast in
            let segmenter = try cast.alone()
            return try questions.map { AnswerContent(try segmenter.ask($0)) }
        }
        let workspace = try Workspace(limits: limits[0])
        let segmenters = try pipelines.all.map { try $0.segmenter(workspace) }
        var random = SeededGenerator(seed: UInt64(seed))
        let rounds = seed == 1 ? 2 : 1
        var waiting = segmenters.indices.flatMap { one in
            questions.indices.flatMap { question in (0..<rounds).map { _ in (one, question) } }
        }.shuffled(using: &random)
        var talks: [(talk: SteppedAnswer, segmenter: Int, question: Int)] = []
        var answers = 0
        while !waiting.isEmpty || !talks.isEmpty {
            if talks.count < 4, let (one, question) = waiting.popLast() {
                talks.append((try SteppedAnswer(segmenters[one], questions[question]), one, question))
            }
            if limits.count > 1, Int.random(in: 0..<12, using: &random) == 0 {
                workspace.limit(to: limits[Int.random(in: limits.indices, using: &random)])
                workspace.forget(everythingBut: segmenters[answers % segmenters.count].networks)
            }
            if Int.random(in: 0..<12, using: &random) == 0 { workspace.rest() }
            let place = Int.random(in: talks.indices, using: &random)
            guard try !talks[place].talk.step() else { continue }
            let (talk, one, question) = talks.remove(at: place)
            #expect(
                try AnswerContent(talk.reply()) == expected[one][question], "segmenter \(one), question \(question)")
            answers += 1
        }
        #expect(answers == segmenters.count * questions.count * rounds)
        let (memory, last) = (workspace.memory, workspace.limits)
        #expect(memory.picturesBytes <= last.ofPictures && memory.wordsBytes <= last.words)
    }

    @Test(arguments: Recipe.tested.map(\.name))
    func `have a picture that none of them was asked for when it came`(recipe: String) throws {
        let pipelines = try Pipelines()
        let workspace = try Workspace(limits: .standard)
        let file = try Fixture.bytes(Fixture.picture)
        let looked = try workspace.pictures.look(at: file, owner: 1, cancellation: .never)
        #expect((looked.width, looked.height) == (190, 150))
        let question = try RequestBuilder("dog", "grass").with(\.recipe, Recipe(named: recipe)).with(\.wantsMask, true)
        let byHandle = question.with(\.picture, .handle(looked.handle))
        for cast in pipelines.all {
            let segmenter = try cast.segmenter(workspace)
            let found = try segmenter.ask(byHandle)
            #expect(try AnswerContent(found) == AnswerContent(cast.alone().ask(question)))
            #expect(found.header.picture == looked)
            let error = #expect(throws: SegmentationError.self) { try segmenter.ask(byHandle, owner: 2) }
            guard case .unknownPicture = error else { throw Disorder() }
        }
        #expect(workspace.memory.pictures == 1)
    }

    @Test func `have its transparent pixels and its words by the handle too`() throws {
        let pipelines = try Pipelines()
        let workspace = try Workspace(limits: .standard)
        let image = try Image(decoding: Fixture.bytes(Fixture.scene))
        var pixels: [UInt8] = []
        for pixel in 0..<image.width * image.height {
            pixels += image.pixels[3 * pixel..<3 * pixel + 3]
            pixels.append(pixel % image.width < 60 ? 0 : 255)
        }
        let file = try PNGFile(width: image.width, height: image.height, .rgba(pixels), texts: []).encoded()
        let handle = try workspace.pictures.look(at: file, owner: 1, cancellation: .never).handle
        let questions = try Pipelines.questions().map { $0.with(\.wantsMask, true).with(\.picture, .file(file)) }
        for cast in pipelines.all {
            let (segmenter, alone) = (try cast.segmenter(workspace), try cast.alone())
            for question in questions {
                let found = try AnswerContent(segmenter.ask(question.with(\.picture, .handle(handle))))
                #expect(try found == AnswerContent(alone.ask(question)))
                let mask = try #require(found.mask)
                #expect(mask.indices.allSatisfy { $0 % image.width >= 60 || mask[$0] == 0 })
            }
        }
    }

    @Test func `have what was computed by the same model, whatever stands beside it`() throws {
        let pipelines = try Pipelines()
        let workspace = try Workspace(limits: .standard)
        let (one, other) = (try pipelines.tiny.segmenter(workspace), try pipelines.other.segmenter(workspace))
        let question = try RequestBuilder("dog", "grass").with(\.recipe, .best)
        let first = try one.ask(question)
        let memory = workspace.memory
        let again = try other.ask(question)
        #expect(AnswerContent(again) == AnswerContent(first) && again.report.latentCached)
        #expect((again.report.passes, again.report.text, again.report.autoencoder) == (0, 0, 0))
        #expect(workspace.memory == memory)
        let seeded = try other.ask(question.with(\.seed, 1)).report
        #expect(seeded.latentCached && seeded.text == 0 && seeded.passes == 1)
    }

    @Test func `tell each user of what that user asked before, of any of them`() throws {
        let pipelines = try Pipelines()
        let workspace = try Workspace(limits: .standard)
        let (one, other) = (try pipelines.tiny.segmenter(workspace), try pipelines.other.segmenter(workspace))
        let alone = try pipelines.tiny.alone()
        func counts(_ report: Report) -> [Int] {
            [report.passes, report.featuresCached, report.phrasesCached, report.latentCached ? 1 : 0]
        }
        let questions = try [
            RequestBuilder("dog", "cat"), RequestBuilder("dog").with(\.seed, 1),
            RequestBuilder("dog").with(\.recipe, .diffsegmenter), RequestBuilder("cat", "sky"),
        ]
        for question in questions { _ = try one.ask(question, owner: 1) }
        for round in 1...2 {
            for (place, question) in questions.enumerated() {
                let found = try (place % 2 == 0 ? other : one).ask(question, owner: 2)
                #expect(
                    try counts(found.report) == counts(alone.ask(question, owner: 2).report),
                    "question \(place), round \(round)")
            }
        }
    }

    @Test func `read words each by its own tokenizer, to its own length`() throws {
        let workspace = try Workspace(limits: .standard)
        let folders = [Fixture.tiny, Fixture.odd, Fixture.demo]
        let segmenters = try folders.map { try Fixture.segmenter($0, workspace: workspace) }
        func label(before: Int, after: Int) -> Label {
            func text(_ count: Int) -> String { [String](repeating: "a", count: count).joined(separator: " ") }
            return Label(name: "x", phrases: [Phrase(words: "dog", prompt: "\(text(before)) dog \(text(after))")])
        }
        for (after, readings) in [(1, 2), (50, 3)] {
            let question = try RequestBuilder().with(\.labels, [label(before: 1, after: after)])
            let expected = try folders.map { try Fixture.segmenter($0).ask(question).header.labels }
            try #require(Set(expected.map { $0[0].phrases[0].tokens }).count == readings)
            for _ in 1...2 { #expect(try segmenters.map { try $0.ask(question).header.labels } == expected) }
        }
        let late = try RequestBuilder().with(\.labels, [label(before: 45, after: 1)])
        #expect(try segmenters[0].ask(late).bits.count == 1)
        for segmenter in segmenters.dropFirst() {
            let error = #expect(throws: SegmentationError.self) { try segmenter.ask(late) }
            guard case .cutOff = error else { throw Disorder() }
        }
    }

    @Test func `have captions of the same captioner, whatever their models`() throws {
        let pipelines = try Pipelines()
        let workspace = try Workspace(limits: .standard)
        let picture = PictureSource.file(try Fixture.bytes(Fixture.scene))
        func caption(_ segmenter: Segmenter) throws -> String {
            let request = DescriptionRequest(picture: picture, vocabulary: nil, model: "")
            guard case .description(let description) = try segmenter.answer(request).first else { throw Disorder() }
            return try #require(description.caption)
        }
        let expected = try pipelines.all.map { try caption($0.alone()) }
        try #require(expected[0] != expected[1] && !expected[1].isEmpty)
        #expect(expected[3] == expected[0])
        let segmenters = try pipelines.all.map { try $0.segmenter(workspace) }
        #expect(try caption(segmenters[0]) == expected[0])
        let bytes = workspace.sights.bytes
        #expect(try caption(segmenters[3]) == expected[0])
        let image = try Image(decoding: Fixture.bytes(Fixture.scene))
        let seen = try pipelines.odd.filter?.embedding(of: image, for: .best).bytes
        #expect(workspace.sights.bytes - bytes == seen, "only its own filter looks")
        #expect(try segmenters.map(caption) == expected)
    }
}
