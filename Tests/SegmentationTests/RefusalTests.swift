import Limits
import Images
import Networks
import Segmentation
import Testing

/// Expects a refusal whose sentence holds all of `parts`: the value, the limit, what to do.
private func expectRefusal(
    _ parts: String..., sourceLocation: SourceLocation = #_sourceLocation, of body: () throws -> Void
) {
    let error = #expect(throws: SegmentationError.self, sourceLocation: sourceLocation) { try body() }
    let sentence = "\(error, default: "")"
    for part in parts {
        #expect(sentence.contains(part), "\(sentence)", sourceLocation: sourceLocation)
    }
}

private func label(_ name: String, _ phrases: Phrase...) -> Label {
    Label(name: name, phrases: phrases)
}

@Suite struct `a question is refused before it is asked` {
    private func refused(
        _ parts: String, _ more: String = "", sourceLocation: SourceLocation = #_sourceLocation,
        _ change: (RequestBuilder) throws -> RequestBuilder
    ) throws {
        let question = try change(try RequestBuilder("dog"))
        expectRefusal(parts, more, sourceLocation: sourceLocation) { _ = try question.request() }
    }

    @Test func `without labels, with too many, or without a name`() throws {
        try refused("no labels") { $0.with(\.labels, []) }
        let many = (0..<4097).map { label("\($0)") }
        try refused("4097 labels", "4096") { $0.with(\.labels, many) }
        let phrases = (0..<4097).map { Phrase(words: "\($0)", prompt: nil) }
        try refused("8194 phrases", "8192") {
            $0.with(\.labels, [Label(name: "a", phrases: phrases), Label(name: "b", phrases: phrases)])
        }
        try refused("two labels are called \"dog\"") { $0.with(\.labels, [label("dog"), label("cat"), label("dog")]) }
        try refused("label 2") { $0.with(\.labels, [label("dog"), label("", Phrase(words: "cat", prompt: nil))]) }
        #expect(throws: Never.self) { try RequestBuilder().with(\.labels, Array(many.dropLast())).request() }
    }

    @Test func `with more labels than an index mask has room for`() throws {
        let many = (0..<256).map { label("\($0)") }
        let question = try RequestBuilder().with(\.labels, many)
        expectRefusal("256 labels", "255", "without the mask") { _ = try question.with(\.wantsMask, true).request() }
        #expect(throws: Never.self) { try question.request() }
        let fewer = question.with(\.labels, Array(many.dropLast())).with(\.wantsMask, true)
        #expect(throws: Never.self) { try fewer.request() }
    }

    @Test func `with words, prompts or names beyond 4096 bytes`() throws {
        let long = String(repeating: "é", count: 2048)
        let longer = long + "e"
        try refused("4097", "4096") { $0.with(\.labels, [label("dog", Phrase(words: longer, prompt: nil))]) }
        try refused("4097", "4096") { $0.with(\.labels, [label("dog", Phrase(words: "a", prompt: longer))]) }
        try refused("4097", "4096") { $0.with(\.forwardPrompt, longer) }
        try refused("4097", "label 1") { $0.with(\.labels, [label(longer, Phrase(words: "a", prompt: nil))]) }
        let legal = try RequestBuilder("dog").with(\.labels, [label(long, Phrase(words: long, prompt: long))])
        #expect(throws: Never.self) { try legal.request() }
    }

    @Test(arguments: [-0.001, 1.001, .infinity, -.infinity, .nan] as [Float])
    func `with a threshold that is none`(threshold: Float) throws {
        try refused("\(threshold)", "0...1") { $0.with(\.threshold, threshold) }
    }

    @Test(arguments: [(0, 5), (5, 0), (-1, 5), (8001, 8000), (Int.max, Int.max), (Int.min, Int.min), (-8, -8)])
    func `with score maps of an impossible size`(width: Int, height: Int) throws {
        try refused("\(width) x \(height)", "\(Limit.pixels)") {
            $0.with(\.maps, .sized(width: width, height: height))
        }
    }

