import FoundationEssentials
import Images
import Kernels
import Networks
import Support
import Testing

@testable import Segmentation

/// What transformers, compel and diffusers make of labels with a captioner (`Fixtures/published/make_published.py`).
struct PublishedGolden {
    let place: Place
    let story: Story
    private let tensors: TensorFile

    /// A checkpoint and a captioner, and where their golden is.
    struct Place: Sendable, CustomTestStringConvertible {
        let checkpoint: String
        /// Of which fixture the picture is.
        let picture: String
        /// A path without its ending.
        let golden: String
        /// Whether some of the captioner's words are spelled as participles.
        let isSpelled: Bool

        var testDescription: String { checkpoint }

        static let tiny = Place(checkpoint: "tiny", picture: "tiny-odd", golden: "published/tiny", isSpelled: true)
        static let sd2 = Place(checkpoint: "sd2", picture: "sd2", golden: "published/sd2", isSpelled: true)
        static let odd = Place(
            checkpoint: "tiny-odd", picture: "tiny-odd", golden: "tiny-odd/golden/published/labels", isSpelled: false)
        static let all = [tiny, sd2, odd]
    }

    struct Story: Decodable {
        let seed: UInt32
        let timestep: Int
        /// What the captioner says without a beginning.
        let caption: String
        let labels: [Label]
        let weights: [Weight]
    }

    struct Label: Decodable {
        let label, caption, prompt: String
        /// Positions of tokens: whose maps are averaged, of the words, and of the last of them between spaces.
        let read, words, last_word: [Int32]
    }

    struct Weight: Decodable {
        let name, words, prompt: String
        let weight: Float
        let enhanced: Bool
        let places: [Int32]
    }

    static let fixtures = "Tests/Fixtures"
    var picture: String { "\(Self.fixtures)/\(place.picture)/golden/image.png" }

    init(_ place: Place) throws {
        self.place = place
        let golden = "\(Self.fixtures)/\(place.golden)"
        story = try JSONDecoder().decode(Story.self, from: Data(Fixture.bytes("\(golden).json")))
        tensors = try TensorFile(path: "\(Repository.root)/\(golden).safetensors")
    }

    /// A tensor of a label by a recipe; of a label of one word both recipes have the same.
    func values(_ label: Label, _ recipe: Recipe, _ what: String) throws -> [Float] {
        let isShipped = recipe.enhancement.words == .last && label.words != label.last_word
        return try tensors.values(of: "\(label.label).\(isShipped ? "shipped" : "published").\(what)")
    }

    func values(_ weight: Weight, _ what: String) throws -> [Float] {
        try tensors.values(of: "\(weight.name).\(what)")
    }

    func model() throws -> Model {
        try Fixture.model("\(Repository.root)/\(Self.fixtures)/\(place.checkpoint)/checkpoint")
    }

    func captioner() throws -> Captioner { try Self.captioner(isSpelled: place.isSpelled, .f32) }

    static func captioner(isSpelled: Bool, _ precision: Precision) throws -> Captioner {
        let copy = try FolderCopy(of: "tiny-odd/checkpoint/blip")
        if isSpelled { try copy.write("vocab.txt", Fixture.bytes("\(fixtures)/published/vocab.txt")) }
        return try Fixture.captioner(copy.path, precision)
    }

    func question(_ labels: [Segmentation.Label], _ recipe: Recipe) throws -> RequestBuilder {
        try RequestBuilder(file: picture).with(\.labels, labels).with(\.recipe, recipe).with(\.seed, story.seed)
    }

    /// All labels at once.
    func question(_ recipe: Recipe) throws -> RequestBuilder {
        try question(story.labels.map { Segmentation.Label(name: $0.label, phrases: []) }, recipe)
    }
}

extension Fixture {
    static func segmenter(_ model: Model, beside captioner: Captioner?) throws -> Segmenter {
        return try Segmenter(
            Pipeline(model: model, captioner: captioner, filter: nil), workspace: Workspace(limits: .standard))
    }
}

private let recipes = ["published", "published-as-shipped"]

