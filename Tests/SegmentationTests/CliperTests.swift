import Images
import Kernels
import Networks
import Testing

@testable import Segmentation

/// CLIPer's refinement as a user meets it.
@Suite struct `maps that single heads complete` {
    static let names = ["cliper-affinity:voc", "cliper-affinity:context", "cliper-affinity:coco"]

    private func question(_ words: [String], _ recipe: String, _ settings: [String] = []) throws -> RequestBuilder {
        try RequestBuilder()
            .with(\.labels, words.map { Label(name: $0, phrases: []) })
            .with(\.recipe, Recipe(named: recipe, settings: settings)).with(\.wantsMask, true)
    }

    private let words = ["dog", "teddy bear", "grass"]

    @Test(arguments: names, [MapRequest.latent, .picture])
    func `are zeros of absent labels`(recipe: String, maps: MapRequest) throws {
        let segmenter = try Fixture.segmenter(Fixture.tiny)
        let none = try segmenter.ask(question(words, recipe, ["presence=1"]).with(\.maps, maps))
        #expect(none.scores.count == 3)
        #expect(none.scores.allSatisfy { $0.scores.allSatisfy { $0 == 0 } })
        #expect(try #require(none.mask).indices.allSatisfy { $0 == 0 })
        let all = try segmenter.ask(question(words, recipe, ["presence=off"]).with(\.maps, maps))
        #expect(all.scores.allSatisfy { $0.scores.contains { $0 > 0 } })
        #expect(try #require(all.mask).indices.contains { $0 > 0 })
    }

    @Test(arguments: names)
    func `are zeros of a label whose score is the least of one that is present, and not above it`(
        recipe: String
    ) throws {
        let segmenter = try Fixture.segmenter(Fixture.tiny)
        let all = try segmenter.ask(question(words, recipe, ["presence=off"]))
        let scores = all.scores.map { $0.scores.max() ?? 0 }.sorted()
        try #require(scores[0] < scores[1] && scores[1] < scores[2] && scores[2] < 1)
        for (presence, present) in [(scores[1].nextDown, 2), (scores[1], 1), (scores[2], 0)] {
            let answer = try segmenter.ask(question(words, recipe, ["presence=\(presence)"]))
            let kept = answer.bits.filter { $0.value.contains { $0 != 0 } }
            #expect(kept.count == present)
            #expect(kept.allSatisfy { all.bits[$0.key] == $0.value })
            #expect(answer.report.passes == 0, "presence is decided after maps are made")
        }
    }

