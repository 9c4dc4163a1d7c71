import ArgumentParser
import RPC

@testable import Results

/// The picture of ``Example``, asked with a vocabulary, and a daemon's answer to that.
struct Chosen {
    let example: Example
    let words = ["dog=dog|puppy, grass, cat, Grass=lawn"]

    init() throws { example = try Example() }

    func plan(_ arguments: [String] = []) throws -> MaskPlan {
        let options = try MaskOptions.parse(["photos/rex.png"] + words + ["--filter", "best"] + arguments)
        return try MaskPlan(options, standardOutputIsTerminal: false)
    }

    func request(_ arguments: [String] = []) throws -> SegmentRequest {
        try plan(arguments).request(.image(example.picture), requestID: "")
    }

    /// Dog and grass stay, the cat does not, and the lawn is read as the grass.
    var choice: Choice {
        Choice(
            filter: "best", settings: ["least=0.5"], caption: "two dogs on grass",
            nouns: [Noun(name: "dog", words: "dogs"), Noun(name: "grass", words: "grass")],
            verdicts: [
                Verdict(
                    name: "dog", kept: true, score: 0.621,
                    criteria: [Criterion(part: "patches", value: 0.621, limit: 0.4, held: true, noun: "")], alike: ""),
                Verdict(
                    name: "grass", kept: true, score: 0.9,
                    criteria: [
                        Criterion(part: "patches", value: 0.9, limit: 0.2, held: true, noun: "grass"),
                        Criterion(part: "caption", value: 0.834, limit: 0.8, held: true, noun: "grass"),
                    ], alike: ""),
                Verdict(
                    name: "cat", kept: false, score: 0.3999,
                    criteria: [
                        Criterion(part: "patches", value: 0.3999, limit: 0.4, held: false, noun: ""),
                        Criterion(part: "room", value: 255, limit: 300, held: false, noun: ""),
                    ], alike: ""),
                Verdict(name: "Grass", kept: false, score: 0.9, criteria: [], alike: "grass"),
            ], vocabularyHash: "f00d")
    }

    var header: Header {
        var header = example.header()
        header.choice = choice
        header.captioner = Network(name: "blip", hash: "b11b")
        header.filter = Network(name: "clip", hash: "c11b")
        return header
    }

    /// The stream that says that nothing stays.
    func emptyReplies(_ change: (inout Header) -> Void = { _ in }) throws -> [SegmentReply] {
        var header = header
        header.labels = []
        header.choice?.verdicts = choice.verdicts.map {
            Verdict(name: $0.name, kept: false, score: $0.score, criteria: $0.criteria, alike: $0.alike)
        }
        change(&header)
        let mask = try IndexMask(
            indices: [UInt8](repeating: 0, count: Example.width * Example.height), width: Example.width,
            height: Example.height, labels: 0)
        return [.header(header), .mask(mask), .trailer(example.trailer())]
    }

    func answer(
        to request: SegmentRequest, _ replies: [SegmentReply]
    ) throws -> CompleteAnswer {
        var assembly = AnswerAssembly(of: request)
        for reply in replies { try assembly.receive(SegmentReply(decoding: reply.encoded())) }
        return try assembly.answer()
    }
}