@Suite struct `the published method, stage by stage,` {
    @Test(arguments: PublishedGolden.Place.all)
    func `has the captions of transformers`(place: PublishedGolden.Place) throws {
        let golden = try PublishedGolden(place)
        let captioner = try golden.captioner()
        let states = try captioner.states(of: Image(decoding: Fixture.bytes(golden.picture)))
        #expect(try captioner.caption(of: states, beginning: "") == golden.story.caption)
        for label in golden.story.labels {
            let beginning = PromptTemplate.photograph.prompt(for: label.label)
            #expect(try captioner.caption(of: states, beginning: beginning) == label.caption)
        }
    }

    @Test(arguments: PublishedGolden.Place.all, recipes)
    func `reads prompts, words and participles as the golden does`(place: PublishedGolden.Place, recipe: String) throws
    {
        let golden = try PublishedGolden(place)
        let recipe = try Recipe(named: recipe)
        let model = try golden.model()
        let segmenter = try Fixture.segmenter(model, beside: golden.captioner())
        let header = try segmenter.ask(golden.question(recipe)).header
        try #require(header.labels.count == golden.story.labels.count)
        for (found, expected) in zip(header.labels, golden.story.labels) {
            let phrase = try #require(found.phrases.first)
            #expect(phrase.caption == expected.caption)
            #expect(phrase.prompt == expected.prompt)
            #expect(phrase.positions == expected.read, "\(phrase.prompt)")
            let enhanced = recipe.enhancement.words == .all ? expected.words : expected.last_word
            #expect(phrase.weights.map(\.position) == enhanced, "\(phrase.prompt)")
            #expect(phrase.weights.allSatisfy { $0.factor == 1.21 && $0.origin == .emptyPrompt })
        }
        let captioner = try #require(segmenter.captioner)
        #expect(header.captioner == NetworkIdentity(captioner.blip))
    }

    @Test(arguments: PublishedGolden.Place.all, recipes)
    func `has compel's states of the weighted prompts`(place: PublishedGolden.Place, recipe: String) throws {
        let golden = try PublishedGolden(place)
        let recipe = try Recipe(named: recipe)
        let model = try golden.model()
        var arena = try model.scratch()
        let prompts = golden.story.labels.map { label in
            ReadPrompt(
                label.prompt, enhancing: recipe.enhancement.words == .all ? label.words : label.last_word,
                by: recipe.enhancement.factor, from: recipe.enhancement.origin)
        }
        let texts = try EncodedText.reading(prompts, model, cancellation: .never, &arena)
        for (label, text) in zip(golden.story.labels, texts) {
            let error = Difference.relativeError(text.context.array, to: try golden.values(label, recipe, "context"))
            #expect(error <= 1e-4, "\(label.label): \(error)")
        }
    }

    @Test(arguments: PublishedGolden.Place.all, recipes)
    func `has the maps of a pass by diffusers for each label`(place: PublishedGolden.Place, recipe: String) throws {
        let golden = try PublishedGolden(place)
        let recipe = try Recipe(named: recipe)
        let segmenter = try Fixture.segmenter(golden.model(), beside: golden.captioner())
        let reply = try segmenter.ask(golden.question(recipe))
        #expect(reply.header.timestep == golden.story.timestep)
        #expect(reply.report.passes == golden.story.labels.count)
        for (label, found) in zip(golden.story.labels, reply.scores) {
            let error = Difference.relativeError(found.scores, to: try golden.values(label, recipe, "map"))
            #expect(error <= 1e-4, "\(label.label): \(error)")
        }
    }

    @Test func `weights words as compel does, below 1 too`() throws {
        let golden = try PublishedGolden(.tiny)
        let segmenter = try Fixture.segmenter(golden.model(), beside: nil)
        var arena = try segmenter.model.scratch()
        try #require(golden.story.weights.count == 4)
        for weight in golden.story.weights {
            let recipe =
                try weight.enhanced
                ? Recipe(named: "published", settings: ["captions=off"]) : Recipe(named: "diffsegmenter")
            let phrase = Phrase(words: weight.words, prompt: nil, weight: weight.weight)
            let reply = try segmenter.ask(
                golden.question([Label(name: weight.words, phrases: [phrase])], recipe))
            let read = try #require(reply.header.labels.first?.phrases.first)
            #expect(read.prompt == weight.prompt && read.positions == weight.places)
            #expect(read.weight == weight.weight)
            let prompt = ReadPrompt(read.prompt, weights: read.weights)
            let text = try EncodedText.reading([prompt], segmenter.model, cancellation: .never, &arena)[0]
            let states = Difference.relativeError(text.context.array, to: try golden.values(weight, "context"))
            let map = Difference.relativeError(reply.scores[0].scores, to: try golden.values(weight, "map"))
            #expect(states <= 1e-4 && map <= 1e-4, "\(weight.name): \(states), \(map)")
        }
    }
}

