import Networks
import Segmentation
import Testing

@Suite struct `what is remembered` {
    @Test func `one shared pass answers any number of labels, and later words run nothing`() throws {
        let segmenter = try Fixture.segmenter(Fixture.tiny)
        let cold = try segmenter.ask(RequestBuilder("dog", "bird", "grass")).report
        #expect((cold.passes, cold.featuresCached, cold.phrasesCached) == (1, 0, 0))
        #expect(!cold.latentCached)
        #expect(cold.autoencoder > 0 && cold.unet > 0 && cold.text > 0 && cold.maps > 0)
        let later = try segmenter.ask(RequestBuilder("cat", "dog")).report
        #expect((later.passes, later.featuresCached, later.phrasesCached) == (0, 1, 1))
        #expect(later.latentCached)
        #expect((later.autoencoder, later.unet) == (0, 0))
        #expect(later.text > 0)
        let same = try segmenter.ask(RequestBuilder("cat", "dog")).report
        #expect((same.passes, same.featuresCached, same.phrasesCached) == (0, 1, 2))
        #expect((same.text, same.unet, same.latentCached) == (0, 0, true))
    }

    @Test func `the published recipe runs a pass for each prompt, and the autoencoder once`() throws {
        let segmenter = try Fixture.segmenter(Fixture.tiny)
        let cold = try segmenter.ask(RequestBuilder("dog", "bird").with(\.recipe, .diffsegmenter)).report
        #expect((cold.passes, cold.featuresCached, cold.phrasesCached) == (2, 0, 0))
        #expect(!cold.latentCached)
        let later = try segmenter.ask(RequestBuilder("dog", "cat").with(\.recipe, .diffsegmenter)).report
        #expect((later.passes, later.featuresCached, later.phrasesCached) == (1, 1, 1))
        #expect(later.latentCached)
        #expect(later.autoencoder == 0)
    }

    @Test func `labels that share a prompt share its pass`() throws {
        let prompt = "a photograph of a dog and a cat"
        let labels = ["dog", "cat"].map { Label(name: $0, phrases: [Phrase(words: $0, prompt: prompt)]) }
        let question = try RequestBuilder().with(\.labels, labels).with(\.recipe, .diffsegmenter)
        let reply = try Fixture.segmenter(Fixture.tiny).ask(question)
        #expect(reply.report.passes == 1)
        #expect(reply.bits["dog"] != reply.bits["cat"])
    }

    @Test func `seed, timestep, forward prompt and picture each make another pass and another answer`() throws {
        let segmenter = try Fixture.segmenter(Fixture.tiny)
        let question = try RequestBuilder("dog")
        let variants = [
            question, question.with(\.seed, 1), question.with(\.timestep, 101),
            question.with(\.forwardPrompt, "a photograph"), try RequestBuilder("dog", file: Fixture.scene),
        ]
        let first = try variants.map { try segmenter.ask($0) }
        #expect(first.map(\.report.passes) == [1, 1, 1, 1, 1])
        #expect(first.map(\.report.latentCached) == [false, true, true, true, false])
        #expect(Set(first.map(\.bits)).count == variants.count)
        let second = try variants.map { try segmenter.ask($0) }
        #expect(second.map(\.report.passes) == [0, 0, 0, 0, 0])
        #expect(second.map(\.bits) == first.map(\.bits))
    }

    @Test func `a picture that came again while a question about it rested has the question's latents`() throws {
        let segmenter = try Fixture.segmenter(Fixture.tiny)
        let request = try RequestBuilder("dog").request()
        let handle = request.picture.handle
        let resting = try segmenter.begin(
            request, handle: handle, owner: 1, cancellation: .never, queueMilliseconds: 0)
        segmenter.workspace.forget()
        _ = try segmenter.look(at: request.picture, handle: handle, owner: 1, cancellation: .never)
        while try resting.next() != nil {}
        _ = try segmenter.look(at: .handle(handle), handle: handle, owner: 1, cancellation: .never)
        #expect(try segmenter.ask(RequestBuilder("dog"), owner: 1).report.autoencoder == 0)
    }

    @Test func `saying what a recipe says anyway changes nothing`() throws {
        let segmenter = try Fixture.segmenter(Fixture.tiny)
        let silent = try segmenter.ask(RequestBuilder("dog"))
        let spoken = try segmenter.ask(
            RequestBuilder("dog").with(\.forwardPrompt, "").with(\.timestep, 100).with(\.threshold, 0.5)
                .with(\.model, segmenter.model.name))
        #expect((spoken.report.passes, spoken.bits) == (0, silent.bits))
        #expect((silent.header.forwardPrompt, spoken.header.forwardPrompt) == ("", ""))
    }

