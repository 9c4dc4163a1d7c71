import Images
import Kernels
import Networks
import Support
import Testing

@testable import Segmentation

/// iSeg as a user meets it: one prompt that lists all labels.
@Suite struct `labels in one prompt` {
    static let names = ["iseg:voc", "iseg:context", "iseg:coco"]
    private static let folders = [
        Fixture.tiny, Fixture.demo, "\(Repository.root)/Tests/Fixtures/sd2/checkpoint",
    ]

    private func label(_ name: String, _ words: String...) -> Label {
        Label(name: name, phrases: words.map { Phrase(words: $0, prompt: nil) })
    }

    private func question(
        _ labels: [Label], _ recipe: String = "iseg:context", _ settings: [String] = []
    ) throws -> RequestBuilder {
        try RequestBuilder().with(\.labels, labels).with(\.recipe, Recipe(named: recipe, settings: settings))
    }

    private func question(_ words: String...) throws -> RequestBuilder { try question(words.map { label($0) }) }

    /// - Parameter parts: of the refusal's sentence
    private func expectRefusal(
        _ parts: String..., of question: RequestBuilder, by segmenter: Segmenter,
        sourceLocation: SourceLocation = #_sourceLocation
    ) {
        let error = #expect(throws: SegmentationError.self, sourceLocation: sourceLocation) {
            try segmenter.ask(question)
        }
        let sentence = "\(error, default: "")"
        for part in parts { #expect(sentence.contains(part), "\(sentence)", sourceLocation: sourceLocation) }
    }

    @Test(arguments: folders, names)
    func `stand where their words' tokens are`(folder: String, recipe: String) throws {
        let segmenter = try Fixture.segmenter(folder)
        let model = segmenter.model
        let rest = recipe == "iseg:voc" ? ", ground, land, grass, tree, building, wall, sky, lake, water" : ""
        for labels in [
            [label("dog"), label("teddy bear"), label("Café")], [label("photograph"), label("and")],
            [label("vessel", "t.v.", "a small boat", "ship"), label("the dog's tail")],
        ] {
            let header = try segmenter.ask(question(labels, recipe)).header
            let phrases = header.labels.flatMap(\.phrases)
            let words = phrases.map(\.words).joined(separator: " and ")
            let prompt = "a photograph of \(words) and other object and background\(rest)"
            #expect(header.forwardPrompt == prompt && phrases.allSatisfy { $0.prompt == prompt })
            let encoded = model.tokenizer.encode(prompt, length: model.textEncoder.configuration.positions)
            var next = 1 + model.tokenizer.tokens(of: "a photograph of").count
            for phrase in phrases {
                let tokens = model.tokenizer.tokens(of: phrase.words)
                #expect(phrase.positions.map(Int.init) == Array(next..<next + tokens.count), "\(phrase.words)")
                #expect(phrase.positions.map { encoded.tokens[Int($0)] } == tokens, "\(phrase.words)")
                #expect(phrase.truncated == encoded.truncated)
                next += tokens.count + model.tokenizer.tokens(of: "and").count
            }
        }
    }