    @Test(arguments: Precision.allCases, [Fixture.tiny, Fixture.demo])
    func `have as their largest value the label's score`(precision: Precision, folder: String) throws {
        let model = try Fixture.model(folder, precision)
        let layout = Layout(model.latentSizes.trained)
        var arena = try model.scratch()
        let empty = try EncodedText.reading([ReadPrompt("")], model, cancellation: .never, &arena)[0]
        let asked = try words.map { words in
            let prompt = "a photograph of \(words)"
            let text = try EncodedText.reading([ReadPrompt(prompt)], model, cancellation: .never, &arena)[0]
            let place = model.tokenizer.place(
                of: words, in: prompt, from: .photograph, length: model.textEncoder.configuration.positions)
            return AskedPhrase(text: text, positions: try #require(place).positions.map(Int32.init))
        }
        for combination in [HeadProduct.Combination.product, .mean] {
            let rule = AffinityRule.heads(HeadRule(threshold: 0.1, combination: combination))
            func fusion(scales: Bool) throws -> AttentionFusion {
                let recipe = Recipe.variant(captures: .firstUp, affinity: rule, scales: scales)
                return try AttentionFusion(model.unet, recipe: recipe, layout)
            }
            let (scaling, plain) = (try fusion(scales: true), try fusion(scales: false))
            let features = try arena.scope { arena in
                try model.features(
                    of: noised(model, &arena), timestep: 101, context: empty.context, capturing: plain.captured,
                    colours: nil, cancellation: .never, &arena)
            }
            let fused = plain.fused([asked], in: [features], &arena)
            let completed = try plain.scores(of: [asked], in: [features], cancellation: .never, &arena)
            let scaled = try scaling.scores(of: [asked], in: [features], cancellation: .never, &arena)
            let cancelled = Cancellation(deadline: nil)
            cancelled.cancel()
            #expect(throws: Interruption.cancelled) {
                try arena.scope { arena throws in
                    try plain.scores(of: [asked], in: [features], cancellation: cancelled, &arena)
                }
            }
            for label in words.indices {
                let top = try #require(completed[label].max())
                let score = (try #require(fused[label].max()) + top) / 2
                try #require(top > 0 && abs(score - top) > 1e-3)
                let largest = try #require(scaled[label].max())
                #expect(abs(largest - score) <= score * 1e-6)
                let expected = completed[label].map { $0 * (score / top) }
                #expect(zip(scaled[label], expected).allSatisfy { abs($0 - $1) <= score * 1e-6 })
            }
        }
    }

    @Test func `have the answer of their settings`() throws {
        let segmenter = try Fixture.segmenter(Fixture.demo)
        let settings = ["heads=mean", "cut=0.5", "cut=0", "rounds=2", "rounds=0", "resize=bilinear", "weights=0,1,0"]
        var seen = [try segmenter.ask(question(["boat", "sheep"], "cliper-affinity:voc", ["presence=off"])).bits]
        for setting in settings {
            let bits = try segmenter.ask(
                question(["boat", "sheep"], "cliper-affinity:voc", ["presence=off", setting])
            ).bits
            #expect(!seen.contains(bits), "\(setting)")
            seen.append(bits)
        }
    }

    /// More than a group of phrases that are scored together.
    @Test(arguments: Precision.allCases) func `do not depend on the other labels`(precision: Precision) throws {
        let words = (0..<70).map { "thing \($0)" }
        #expect(Recipe.cliperAffinityVOC.groupPhrases < words.count)
        let together = try Fixture.segmenter(Fixture.tiny, precision).ask(
            question(words, "cliper-affinity:voc", ["presence=off"]))
        #expect(together.report.passes == 1 && Set(together.bits.values).count > 1)
        let segmenter = try Fixture.segmenter(Fixture.tiny, precision)
        for word in words {
            let alone = try segmenter.ask(question([word], "cliper-affinity:voc", ["presence=off"]))
            #expect(alone.bits[word] == together.bits[word], "\(word)")
        }
    }
}

@Suite struct `a label that scores as much as the background` {
    private func mask(_ values: [Float], above threshold: Float, takesTies: Bool) throws -> [UInt8] {
        let sizing = MapSizing(
            .variant(
                sizing: Sizing(passesInput: false, rescaling: Rescaling(target: .top, epsilon: 0)),
                labelsTakeTies: takesTies),
            latent: Grid(height: 4, width: 4), read: Grid(height: 32, width: 32), guide: nil, width: 9, height: 7)
        let maps = values.map { [Float](repeating: $0, count: 16) }
        return try #require(sizing.argmax(maps, above: threshold, while: { true }))
    }

    @Test(arguments: [1e-30, 0.25, 0.5, 1] as [Float])
    func `has the pixel where the recipe says so, and not otherwise`(score: Float) throws {
        #expect(try mask([score], above: score, takesTies: true) == [UInt8](repeating: 1, count: 63))
        #expect(try mask([score], above: score, takesTies: false) == [UInt8](repeating: 0, count: 63))
        for takesTies in [true, false] {
            #expect(try mask([score], above: score.nextUp, takesTies: takesTies).allSatisfy { $0 == 0 })
            #expect(try mask([score], above: score.nextDown, takesTies: takesTies).allSatisfy { $0 == 1 })
            #expect(try mask([0, score, score], above: 0, takesTies: takesTies).allSatisfy { $0 == 2 }, "the first")
        }
    }

    @Test func `has no pixel with a score of 0`() throws {
        for threshold in [0, Float.leastNonzeroMagnitude, 0.5] {
            for takesTies in [true, false] {
                #expect(try mask([0, 0], above: threshold, takesTies: takesTies).allSatisfy { $0 == 0 })
            }
        }
    }

    @Test func `is ruled by the recipes as published`() {
        let taking = Recipe.all.filter(\.labelsTakeTies).map(\.name)
        let dense = ["cliper", "cliper-b16"].flatMap { kind in ["voc", "context", "coco"].map { "\(kind):\($0)" } }
        #expect(taking == ["iseg:coco"] + dense + `maps that single heads complete`.names)
    }
}
