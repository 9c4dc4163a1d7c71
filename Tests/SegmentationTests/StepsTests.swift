import Images
import Kernels
import Networks
import Testing

@testable import Segmentation

/// A recipe's steps one by one, each of which `dseg-bench verify` holds to goldens.
private struct Steps {
    let recipe: Recipe
    let model: Model
    /// The words of each label's phrases.
    let labels: [[String]]

    private func image() throws -> Image { try Image(decoding: Fixture.bytes(Fixture.picture)) }

    /// Each phrase's prompt and the positions of its words in it, and what the pass reads.
    private func prompts() throws -> (phrases: [(ReadPrompt, [Int32])], pass: ReadPrompt) {
        let words = labels.flatMap(\.self)
        let length = model.textEncoder.configuration.positions
        switch recipe.forwardPrompt {
        case .own: throw Disorder()
        case .fixed(let pass):
            let phrases = try words.map { words in
                let prompt = recipe.template.prompt(for: words)
                let place = try #require(
                    model.tokenizer.place(of: words, in: prompt, from: recipe.template, length: length))
                return (ReadPrompt(prompt), place.positions.map(Int32.init))
            }
            return (phrases, ReadPrompt(pass))
        case .joined(let list):
            let places = try list.places(of: words, model.tokenizer, length: length).map { $0.map(Int32.init) }
            let prompt = ReadPrompt(
                list.prompt(for: words), enhancing: places.flatMap(\.self), by: recipe.enhancement.factor, from: .zero)
            return (places.map { (prompt, $0) }, prompt)
        }
    }

    /// The labels' maps on the latent's grid, before absent ones become zeros.
    func maps() throws -> [[Float]] {
        let (size, grid) = (model.latentSizes.picture, model.latentSizes.trained)
        var arena = try model.scratch()
        let (phrases, pass) = try prompts()
        var read: [ReadPrompt: EncodedText] = [:]
        for prompt in Set(phrases.map(\.0) + [pass]) {
            read[prompt] = try EncodedText.reading([prompt], model, cancellation: .never, &arena)[0]
        }
        let fusion = try AttentionFusion(model.unet, recipe: recipe, Layout(grid))
        let picture = try image().resized(width: size.width, height: size.height, by: recipe.resampling)
        let latent = try model.latent(of: picture, size, cancellation: .never, &arena)
        let context = try #require(read[pass]).context
        let features = try arena.scope { arena in
            let noised = arena.featureMap(
                height: grid.height, width: grid.width, channels: model.unet.configuration.inChannels)
            noised.matrix.fill(latent)
            model.addNoise(
                to: noised, Tile(row: 0, column: 0, grid: grid), of: grid, seed: 7, timestep: recipe.timestep, &arena)
            return try model.features(
                of: noised, timestep: recipe.timestep, context: context, capturing: fusion.captured, colours: nil,
                cancellation: .never, &arena)
        }
        let asked = try phrases.map { AskedPhrase(text: try #require(read[$0.0]), positions: $0.1) }
        var rest = try fusion.scores(of: [asked], in: [features], cancellation: .never, &arena)[...]
        return labels.map { phrases in
            let own = rest.prefix(phrases.count)
            rest.removeFirst(phrases.count)
            guard own.count > 1 else { return own[own.startIndex] }
            var sum = [Float](repeating: 0, count: grid.pixels)
            for map in own { ScoreKernels.add(map, times: 1 / Float(own.count), to: &sum) }
            return sum
        }
    }

    func sizing() throws -> MapSizing {
        let image = try image()
        return MapSizing(
            recipe, latent: model.latentSizes.trained, read: model.latentSizes.picture, guide: nil, width: image.width,
            height: image.height)
    }
}

@Suite struct `the answer of a recipe` {
    private static let names = ["shared"] + `labels in one prompt`.names + `maps that single heads complete`.names

    @Test(arguments: names, Precision.allCases)
    func `is what its steps make one after the other`(name: String, precision: Precision) throws {
        let segmenter = try Fixture.segmenter(Fixture.tiny, precision)
        let words = [["dog", "teddy bear"], ["grass"], ["cat"]]
        let recipe = try Recipe(named: name)
        let question = try RequestBuilder()
            .with(
                \.labels,
                words.map { words in
                    Label(name: words[0], phrases: words.map { Phrase(words: $0, prompt: nil) })
                }
            )
            .with(\.recipe, recipe).with(\.seed, 7).with(\.wantsMask, true)
        let steps = Steps(recipe: recipe, model: segmenter.model, labels: words)
        let maps = try steps.maps().map { map in
            guard let presence = recipe.presence, (map.max() ?? 0) <= presence else { return map }
            return map.map { _ in 0 }
        }
        #expect(try segmenter.ask(question).scores.map(\.scores) == maps)
        let sizing = try steps.sizing()
        let answer = try segmenter.ask(question.with(\.maps, .picture))
        #expect(answer.scores.map(\.scores) == maps.map(sizing.sized))
        let mask = try #require(sizing.argmax(maps, above: recipe.background, while: { true }))
        #expect(answer.mask?.indices == mask && mask.contains { $0 > 0 })
    }

    private static let settings = [
        [], ["gamma=1"], ["gamma=64"], ["edges=on"], ["edges=off"], ["rounds=0"], ["rounds=16"], ["weights=1,0,0,0"],
        ["weights=0,0,1,0"], ["enhancement=0.1"], ["enhancement=10"], ["clusters=off"], ["colour=off"],
        ["colour=0.01"], ["entropy=0"], ["entropy=1"], ["cut=0"], ["cut=1"], ["heads=mean"], ["presence=0"],
        ["presence=1"], ["resize=nearest"], ["detail=1.5"], ["detail=3"], ["grid=192x64"], ["grid=64x192"],
        ["detail=3", "gamma=1"], ["grid=aspect", "edges=on", "rounds=0"],
    ]

    @Test(arguments: names)
    func `lies from 0 to 1 with any legal setting`(name: String) throws {
        let segmenter = try Fixture.segmenter(Fixture.tiny)
        for settings in Self.settings {
            guard let recipe = try? Recipe(named: name, settings: settings) else { continue }
            let question = try RequestBuilder("dog", "grass").with(\.recipe, recipe)
                .with(\.maps, .picture).with(\.wantsMask, true)
            let answer = try segmenter.ask(question)
            #expect(answer.scores.count == 2)
            for map in answer.scores {
                #expect(map.scores.allSatisfy { $0 >= 0 && $0 <= 1 }, "\(settings)")
            }
            let latent = try segmenter.ask(question.with(\.maps, .latent)).scores
            #expect(latent.allSatisfy { $0.scores.allSatisfy { $0 >= 0 && $0 <= 1 } }, "\(settings)")
        }
    }
}