    @Test(arguments: [("!", "dog!"), ("<|endoftext|>", "a <|endoftext|> b"), ("e\u{301}", "  cafe\u{301}  bar ")])
    func `stand there also where a word is a special token, or is spelt in parts`(name: String, words: String) throws {
        for folder in Self.folders {
            let segmenter = try Fixture.segmenter(folder)
            let header = try segmenter.ask(question([label("dog"), label(name, words), label("cat")])).header
            let length = segmenter.model.textEncoder.configuration.positions
            let encoded = segmenter.model.tokenizer.encode(try #require(header.forwardPrompt), length: length)
            for phrase in header.labels.flatMap(\.phrases) {
                let tokens = segmenter.model.tokenizer.tokens(of: phrase.words)
                #expect(phrase.positions.map { encoded.tokens[Int($0)] } == tokens, "\(folder): \(phrase.words)")
            }
        }
    }

    @Test func `compete, and those of other recipes do not`() throws {
        for recipe in Recipe.all {
            let names = ["best", "iseg:", "cliper:", "cliper-b16:"]
            #expect(recipe.labelsCompete == names.contains { recipe.name.hasPrefix($0) }, "\(recipe.name)")
        }
    }

    @Test(arguments: [Fixture.tiny, Fixture.odd])
    func `are refused where the text encoder does not read them all`(folder: String) throws {
        let segmenter = try Fixture.segmenter(folder)
        let (tokenizer, length) = (segmenter.model.tokenizer, segmenter.model.textEncoder.configuration.positions)
        let (opening, gap) = (tokenizer.tokens(of: "a photograph of").count, tokenizer.tokens(of: "and").count)
        let one = tokenizer.tokens(of: "x").count
        /// With the start and the end.
        func tokens(_ count: Int) -> Int { 2 + opening + count * one + (count - 1) * gap }
        let most = try #require((1...length).last { tokens($0) <= length })
        func many(_ count: Int) throws -> RequestBuilder {
            try question([Label(name: "x", phrases: (0..<count).map { _ in Phrase(words: "x", prompt: nil) })])
        }
        let phrases = try segmenter.ask(many(most)).header.labels[0].phrases
        #expect(phrases.count == most && phrases.allSatisfy(\.truncated))
        #expect(phrases.last?.positions.last.map(Int.init) == tokens(most) - 2)
        expectRefusal(
            "\(most + 1) phrases", "\(tokens(most + 1)) tokens", "reads \(length)", of: try many(most + 1),
            by: segmenter)
        expectRefusal("no token", of: try question("dog", " "), by: segmenter)
    }

    @Test func `have no other prompt than the one that is built`() throws {
        let segmenter = try Fixture.segmenter(Fixture.tiny)
        let built = "a photograph of dog and cat and other object and background"
        let plain = try segmenter.ask(question("dog", "cat").with(\.wantsMask, true))
        func own(_ prompt: String) -> [Label] {
            [Label(name: "dog", phrases: [Phrase(words: "dog", prompt: prompt)]), label("cat")]
        }
        for prompt in ["a photograph of dog", "", built + " ", "A" + built.dropFirst()] {
            expectRefusal("iseg:context", "\"\(built)\"", of: try question(own(prompt)), by: segmenter)
            expectRefusal(
                "\"\(built)\"", of: try question("dog", "cat").with(\.forwardPrompt, prompt), by: segmenter)
        }
        let again = try Fixture.segmenter(Fixture.tiny).ask(
            question(own(built)).with(\.forwardPrompt, built).with(\.wantsMask, true))
        #expect(again.bits == plain.bits && again.mask?.indices == plain.mask?.indices)
        #expect(again.report.answerHash == plain.report.answerHash)
    }

    @Test(arguments: [("Dog", "dog"), ("traffic  light", "traffic light"), ("CAFÉ", "cafe\u{301}")])
    func `are alike where their words are, wherever they stand`(one: String, other: String) throws {
        let segmenter = try Fixture.segmenter(Fixture.tiny)
        expectRefusal("\"\(one)\" and \"\(other)\"", "alike", of: try question(one, "cat", other), by: segmenter)
        #expect(try segmenter.ask(question(one, "cat")).bits.count == 2)
    }

    @Test(arguments: names, Precision.allCases)
    func `have an answer for each list of them, which is cached`(recipe: String, precision: Precision) throws {
        let segmenter = try Fixture.segmenter(Fixture.tiny, precision)
        var seen: [[UInt32]] = []
        for words in [["dog", "cat"], ["dog"], ["cat", "dog"], ["dog", "cat", "sky"]] {
            let asked = try question(words.map { label($0) }, recipe)
            let answer = try segmenter.ask(asked)
            let dog = try #require(answer.bits["dog"])
            #expect(answer.report.passes == 1 && !seen.contains(dog))
            seen.append(dog)
            #expect(try Fixture.segmenter(Fixture.tiny, precision).ask(asked).bits == answer.bits)
        }
        for words in [["cat", "dog"], ["dog"], ["dog", "cat", "sky"], ["dog", "cat"]] {
            let again = try segmenter.ask(question(words.map { label($0) }, recipe))
            #expect((again.report.passes, again.report.featuresCached) == (0, 1))
            #expect(seen.contains(try #require(again.bits["dog"])))
        }
    }

    @Test(arguments: folders, names)
    func `share the scores of clusters before the first round`(folder: String, recipe: String) throws {
        let segmenter = try Fixture.segmenter(folder)
        let labels = [label("dog"), label("grass")]
        let answer = try segmenter.ask(question(labels, recipe, ["rounds=0"]))
        let (height, width) = (answer.header.latentHeight, answer.header.latentWidth)
        let most = Clusters.starts(height: height, width: width, target: Clustering.standard.count).count
        #expect(most < height * width / 2)
        for map in answer.scores {
            let values = Set(map.scores)
            #expect(values.count <= most && values.count > 1)
        }
        // Where the first label has one score, the second has: both have the same clusters.
        let pairs = zip(answer.scores[0].scores, answer.scores[1].scores).map { [$0, $1] }
        #expect(Set(pairs).count <= most)
        let free = try segmenter.ask(question(labels, recipe, ["rounds=0", "clusters=off"]))
        #expect(free.scores.allSatisfy { Set($0.scores).count > most } && free.report.passes == 0)
    }

    @Test(arguments: names) func `have the answer of their settings`(recipe: String) throws {
        let segmenter = try Fixture.segmenter(Fixture.demo)
        let labels = [label("boat"), label("sheep")]
        var seen = [try segmenter.ask(question(labels, recipe)).bits]
        for setting in [
            "clusters=off", "entropy=0.05", "rounds=1", "enhancement=1", "weights=0,0.3,0.7", "resize=nearest",
        ] {
            let bits = try segmenter.ask(question(labels, recipe, [setting])).bits
            #expect(!seen.contains(bits), "\(setting)")
            seen.append(bits)
        }
    }
}

/// Pictures with nothing in them, and of no usual shape.
@Suite struct `a picture of one colour or one line` {
    private static let recipes = Recipe.all.map(\.name).filter { $0.contains(":") }