    @Test func `by an unknown recipe, or with a forward prompt that nothing would read`() throws {
        expectRefusal("\"Shared\"", "shared", "diffsegmenter") { _ = try Recipe(named: "Shared") }
        #expect(try Recipe(named: "") == .shared)
        try refused("diffsegmenter", "leave the forward prompt out") {
            $0.with(\.recipe, .diffsegmenter).with(\.forwardPrompt, "")
        }
    }
}

@Suite struct `a question is refused by the model` {
    private let segmenter: Segmenter

    init() throws {
        segmenter = try Fixture.segmenter(Fixture.odd)
    }

    /// Refused before anything is said, and the next question is answered.
    private func refused(
        _ parts: String, _ more: String = "", sourceLocation: SourceLocation = #_sourceLocation,
        _ change: (RequestBuilder) throws -> RequestBuilder
    ) throws {
        let question = try change(try RequestBuilder("dog"))
        expectRefusal(parts, more, sourceLocation: sourceLocation) {
            let request = try question.request()
            try segmenter.segment(
                request, owner: 1, cancellation: Cancellation(deadline: nil), queueMilliseconds: 0
            ) { _ in Issue.record("an event before a refusal", sourceLocation: sourceLocation) }
        }
        #expect(try segmenter.ask(RequestBuilder("dog")).scores.count == 1, sourceLocation: sourceLocation)
    }

    @Test func `with words of which nothing is left`() throws {
        for words in ["", " ", "\t\n"] {
            try refused("\"\(words)\"", "no token") {
                $0.with(\.labels, [label("name", Phrase(words: words, prompt: "a name"))])
            }
        }
    }

    @Test(arguments: [("Dog", "dog"), ("traffic  light", "traffic light"), ("CAFÉ", "cafe\u{301}"), (" dog", "dog\t")])
    func `with labels that are the same tokens`(one: String, other: String) throws {
        try refused("\"\(one)\" and \"\(other)\"", "alike") {
            $0.with(\.labels, [label(one), label("cat"), label(other)])
        }
    }

    @Test func `with labels whose phrases are the same, in any order`() throws {
        let (ship, boat) = (Phrase(words: "ship", prompt: nil), Phrase(words: "boat", prompt: nil))
        let shouted = Phrase(words: "SHIP", prompt: nil)
        try refused("\"a\" and \"b\"", "alike") {
            $0.with(\.labels, [label("a", ship, boat), label("b", boat, shouted)])
        }
        let own = Phrase(words: "ship", prompt: "a ship at sea")
        let apart = [label("a", ship, boat), label("b", ship), label("boat"), label("sea", own)]
        #expect(try segmenter.ask(RequestBuilder().with(\.labels, apart)).scores.count == 4)
        let loud = Phrase(words: "SHIP", prompt: "A ship at SEA")
        let again = [label("a", ship, boat), label("b", own), label("c", loud)]
        try refused("\"b\" and \"c\"", "alike") { $0.with(\.labels, again) }
    }

    @Test func `with words that do not stand in their prompt, however long it is`() throws {
        try refused("\"a photograph of a cat\"", "\"dog\"") {
            $0.with(\.labels, [label("dog", Phrase(words: "dog", prompt: "a photograph of a cat"))])
        }
        let long = String(repeating: "a very long story ", count: 60)
        try refused("does not contain", "\"dog\"") {
            $0.with(\.labels, [label("dog", Phrase(words: "dog", prompt: long))])
        }
    }

    @Test func `with words beyond what the text encoder reads`() throws {
        let long = String(repeating: "a very long story ", count: 60) + "of a dog"
        try refused("40 positions", "\"dog\"") {
            $0.with(\.labels, [label("dog", Phrase(words: "dog", prompt: long))])
        }
    }

    @Test func `by a timestep that it was not trained with`() throws {
        for timestep in [-1, 1000, Int.max, Int.min] {
            try refused("\(timestep)", "0..<1000") { $0.with(\.timestep, timestep) }
        }
        for timestep in [0, 999] {
            let scores = try segmenter.ask(RequestBuilder("dog").with(\.timestep, timestep)).scores[0].scores
            #expect(scores.allSatisfy { $0.isFinite })
        }
    }

