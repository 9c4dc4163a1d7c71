import Testing

@testable import Segmentation

@Suite struct `A recipe` {
    /// A recipe that has the name of another.
    private func recipe(
        template: PromptTemplate = .photograph, forwardPrompt: String? = "", timestep: Int = 100,
        weights: [[Float]] = Recipe.shared.weights, completions: Int = 1
    ) -> Recipe {
        Recipe(
            name: "shared", template: template, forwardPrompt: forwardPrompt, timestep: timestep, weights: weights,
            completions: completions, threshold: 0.5)
    }

    @Test func `is what it says, not its name: nothing that another one computed is taken for its own`() throws {
        let segmenter = try Fixture.segmenter(Fixture.tiny)
        let question = try Question("dog", "grass")
        var seen = [try segmenter.ask(question).bits]
        for recipe in [
            recipe(completions: 2), recipe(completions: 0), recipe(weights: [[0.1, 0.1, 0.3, 0.5], [0.2, 0.3, 0.5]]),
            recipe(template: PromptTemplate(before: "", after: " in a street")), recipe(forwardPrompt: "a street"),
            recipe(forwardPrompt: nil), recipe(timestep: 200),
        ] {
            let answer = try segmenter.ask(question.with(\.recipe, recipe))
            #expect(answer.header.recipe == recipe && !seen.contains(answer.bits))
            #expect(try Fixture.segmenter(Fixture.tiny).ask(question.with(\.recipe, recipe)).bits == answer.bits)
            seen.append(answer.bits)
        }
        #expect(try segmenter.ask(question.with(\.recipe, recipe())).bits == seen[0])
    }

    @Test func `shares the passes of another that differs in what is made of them`() throws {
        let segmenter = try Fixture.segmenter(Fixture.tiny)
        let question = try Question("dog")
        #expect(try segmenter.ask(question).report.passes == 1)
        #expect(try segmenter.ask(question.with(\.recipe, recipe(completions: 2))).report.passes == 0)
    }

    @Test func `without weights for the resolutions of a U-Net is refused`() throws {
        let segmenter = try Fixture.segmenter(Fixture.tiny)
        let error = #expect(throws: SegmentationError.self) {
            try segmenter.ask(Question("dog").with(\.recipe, recipe(weights: [[1], [0.5, 0.5]])))
        }
        #expect("\(error, default: "")".contains("no weights"))
    }
}