@Suite struct `a recipe that reads captions` {
    private static let photographs = ["dog", "potted plant", "hot dog"]

    private func question(_ recipe: Recipe) throws -> RequestBuilder {
        try PublishedGolden(.tiny).question(Self.photographs.map { Label(name: $0, phrases: []) }, recipe)
    }

    private func segmenter(_ precision: Precision) throws -> Segmenter {
        try Fixture.segmenter(
            Fixture.model(Fixture.tiny, precision), beside: PublishedGolden.captioner(isSpelled: true, precision))
    }

    @Test(arguments: recipes, Precision.allCases)
    func `without captions and weights is diffsegmenter, bit for bit`(recipe: String, precision: Precision) throws {
        let plain = try Recipe(named: recipe, settings: ["captions=off", "enhancement=1"])
        let expected = try segmenter(precision).ask(question(.diffsegmenter))
        let alone = try Fixture.segmenter(Fixture.model(Fixture.tiny, precision), beside: nil)
        let found = try alone.ask(question(plain))
        #expect(found.bits == expected.bits && found.bits.count == 3)
        #expect(found.header.captioner == nil && found.header.labels == expected.header.labels)
        let enhanced = try alone.ask(question(Recipe(named: recipe, settings: ["captions=off"])))
        let captioned = try segmenter(precision).ask(question(Recipe(named: recipe, settings: ["enhancement=1"])))
        for word in Self.photographs {
            #expect(Set([expected, enhanced, captioned].map { $0.bits[word] }).count == 3, "each part tells")
        }
    }