    private func file(width: Int, height: Int) throws -> [UInt8] {
        let samples = (0..<width * height).flatMap { _ in [120, 80, 40] as [UInt8] }
        return try PNGFile(width: width, height: height, .rgb(samples), texts: []).encoded()
    }

    @Test(arguments: recipes, ["grid=square", "grid=aspect"])
    func `has finite maps of its size`(recipe: String, grid: String) throws {
        let segmenter = try Fixture.segmenter(Fixture.tiny)
        for (width, height) in [(1, 1), (1, 40), (57, 31), (20_000, 1)] {
            let question = try RequestBuilder("dog", "teddy bear")
                .with(\.picture, .file(file(width: width, height: height)))
                .with(\.recipe, Recipe(named: recipe, settings: [grid]))
                .with(\.maps, .picture).with(\.wantsMask, true)
            let answer = try segmenter.ask(question)
            #expect(answer.scores.count == 2)
            // CLIPer sends scores along links, many of which may end at one patch.
            let most: Float = question.recipe.dense == nil ? 1 : .greatestFiniteMagnitude
            for map in answer.scores {
                #expect((map.width, map.height, map.scores.count) == (width, height, width * height))
                #expect(map.scores.allSatisfy { $0 >= 0 && $0 <= most }, "\(width) x \(height)")
            }
            #expect(answer.mask?.indices.count == width * height)
            let latent = try segmenter.ask(question.with(\.maps, .latent))
            #expect(latent.scores.allSatisfy { $0.scores.allSatisfy { $0 >= 0 && $0 <= most } })
        }
    }
}