    @Test func `for another model`() throws {
        try refused("\"sd\"", "\"checkpoint\"") { $0.with(\.model, "sd") }
        let named = try segmenter.ask(RequestBuilder("dog").with(\.model, segmenter.model.hash))
        #expect(named.header.model == "checkpoint")
        #expect(named.header.modelHash == segmenter.model.hash)
        let alias = try #require(segmenter.model.hashAliases.first)
        let older = try segmenter.ask(RequestBuilder("dog").with(\.model, alias))
        #expect(older.header.modelAliases == [alias] && alias != segmenter.model.hash)
    }

    @Test func `about what is no picture, or is none of the user's`() throws {
        try refused("empty") { $0.with(\.picture, .file([])) }
        try refused("not a PNG, JPEG or WebP file") { $0.with(\.picture, .file(Array("a text".utf8))) }
        let cut = Array(try Fixture.bytes(Fixture.picture).prefix(500))
        try refused("cut off") { $0.with(\.picture, .file(cut)) }
        try refused("\"abc\"", "Look") { $0.with(\.picture, .handle("abc")) }
    }
}

@Suite struct `what was understood` {
    @Test func `a phrase's own prompt, and the participle behind its words`() throws {
        let segmenter = try Fixture.segmenter(Fixture.tiny)
        let prompt = "a photograph of dog sitting on the grass"
        let labels = [
            label("template"), label("own", Phrase(words: "dog", prompt: prompt)),
            label("two", Phrase(words: "teddy bear", prompt: nil), Phrase(words: "grass", prompt: prompt)),
        ]
        let header = try segmenter.ask(try RequestBuilder().with(\.labels, labels)).header
        #expect(header.labels.map(\.name) == ["template", "own", "two"])
        let phrases = header.labels.flatMap(\.phrases)
        #expect(phrases.map(\.words) == ["template", "dog", "teddy bear", "grass"])
        #expect(phrases[0].prompt == "a photograph of template")
        let length = segmenter.model.textEncoder.configuration.positions
        for phrase in phrases {
            let expected = segmenter.model.tokenizer.place(
                of: phrase.words, in: phrase.prompt, from: header.recipe.template, length: length)
            #expect(phrase.positions.map(Int.init) == expected?.positions)
            #expect(!phrase.truncated)
        }
        let dog = segmenter.model.tokenizer.tokens(of: "dog").count
        #expect(phrases[1].positions.count == dog + 1, "dog, and the participle with it")
    }

    @Test func `the forward prompt, where there is one, and what the recipe decides`() throws {
        let segmenter = try Fixture.segmenter(Fixture.tiny)
        let shared = try segmenter.ask(RequestBuilder("dog").with(\.forwardPrompt, "a street")).header
        #expect(shared.forwardPrompt == "a street")
        #expect((shared.timestep, shared.threshold, shared.latentWidth, shared.latentHeight) == (100, 0.5, 16, 16))
        let published = try segmenter.ask(RequestBuilder("dog").with(\.recipe, .diffsegmenter)).header
        #expect(published.forwardPrompt == nil)
        #expect(published.recipe == .diffsegmenter)
    }

    @Test func `a prompt too long for the text encoder is said to be cut`() throws {
        let segmenter = try Fixture.segmenter(Fixture.odd)
        let prompt = "a dog" + String(repeating: " and a cat", count: 60)
        let labels = [label("dog", Phrase(words: "dog", prompt: prompt))]
        let header = try segmenter.ask(try RequestBuilder().with(\.labels, labels)).header
        #expect(header.labels[0].phrases[0].truncated)
    }

    @Test func `braces in a label's words are words`() throws {
        let header = try Fixture.segmenter(Fixture.tiny).ask(RequestBuilder("a {} b")).header
        #expect(header.labels[0].phrases[0].prompt == "a photograph of a {} b")
    }
}
