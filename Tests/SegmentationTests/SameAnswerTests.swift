import Kernels
import Networks
import Segmentation
import Testing

@Suite struct `the same question has the same answer, bit for bit` {
    /// A precision and a recipe's name.
    typealias Way = (precision: Precision, recipe: String)

    static let ways: [Way] = Precision.allCases.flatMap { precision in Recipe.tested.map { (precision, $0.name) } }
    /// Of recipes whose prompt does not list the labels in their order.
    static let unlisted = ways.filter { !$0.recipe.hasPrefix("iseg:") && !$0.recipe.hasPrefix("cliper:") }
    static let folders = [Fixture.tiny, Fixture.odd, Fixture.demo]

    @Test(arguments: folders, ways)
    func `cold, warm, and after other words, pictures and seeds`(folder: String, way: Way) throws {
        let recipe = try Recipe(named: way.recipe, settings: ["presence=off"])
        let question = try RequestBuilder("dog", "grass").with(\.recipe, recipe)
        let segmenter = try Fixture.segmenter(folder, way.precision)
        let cold = try segmenter.ask(question)
        #expect(cold.bits.count == 2)
        #expect(cold.scores.allSatisfy { $0.scores.allSatisfy(\.isFinite) })
        #expect(Set(cold.scores[0].scores).count > 10, "a map of a random checkpoint is not constant")
        let warm = try segmenter.ask(question)
        #expect(warm.report.passes == 0)
        #expect(warm.bits == cold.bits)

        let other = try Fixture.segmenter(folder, way.precision)
        _ = try other.ask(RequestBuilder("a red car", file: Fixture.scene).with(\.seed, 7))
        _ = try other.ask(RequestBuilder("cat", "sky").with(\.recipe, recipe))
        let after = try other.ask(question)
        #expect(after.bits == cold.bits)
        #expect(after.report.answerHash == cold.report.answerHash)
    }

    @Test(arguments: [Fixture.tiny, Fixture.demo], unlisted)
    func `in any order of the labels, and alone`(folder: String, way: Way) throws {
        func ask(_ question: RequestBuilder) throws -> Reply {
            try Fixture.segmenter(folder, way.precision).ask(question.with(\.recipe, Recipe(named: way.recipe)))
        }
        let all = try ask(RequestBuilder("dog", "bird", "grass"))
        let permuted = try ask(RequestBuilder("grass", "dog", "bird"))
        #expect(permuted.header.labels.map(\.name) == ["grass", "dog", "bird"])
        #expect(permuted.bits == all.bits)
        guard try Recipe(named: way.recipe).share == nil else { return }
        #expect(try ask(RequestBuilder("bird")).bits["bird"] == all.bits["bird"])
    }

    /// That prompt is read beside others, or before them.
    @Test(arguments: Precision.allCases)
    func `by a pass whose prompt is a label's own, and alone`(precision: Precision) throws {
        func ask(_ question: RequestBuilder) throws -> Reply {
            try Fixture.segmenter(Fixture.tiny, precision).ask(question.with(\.forwardPrompt, "a photograph of dog"))
        }
        let all = try ask(RequestBuilder("dog", "bird", "grass"))
        for word in ["dog", "bird"] {
            #expect(try ask(RequestBuilder(word)).bits[word] == all.bits[word])
        }
    }

    @Test(arguments: ways)
    func `with every cache too small to hold anything`(way: Way) throws {
        let question = try RequestBuilder("dog", "bird").with(\.recipe, Recipe(named: way.recipe))
        let roomy = try Fixture.segmenter(Fixture.tiny, way.precision)
        let narrow = try Fixture.segmenter(
            Fixture.tiny, way.precision,
            limits: MemoryLimits(pictures: 0, latents: 0, features: 0, scores: 0, words: 0, sights: 0))
        let expected = try roomy.ask(question)
        for _ in 0..<2 {
            let found = try narrow.ask(question)
            #expect(found.bits == expected.bits)
            #expect(found.report.passes == expected.report.passes)
        }
        #expect(narrow.workspace.memory.picturesBytes == 0 && narrow.workspace.memory.wordsBytes == 0)
    }

    @Test func `after what it needs was evicted, and after everything was forgotten`() throws {
        let one = try Fixture.segmenter(Fixture.tiny)
        let question = try RequestBuilder("dog")
        let expected = try one.ask(question)
        let picture = try Fixture.segmenter(Fixture.tiny)
        _ = try picture.look(at: try Fixture.bytes(Fixture.picture), owner: 1, cancellation: .init(deadline: nil))
        let limits = MemoryLimits(
            pictures: 8 * picture.workspace.memory.picturesBytes / 7, latents: 0,
            features: one.workspace.memory.picturesBytes, scores: 0, words: one.workspace.memory.wordsBytes, sights: 0)
        let narrow = try Fixture.segmenter(Fixture.tiny, limits: limits)
        for _ in 0..<2 {
            let found = try narrow.ask(question)
            #expect((found.report.passes, found.bits) == (1, expected.bits))
            #expect(try narrow.ask(question).report.passes == 0)
            let memory = narrow.workspace.memory
            #expect(memory.picturesBytes <= limits.ofPictures)
            #expect(memory.wordsBytes <= limits.words)
            _ = try narrow.ask(RequestBuilder("cat", file: Fixture.scene))
        }
        one.workspace.rest()
        #expect(try one.ask(question).bits == expected.bits)
        one.workspace.forget()
        #expect(one.workspace.memory.picturesBytes == 0 && one.workspace.memory.wordsBytes == 0)
        let again = try one.ask(question)
        #expect((again.report.passes, again.bits) == (1, expected.bits))
    }

    /// Whoever finds the workers busy computes alone, in another order of tasks.
    @Test(arguments: Precision.allCases, ["shared", "iseg:voc", "cliper-affinity:voc"])
    func `on one thread and on all`(precision: Precision, recipe: String) async throws {
        try Threads.start(nil)
        let question = try RequestBuilder("dog", "grass").with(\.recipe, Recipe(named: recipe))
        let expected = try Fixture.segmenter(Fixture.tiny, precision).ask(question).bits
        try await withThrowingTaskGroup(of: [String: [UInt32]].self) { group in
            for _ in 0..<3 {
                group.addTask {
                    let segmenter = try Fixture.segmenter(Fixture.tiny, precision)
                    var bits: [String: [UInt32]] = [:]
                    for _ in 0..<3 {
                        segmenter.workspace.forget()
                        bits = try segmenter.ask(question).bits
                    }
                    return bits
                }
            }
            for try await bits in group { #expect(bits == expected) }
        }
    }
}