    @Test(arguments: Precision.allCases)
    func `has no other bits where a weight is 1, beside weighted words too`(precision: Precision) throws {
        let segmenter = try segmenter(precision)
        var arena = try segmenter.model.scratch()
        let prompt = PromptTemplate.photograph.prompt(for: "potted plant")
        func bits(_ prompts: ReadPrompt...) throws -> [UInt32] {
            try EncodedText.reading(prompts, segmenter.model, cancellation: .never, &arena)[0].context.bits
        }
        let plain = try bits(ReadPrompt(prompt))
        for origin in [EnhancementOrigin.emptyPrompt, .zero] {
            let one = ReadPrompt(prompt, enhancing: [4, 5], by: 1, from: origin)
            let other = ReadPrompt(prompt, enhancing: [4, 5], by: 1.21, from: origin)
            #expect(one == ReadPrompt(prompt) && other != one)
            #expect(try bits(one) == plain && bits(one, other) == plain)
            #expect(try bits(other) != plain)
        }
        func ask(_ weights: Float...) throws -> Reply {
            let phrases = zip(Self.photographs, weights).map { Phrase(words: $0, prompt: nil, weight: $1) }
            return try segmenter.ask(
                question(.published).with(\.labels, phrases.map { Label(name: $0.words, phrases: [$0]) }))
        }
        let expected = try ask(1, 1, 1)
        let found = try ask(1, 1.5, 0.5)
        #expect(found.bits["dog"] == expected.bits["dog"])
        for word in Self.photographs.dropFirst() { #expect(found.bits[word] != expected.bits[word]) }
        let unweighted = try segmenter.ask(question(.published))
        #expect(unweighted.bits == expected.bits && unweighted.report.passes == 0)
    }

    @Test(arguments: recipes, Precision.allCases)
    func `is answered from the caches the second time`(recipe: String, precision: Precision) throws {
        let segmenter = try segmenter(precision)
        let question = try question(Recipe(named: recipe))
        let first = try segmenter.ask(question)
        #expect(first.report.passes == 3 && first.report.featuresCached == 0)
        let second = try segmenter.ask(question)
        #expect(second.report.passes == 0 && second.report.featuresCached == 3 && second.report.phrasesCached == 3)
        #expect(second.bits == first.bits && second.header.labels == first.header.labels)
        let handle = try segmenter.ask(question.with(\.picture, .handle(question.picture.handle)))
        #expect(handle.bits == first.bits && handle.report.answerHash == first.report.answerHash)
        segmenter.workspace.forget()
        let third = try segmenter.ask(question)
        #expect(third.bits == first.bits && third.report.passes == 3)
    }

    @Test(arguments: recipes, Precision.allCases)
    func `has the same map of a label alone and beside others, in any order`(
        recipe: String, precision: Precision
    ) throws {
        let all = try question(Recipe(named: recipe))
        let expected = try segmenter(precision).ask(all)
        for label in all.labels {
            let alone = try segmenter(precision).ask(all.with(\.labels, [label]))
            #expect(alone.bits[label.name] == expected.bits[label.name])
        }
        #expect(try segmenter(precision).ask(all.with(\.labels, all.labels.reversed())).bits == expected.bits)
    }

    @Test(arguments: ["shared", "best", "diffsegmenter", "cliper-affinity:voc"])
    func `has the captioner's prompts, whichever it is`(recipe: String) throws {
        let golden = try PublishedGolden(.tiny)
        let segmenter = try segmenter(.f32)
        let plain = try Recipe(named: recipe)
        #expect(!plain.captions)
        let off = try segmenter.ask(golden.question(plain))
        let on = try segmenter.ask(golden.question(Recipe(named: recipe, settings: ["captions=on"])))
        for (index, label) in golden.story.labels.enumerated() {
            let (without, with) = (off.header.labels[index].phrases[0], on.header.labels[index].phrases[0])
            #expect(without.prompt == PromptTemplate.photograph.prompt(for: label.label) && without.caption == nil)
            #expect(with.prompt == label.prompt && with.caption == label.caption)
            #expect(with.positions == label.read && with.weights.isEmpty)
            #expect(on.bits[label.label] != off.bits[label.label])
        }
        #expect(off.header.captioner == nil && on.header.captioner != nil)
    }

    @Test(arguments: recipes)
    func `takes a prompt that was typed as one that was written`(recipe: String) throws {
        let golden = try PublishedGolden(.tiny)
        let recipe = try Recipe(named: recipe)
        let expected = try segmenter(.f32).ask(golden.question(recipe))
        let typed = golden.story.labels.map { label in
            Label(name: label.label, phrases: [Phrase(words: label.label, prompt: label.prompt)])
        }
        let found = try Fixture.segmenter(golden.model(), beside: nil).ask(golden.question(typed, recipe))
        #expect(found.bits == expected.bits)
        #expect(found.header.captioner == nil && found.header.labels.allSatisfy { $0.phrases[0].caption == nil })
    }

    @Test func `asks each phrase's own caption`() throws {
        let golden = try PublishedGolden(.tiny)
        let phrases = golden.story.labels.prefix(2).map { Phrase(words: $0.label, prompt: nil) }
        let reply = try segmenter(.f32).ask(golden.question([Label(name: "pets", phrases: phrases)], .published))
        let read = try #require(reply.header.labels.first?.phrases)
        #expect(read.map(\.prompt) == golden.story.labels.prefix(2).map(\.prompt))
        let maps = try golden.story.labels.prefix(2).map { try golden.values($0, .published, "map") }
        let mean = zip(maps[0], maps[1]).map { ($0 + $1) / 2 }
        #expect(Difference.relativeError(reply.scores[0].scores, to: mean) <= 1e-4)
    }

    @Test func `is refused without a captioner, before anything is computed`() throws {
        let segmenter = try Fixture.segmenter(Fixture.model(Fixture.tiny), beside: nil)
        for recipe in [Recipe.published, .publishedAsShipped, try Recipe(named: "best", settings: ["captions=on"])] {
            let error = try #require(throws: SegmentationError.self) { try segmenter.ask(question(recipe)) }
            guard case .noCaptioner = error else {
                Issue.record("\(error)")
                continue
            }
        }
        #expect(segmenter.workspace.memory.pictures == 0)
    }
}
