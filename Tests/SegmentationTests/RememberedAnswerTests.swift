import Networks
import Segmentation
import Testing

/// An answer in messages, and which events were written for it.
private struct Letter {
    var messages: [[UInt8]] = []
    var written = 0
    var report = Report()

    /// All but the report, which tells of times.
    var content: ArraySlice<[UInt8]> { messages.dropLast() }
}

/// The reader has left.
private let gone = SegmentationError.undeliverable("gone")

extension Segmenter {
    /// - Parameter room: for so many messages; what is sent beyond fails
    fileprivate func write(
        _ question: Question, owner: UInt32 = 1, form: String = "plain", room: Int = .max
    ) throws -> Letter {
        var letter = Letter()
        try answer(
            question.request(), owner: owner, cancellation: .never, queueMilliseconds: 7, form: form
        ) { event in
            letter.written += 1
            if case .report(let report) = event { letter.report = report }
            return Array("\(form): \(event)".utf8)
        } send: { messages throws(SegmentationError) in
            letter.messages += messages
            if letter.messages.count > room { throw gone }
        }
        return letter
    }
}

@Suite struct `an answer that was sent before` {
    private static func phrase(_ words: String, _ prompt: String?) -> [Label] {
        [Label(name: "a", phrases: [Phrase(words: words, prompt: prompt)])]
    }

    @Test(arguments: Recipe.all.map(\.name))
    func `is sent again, and nothing is written but its report`(recipe: String) throws {
        let segmenter = try Fixture.segmenter(Fixture.odd)
        let question = try Question("dog", "a red car").with(\.wantsMask, true).with(\.recipe, Recipe(named: recipe))
        let first = try segmenter.write(question)
        #expect((first.messages.count, first.written, first.report.latentCached) == (5, 5, false))
        let again = try segmenter.write(question)
        #expect((again.messages.count, again.written) == (5, 1))
        #expect(again.content == first.content)
        #expect(again.report.answerHash == first.report.answerHash)
        let (now, known) = (again.report, try segmenter.ask(question).report)
        #expect((now.passes, now.featuresCached) == (known.passes, known.featuresCached))
        #expect((now.phrasesCached, now.latentCached) == (known.phrasesCached, known.latentCached))
        #expect((now.autoencoder, now.text, now.unet, now.maps, now.queue) == (0, 0, 0, 0, 7))
    }

    @Test func `is another for whatever its bits depend on`() throws {
        let dog = try Question("dog")
        let variants = [
            dog, try Question("dog", file: Fixture.scene), try Question("dog", "cat"), try Question("cat", "dog"),
            try Question("Dog"), try Question("dogcat"), dog.with(\.recipe, .diffsegmenter), dog.with(\.seed, 1),
            dog.with(\.timestep, 1), dog.with(\.threshold, 0.25), dog.with(\.forwardPrompt, "a photograph"),
            dog.with(\.wantsMask, true), dog.with(\.maps, .none), dog.with(\.maps, .picture),
            dog.with(\.maps, .sized(width: 20, height: 30)), dog.with(\.maps, .sized(width: 30, height: 20)),
            dog.with(\.labels, Self.phrase("dog", nil)), dog.with(\.labels, Self.phrase("dog", "dog")),
            dog.with(\.labels, Self.phrase("caf\u{E9}", nil)), dog.with(\.labels, Self.phrase("cafe\u{301}", nil)),
        ]
        let segmenter = try Fixture.segmenter(Fixture.odd)
        let first = try variants.map { try segmenter.write($0) }
        #expect(first.allSatisfy { $0.written == $0.messages.count }, "none was known")
        #expect(try segmenter.write(dog, form: "other").content != first[0].content)
        for (question, expected) in zip(variants, first) {
            let again = try segmenter.write(question)
            #expect((again.written, again.content) == (1, expected.content))
            let bits = try Fixture.segmenter(Fixture.odd).ask(question).report.answerHash
            #expect(again.report.answerHash == bits)
        }
    }

    @Test func `is for whoever may ask about its picture, while that is known`() throws {
        let one = try Fixture.segmenter(Fixture.odd)
        let bytes = try Fixture.bytes(Fixture.picture)
        let handle = try one.look(at: bytes, owner: 1, cancellation: .never).handle
        let limits = MemoryLimits(
            pictures: one.memory.picturesBytes, features: 0, scores: 0, words: 0, answers: 1 << 20)
        let segmenter = try Fixture.segmenter(Fixture.odd, limits: limits)
        let (byFile, byHandle) = (try Question("dog"), try Question("dog").with(\.picture, .handle(handle)))
        let expected = try segmenter.write(byFile)
        #expect(try segmenter.write(byHandle).written == 1)
        let refusal = #expect(throws: SegmentationError.self) { try segmenter.write(byHandle, owner: 2) }
        #expect("\(refusal, default: "")".contains(handle))
        #expect(try segmenter.write(byFile, owner: 2).content == expected.content)
        #expect(try segmenter.write(byHandle, owner: 2).written == 1)
        #expect(throws: SegmentationError.self) { try segmenter.write(byHandle.with(\.model, "another")) }
        _ = try segmenter.look(at: Fixture.bytes(Fixture.scene), owner: 1, cancellation: .never)
        #expect(throws: SegmentationError.self) { try segmenter.write(byHandle) }
        let later = try segmenter.write(byFile)
        #expect((later.written, later.content) == (1, expected.content))
        #expect(try segmenter.write(byHandle).written == 1, "the picture is known again")
    }

    @Test func `is kept within its bytes, whole, and where it was sent to its end`() throws {
        let question = try Question("dog", "cat", "grass")
        let size = try Fixture.segmenter(Fixture.odd).write(question).content.reduce(0) { $0 + $1.count }
        // An answer may take a quarter.
        for (answers, written) in [(8 * size, 1), (4 * size, 5), (0, 5)] {
            let limits = MemoryLimits(pictures: 0, features: 0, scores: 0, words: 0, answers: answers)
            let segmenter = try Fixture.segmenter(Fixture.odd, limits: limits)
            #expect(throws: SegmentationError.self) { try segmenter.write(question, room: 3) }
            #expect(segmenter.memory.picturesBytes == 0)
            #expect(try segmenter.write(question).written == 5)
            #expect((segmenter.memory.picturesBytes > size) == (written == 1))
            #expect(try segmenter.write(question).written == written)
            for seed in 1...12 as ClosedRange<UInt32> {
                _ = try segmenter.write(question.with(\.seed, seed))
                #expect(segmenter.memory.picturesBytes <= answers)
            }
            #expect(try segmenter.write(question).written == 5, "the others took its place")
            segmenter.forget()
            #expect(segmenter.memory.picturesBytes == 0)
        }
    }
}
