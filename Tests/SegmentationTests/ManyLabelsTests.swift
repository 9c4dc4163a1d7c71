import Kernels
import Networks
import Segmentation
import Testing

@Suite struct `many labels` {
    private func label(_ index: Int) -> Label {
        Label(name: "\(index)", phrases: [Phrase(words: "thing \(index)", prompt: nil)])
    }

    @Test(arguments: Precision.allCases)
    func `1,203 labels in a question: one pass, maps as they come, memory within its bounds`(
        precision: Precision
    ) throws {
        let map = 16 * 16 * MemoryLayout<Float>.stride
        let one = try Fixture.segmenter(Fixture.tiny, precision)
        let alone = try one.ask(RequestBuilder().with(\.labels, [label(700)])).bits
        let limits = MemoryLimits(
            pictures: 1 << 20, latents: 1 << 20, features: 1 << 24, scores: 40 * map,
            words: one.workspace.memory.wordsBytes * 10, sights: 0)
        let segmenter = try Fixture.segmenter(Fixture.tiny, precision, limits: limits)
        let request = try RequestBuilder().with(\.labels, (0..<1203).map(label)).request()
        var (next, passes) = (0, 0)
        try segmenter.segment(request, owner: 1, cancellation: .never, queueMilliseconds: 0) { event in
            #expect(segmenter.workspace.memory.wordsBytes <= limits.words)
            #expect(segmenter.workspace.memory.picturesBytes <= limits.ofPictures)
            switch event {
            case .scores(let scores):
                #expect(scores.label == next)
                // Sixteen labels are scored together, and no more of them are known than asked for so far.
                if next == 0 { #expect(segmenter.workspace.memory.words <= 20) }
                next += 1
                if scores.label == 700 { #expect(scores.scores.map(\.bitPattern) == alone["700"]) }
            case .report(let report): passes += report.passes
            default: break
            }
        }
        #expect((passes, next) == (1, 1203))
    }

    @Test func `words asked before of a picture need neither their keys nor the pass`() throws {
        let roomy = try Fixture.segmenter(Fixture.odd)
        let question = try RequestBuilder("dog", "a red car", "grass").with(\.wantsMask, true).with(\.maps, .picture)
        let expected = try roomy.ask(question)
        let segmenter = try Fixture.segmenter(
            Fixture.odd,
            limits: MemoryLimits(
                pictures: 1 << 24, latents: 1 << 20, features: 0, scores: 1 << 20, words: 0, sights: 0))
        #expect(try segmenter.ask(question).report.passes == 1)
        let again = try segmenter.ask(question)
        #expect((again.report.passes, again.report.featuresCached, again.report.phrasesCached) == (0, 1, 3))
        #expect((again.report.text, again.report.unet) == (0, 0))
        #expect(again.bits == expected.bits)
        #expect(again.mask?.indices == expected.mask?.indices)
        #expect(again.report.answerHash == expected.report.answerHash)
    }

    @Test func `a phrase that is known by its prompt is not known by another's, nor at other tokens`() throws {
        let segmenter = try Fixture.segmenter(Fixture.odd)
        let prompt = "a photograph of a dog and a cat"
        let phrases = [
            Phrase(words: "dog", prompt: nil), Phrase(words: "dog", prompt: prompt),
            Phrase(words: "cat", prompt: prompt),
        ]
        let answers = try phrases.map { phrase in
            try segmenter.ask(RequestBuilder().with(\.labels, [Label(name: "a", phrases: [phrase])])).bits["a"]
        }
        #expect(Set(answers).count == 3)
    }

    @Test(arguments: Precision.allCases)
    func `twenty ways to say one thing are scored in groups, and averaged as one at a time`(
        precision: Precision
    ) throws {
        let ways = (0..<20).map { Phrase(words: "way \($0 % 18)", prompt: nil) }
        let segmenter = try Fixture.segmenter(Fixture.odd, precision)
        for phrase in ways {
            _ = try segmenter.ask(RequestBuilder().with(\.labels, [Label(name: "b", phrases: [phrase])]))
        }
        let labels = [Label(name: "a", phrases: [ways[3]]), Label(name: "all", phrases: ways)]
        let question = try RequestBuilder().with(\.labels, labels)
        let known = try segmenter.ask(question)
        #expect(known.report.text == 0)
        #expect(try Fixture.segmenter(Fixture.odd, precision).ask(question).bits == known.bits)
    }
}
