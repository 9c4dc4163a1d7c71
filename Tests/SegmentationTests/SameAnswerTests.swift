import Kernels
import Networks
import Segmentation
import Testing

@Suite struct `the same question has the same answer, bit for bit` {
    static let recipes = Recipe.all.map(\.name)
    static let folders = [Fixture.tiny, Fixture.odd, Fixture.demo]

    @Test(arguments: folders, recipes)
    func `cold, warm, and after other words, pictures and seeds`(folder: String, recipe: String) throws {
        let question = try RequestBuilder("dog", "grass").with(\.recipe, Recipe(named: recipe))
        let segmenter = try Fixture.segmenter(folder)
        let cold = try segmenter.ask(question)
        #expect(cold.bits.count == 2)
        #expect(cold.scores.allSatisfy { $0.scores.allSatisfy(\.isFinite) })
        #expect(Set(cold.scores[0].scores).count > 10, "a map of a random checkpoint is not constant")
        let warm = try segmenter.ask(question)
        #expect(warm.report.passes == 0)
        #expect(warm.bits == cold.bits)

        let other = try Fixture.segmenter(folder)
        _ = try other.ask(RequestBuilder("a red car", file: Fixture.scene).with(\.seed, 7))
        _ = try other.ask(RequestBuilder("cat", "sky").with(\.recipe, Recipe(named: recipe)))
        let after = try other.ask(question)
        #expect(after.bits == cold.bits)
        #expect(after.report.answerHash == cold.report.answerHash)
    }

    @Test(arguments: [Fixture.tiny, Fixture.demo], recipes)
    func `in any order of the labels, and alone`(folder: String, recipe: String) throws {
        let recipe = try Recipe(named: recipe)
        let all = try Fixture.segmenter(folder).ask(RequestBuilder("dog", "bird", "grass").with(\.recipe, recipe))
        let permuted = try Fixture.segmenter(folder).ask(
            RequestBuilder("grass", "dog", "bird").with(\.recipe, recipe))
        #expect(permuted.header.labels.map(\.name) == ["grass", "dog", "bird"])
        #expect(permuted.bits == all.bits)
        let alone = try Fixture.segmenter(folder).ask(RequestBuilder("bird").with(\.recipe, recipe))
        #expect(alone.bits["bird"] == all.bits["bird"])
    }

    @Test(arguments: recipes)
    func `with every cache too small to hold anything`(recipe: String) throws {
        let question = try RequestBuilder("dog", "bird").with(\.recipe, Recipe(named: recipe))
        let roomy = try Fixture.segmenter(Fixture.tiny)
        let narrow = try Fixture.segmenter(
            Fixture.tiny, limits: MemoryLimits(pictures: 0, latents: 0, features: 0, scores: 0, words: 0))
        let expected = try roomy.ask(question)
        for _ in 0..<2 {
            let found = try narrow.ask(question)
            #expect(found.bits == expected.bits)
            #expect(found.report.passes == expected.report.passes)
        }
        #expect(narrow.memory.picturesBytes == 0 && narrow.memory.wordsBytes == 0)
    }

    @Test func `after what it needs was evicted, and after everything was forgotten`() throws {
        let one = try Fixture.segmenter(Fixture.tiny)
        let question = try RequestBuilder("dog")
        let expected = try one.ask(question)
        let picture = try Fixture.segmenter(Fixture.tiny)
        _ = try picture.look(at: try Fixture.bytes(Fixture.picture), owner: 1, cancellation: .init(deadline: nil))
        let limits = MemoryLimits(
            pictures: 8 * picture.memory.picturesBytes / 7, latents: 0,
            features: one.memory.picturesBytes, scores: 0, words: one.memory.wordsBytes)
        let narrow = try Fixture.segmenter(Fixture.tiny, limits: limits)
        for _ in 0..<2 {
            let found = try narrow.ask(question)
            #expect((found.report.passes, found.bits) == (1, expected.bits))
            #expect(try narrow.ask(question).report.passes == 0)
            let memory = narrow.memory
            #expect(memory.picturesBytes <= limits.ofPictures)
            #expect(memory.wordsBytes <= limits.segmenter.words)
            _ = try narrow.ask(RequestBuilder("cat", file: Fixture.scene))
        }
        one.rest()
        #expect(try one.ask(question).bits == expected.bits)
        one.forget()
        #expect(one.memory.picturesBytes == 0 && one.memory.wordsBytes == 0)
        let again = try one.ask(question)
        #expect((again.report.passes, again.bits) == (1, expected.bits))
    }

    /// Whoever finds the workers busy computes alone, in another order of tasks.
    @Test func `on one thread and on all`() async throws {
        try Threads.start(nil)
        let expected = try Fixture.segmenter(Fixture.tiny).ask(RequestBuilder("dog")).bits
        try await withThrowingTaskGroup(of: [String: [UInt32]].self) { group in
            for _ in 0..<3 {
                group.addTask {
                    let segmenter = try Fixture.segmenter(Fixture.tiny)
                    var bits: [String: [UInt32]] = [:]
                    for _ in 0..<3 {
                        segmenter.forget()
                        bits = try segmenter.ask(RequestBuilder("dog")).bits
                    }
                    return bits
                }
            }
            for try await bits in group { #expect(bits == expected) }
        }
    }
}