    @Test func `a handle is good for whoever brought the picture, and for nobody else`() throws {
        let segmenter = try Fixture.segmenter(Fixture.tiny)
        let bytes = try Fixture.bytes(Fixture.picture)
        let looked = try segmenter.look(at: bytes, owner: 1, cancellation: .init(deadline: nil))
        #expect((looked.width, looked.height) == (190, 150))
        let question = try RequestBuilder("dog")
        let byHandle = question.with(\.picture, .handle(looked.handle))
        let expected = try segmenter.ask(question, owner: 1)
        #expect(expected.header.picture == looked)
        #expect(try segmenter.ask(byHandle, owner: 1).bits == expected.bits)
        let refusal = #expect(throws: SegmentationError.self) { try segmenter.ask(byHandle, owner: 2) }
        #expect("\(refusal, default: "")".contains(looked.handle))
        #expect(try segmenter.look(at: bytes, owner: 2, cancellation: .init(deadline: nil)) == looked)
        #expect(try segmenter.ask(byHandle, owner: 2).bits == expected.bits)
    }

    @Test(arguments: [Fixture.tiny, Fixture.odd, Fixture.demo])
    func `scratch memory stays within half of what is reserved for it`(folder: String) throws {
        let segmenter = try Fixture.segmenter(folder)
        let labels = (0..<40).map { Label(name: "\($0)", phrases: [Phrase(words: "thing \($0)", prompt: nil)]) }
        for recipe in Recipe.tested {
            let fitting = recipe.name.hasPrefix("iseg") ? Array(labels.prefix(3)) : labels
            let question = try RequestBuilder().with(\.labels, fitting).with(\.recipe, recipe)
            _ = try segmenter.ask(question.with(\.wantsMask, true))
        }
        #expect(segmenter.workspace.memory.scratchBytes > 0)
        #expect(2 * segmenter.workspace.memory.scratchBytes <= segmenter.model.scratchBytes)
    }

    /// They are equal for `String`, but the tokenizer composes by an older Unicode, and reads two texts.
    @Test func `labels that are canonically equal and differ in tokens have their own answers`() throws {
        let (one, other) = ("\u{11938}", "\u{11935}\u{11930}")
        #expect(one == other)
        let segmenter = try Fixture.segmenter(Fixture.odd)
        #expect(segmenter.model.tokenizer.tokens(of: one) != segmenter.model.tokenizer.tokens(of: other))
        func bits(_ words: String, _ segmenter: Segmenter) throws -> [UInt32]? {
            let label = Label(name: "a", phrases: [Phrase(words: words, prompt: nil)])
            return try segmenter.ask(RequestBuilder().with(\.labels, [label])).bits["a"]
        }
        let apart = try [bits(one, Fixture.segmenter(Fixture.odd)), bits(other, Fixture.segmenter(Fixture.odd))]
        #expect(apart[0] != apart[1])
        #expect(try [bits(one, segmenter), bits(other, segmenter)] == apart)
        let both = try segmenter.ask(RequestBuilder(one, other))
        #expect(both.scores.map { $0.scores.map(\.bitPattern) } == apart.compactMap(\.self))
        let prompts = try [one, other].map { prompt in
            try segmenter.ask(RequestBuilder("dog").with(\.forwardPrompt, prompt)).bits["dog"]
        }
        #expect(prompts[0] != prompts[1], "and so have forward prompts")
    }

    @Test func `words are understood as they are written, whatever was understood before`() throws {
        let segmenter = try Fixture.segmenter(Fixture.odd)
        let prompt = "a photograph of a dog and a cat"
        let phrases = [
            Phrase(words: "dog", prompt: nil), Phrase(words: "dog", prompt: prompt),
            Phrase(words: "cat", prompt: prompt), Phrase(words: "caf\u{E9}", prompt: nil),
            Phrase(words: "cafe\u{301}", prompt: nil),
        ]
        for round in 1...2 {
            for phrase in phrases {
                let question = try RequestBuilder().with(\.labels, [Label(name: "a", phrases: [phrase])])
                let fresh = try Fixture.segmenter(Fixture.odd).ask(question).header.labels[0].phrases[0]
                let found = try segmenter.ask(question).header.labels[0].phrases[0]
                #expect(found == fresh, "round \(round)")
                #expect(Array(found.words.unicodeScalars) == Array(phrase.words.unicodeScalars))
            }
        }
        let bytes = segmenter.workspace.memory.wordsBytes
        let refused = Phrase(words: "bird", prompt: prompt)
        for _ in 1...2 {
            #expect(throws: SegmentationError.self) {
                try segmenter.ask(RequestBuilder().with(\.labels, [Label(name: "a", phrases: [refused])]))
            }
        }
        #expect(segmenter.workspace.memory.wordsBytes == bytes)
    }
}
