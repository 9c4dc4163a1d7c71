import Limits
import Kernels
import Networks
import Testing

@testable import Segmentation

/// `softmax=joint` as a user meets it.
@Suite struct `labels with one softmax` {
    private func label(_ name: String, _ words: String...) -> Label {
        Label(name: name, phrases: words.map { Phrase(words: $0, prompt: nil) })
    }

    private func question(
        _ labels: [Label], _ settings: [String] = ["softmax=joint"], recipe: String = "best"
    ) throws -> RequestBuilder {
        try RequestBuilder().with(\.labels, labels).with(\.recipe, Recipe(named: recipe, settings: settings))
    }

    private static let ways = Precision.allCases.flatMap { precision in
        ["best", "shared"].map { (precision: precision, recipe: $0) }
    }

    @Test(arguments: ways)
    func `have the same bits in any order, cold, warm and after other words`(
        precision: Precision, recipe: String
    ) throws {
        let labels = [label("dog"), label("boat", "ship", "boat"), label("sea", "water"), label("vessel", "ship")]
        let cold = try Fixture.segmenter(Fixture.tiny, precision)
        let expected = try cold.ask(question(labels, recipe: recipe))
        #expect(expected.bits.count == 4)
        let warm = try cold.ask(question(labels, recipe: recipe))
        #expect(warm.bits == expected.bits && warm.report.answerHash == expected.report.answerHash)
        #expect((warm.report.passes, warm.report.text, warm.report.phrasesCached) == (0, 0, 4))
        let other = try Fixture.segmenter(Fixture.tiny, precision)
        _ = try other.ask(question([label("dog"), label("cat"), label("sea", "water")], recipe: recipe))
        _ = try other.ask(question(labels, [], recipe: recipe))
        for turn in 1..<4 {
            let permuted = try other.ask(question(Array(labels[turn...] + labels[..<turn]), recipe: recipe))
            #expect(permuted.bits == expected.bits)
        }
        #expect(try other.ask(question(labels, [], recipe: recipe)).bits != expected.bits)
    }

    @Test(arguments: ways)
    func `are one alone as without it, and depend on all that are asked`(precision: Precision, recipe: String) throws {
        func ask(_ labels: [Label], _ settings: [String]) throws -> [String: [UInt32]] {
            try Fixture.segmenter(Fixture.demo, precision).ask(question(labels, settings, recipe: recipe)).bits
        }
        let joint = ["softmax=joint", "gamma=off"]
        for alone in [label("dog"), label("boat", "ship", "boat")] {
            #expect(try ask([alone], joint) == ask([alone], ["gamma=off"]))
        }
        let two = try ask([label("dog"), label("boat")], joint)
        let three = try ask([label("dog"), label("boat"), label("sheep")], joint)
        let own = try ask([label("dog"), label("boat")], ["gamma=off"])
        for name in ["dog", "boat"] { #expect(Set([two[name], three[name], own[name]]).count == 3) }
    }

    /// A label that has a way twice weighs it twice.
    @Test func `are other labels to each other by each of their ways to be said, and how often`() throws {
        let questions = [["ship", "boat"], ["ship", "ship", "boat"], ["ship"], ["boat", "ship"]].map { ways in
            [label("dog"), Label(name: "boat", phrases: ways.map { Phrase(words: $0, prompt: nil) })]
        }
        let segmenter = try Fixture.segmenter(Fixture.demo)
        let found = try questions.map { try segmenter.ask(question($0, ["softmax=joint", "gamma=off"])).bits["dog"] }
        for (labels, bits) in zip(questions, found) {
            let fresh = try Fixture.segmenter(Fixture.demo)
            #expect(try fresh.ask(question(labels, ["softmax=joint", "gamma=off"])).bits["dog"] == bits)
        }
        #expect(Set(found[..<3]).count == 3 && found[3] == found[0])
    }

    @Test func `are scored once for each question, whatever their order, sharpness, threshold and edges`() throws {
        let segmenter = try Fixture.segmenter(Fixture.tiny)
        let labels = [label("dog"), label("grass")]
        _ = try segmenter.ask(question(labels))
        #expect((segmenter.workspace.scoreMaps.count, segmenter.workspace.features.count) == (2, 1))
        for settings in [["gamma=8"], ["gamma=off"], ["edges=off"]] {
            let variant = try question(labels.reversed(), settings + ["softmax=joint"])
            let again = try segmenter.ask(variant.with(\.wantsMask, true).with(\.threshold, 0.2))
            #expect(again.report.text == 0 && again.report.passes == 0)
        }
        #expect(segmenter.workspace.scoreMaps.count == 2)
        _ = try segmenter.ask(question(labels, []))
        #expect(segmenter.workspace.scoreMaps.count == 4, "each with its own softmax")
        _ = try segmenter.ask(question([label("dog")]))
        #expect(segmenter.workspace.scoreMaps.count == 4, "alone is as with its own")
        _ = try segmenter.ask(question(labels + [label("cat")]))
        #expect((segmenter.workspace.scoreMaps.count, segmenter.workspace.features.count) == (7, 1))
    }

    @Test func `are scored anew where a map of theirs is gone, and others' owners stay`() throws {
        let labels = [label("dog"), label("grass"), label("cat")]
        let expected = try Fixture.segmenter(Fixture.tiny).ask(question(labels))
        for maps in 0...3 {
            let segmenter = try Fixture.segmenter(
                Fixture.tiny,
                limits: MemoryLimits(
                    pictures: 1 << 24, latents: 1 << 20, features: 0, scores: maps * 3000, words: 0, sights: 0))
            for _ in 0..<2 { #expect(try segmenter.ask(question(labels)).bits == expected.bits) }
        }
        let segmenter = try Fixture.segmenter(Fixture.tiny)
        _ = try segmenter.ask(question(labels), owner: 1)
        #expect(try segmenter.ask(question(labels), owner: 2).report.phrasesCached == 0)
        #expect(try segmenter.ask(question(labels), owner: 1).report.phrasesCached == 3)
    }

    /// Prompts are read sixteen at a time; each part of the answer has all labels.
    @Test func `are up to 128 phrases, in one part of the answer`() throws {
        let many = (0..<Limit.jointPhrases).map { label("thing \($0)") }
        let segmenter = try Fixture.segmenter(Fixture.tiny)
        let request = try question(many).request()
        let computation = try segmenter.begin(
            request, handle: request.picture.handle, owner: 1, cancellation: .never, queueMilliseconds: 0)
        var counts: [Int] = []
        while let part = try computation.next() {
            if case .scores(let first, let maps) = part {
                #expect(first == 0)
                counts.append(maps.count)
            }
        }
        #expect(counts == [128])
        let tooMany = Array(many.dropLast()) + [label("two", "thing 127", "thing 128")]
        let error = #expect(throws: SegmentationError.self) { try question(tooMany).request() }
        #expect("\(error, default: "")".contains("129 phrases") && "\(error, default: "")".contains("128: ask"))
        #expect(throws: Never.self) { try question(tooMany, []).request() }
    }

    @Test func `need one pass`() throws {
        let error = #expect(throws: SegmentationError.self) {
            try question([label("dog")], recipe: "diffsegmenter").request()
        }
        let sentence = "\(error, default: "")"
        #expect(sentence.contains("softmax=joint needs one pass for all labels"))
        #expect(sentence.contains("use best or shared"))
    }
}
