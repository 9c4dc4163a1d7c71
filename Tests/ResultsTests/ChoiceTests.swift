import ArgumentParser
import Images
import RPC
import Testing

@testable import Results

/// Labels that a daemon chose: what is believed of them, and what is said.
@Suite struct ChoiceTests {
    private let chosen: Chosen

    init() throws { chosen = try Chosen() }

    private func isTaken(_ request: SegmentRequest, _ change: (inout Header) -> Void) -> Bool {
        var header = chosen.header
        change(&header)
        return (try? chosen.example.answer(to: request, header: header)) != nil
    }

    // MARK: Requests

    @Test func `a filter makes candidates of typed labels, and none takes them as they are`() throws {
        func request(_ arguments: [String]) throws -> SegmentRequest {
            try MaskPlan(try MaskOptions.parse(["r.png"] + arguments), standardOutputIsTerminal: false)
                .request(.handle(""), requestID: "")
        }
        for arguments in [["dog, cat"], ["dog, cat", "--filter", "none"]] {
            let plain = try request(arguments)
            #expect(plain.vocabulary == nil && plain.labels.map(\.name) == ["dog", "cat"])
        }
        let options = ["--filter", "published", "--filter-set", "picture=0.9", "--filter-set", "caption=off"]
        let filtered = try request(["dog=puppy:1.5, cat"] + options)
        #expect(filtered.labels.isEmpty)
        #expect(
            filtered.vocabulary
                == Vocabulary(
                    candidates: [
                        Candidate(name: "dog", phrases: [Phrase(words: "puppy", weight: 1.5)], synonyms: []),
                        Candidate(name: "cat", phrases: [], synonyms: []),
                    ], background: [], filter: "published", settings: ["picture=0.9", "caption=off"]))
        let anything = try request(["--filter", "none"])
        #expect(anything.vocabulary == Vocabulary(candidates: [], background: [], filter: "none", settings: []))
        #expect(try request([]).vocabulary?.filter == "")
        #expect(try request(["dog", "--captions", "--set", "gamma=2"]).settings == ["captions=on", "gamma=2"])
    }

    @Test(arguments: [
        ["dog", "--filter-set", "least=1"], ["dog", "--filter", "none", "--filter-set", "least=1"],
        ["dog", "--filter", ""],
    ])
    func `settings of a filter that nothing passes are usage errors`(arguments: [String]) {
        let error = #expect(throws: (any Error).self) { try MaskOptions.parse(["r.png"] + arguments) }
        #expect(error.map { MaskOptions.exitCode(for: $0).rawValue } == ExitReason.usage.rawValue)
    }

    // MARK: Answers

    @Test func `an answer has some of the candidates, in their order, as the choice says`() throws {
        let request = try chosen.request(["--filter-set", "least=.5"])
        #expect(isTaken(request) { _ in })
        #expect(!isTaken(request) { $0.choice = nil }, "labels must say how they were chosen")
        #expect(!isTaken(request) { $0.labels.reverse() })
        #expect(!isTaken(request) { $0.labels[0].name = "fox" })
        #expect(!isTaken(request) { $0.labels[0].phrases.removeLast() })
        #expect(!isTaken(request) { $0.labels[0].phrases[0].words = "cat" })
        #expect(!isTaken(request) { $0.labels[0].phrases[0].weight = 1.1 })
        #expect(isTaken(request) { $0.labels[0].phrases[0].prompt = "any prompt" })
        #expect(!isTaken(request) { $0.choice?.verdicts[0].kept = false }, "a label that does not stay")
        #expect(!isTaken(request) { $0.choice?.verdicts[2].kept = true }, "one that stays and is no label")
        #expect(!isTaken(request) { $0.choice?.verdicts.removeLast() })
        #expect(!isTaken(request) { $0.choice?.verdicts[3].name = "lawn" })
        #expect(!isTaken(request) { $0.choice?.filter = "published" })
        #expect(!isTaken(request) { $0.choice?.settings = ["threshold=0.5"] })
        for number in [Float.nan, .infinity] {
            #expect(!isTaken(request) { $0.choice?.verdicts[0].score = number })
            #expect(!isTaken(request) { $0.choice?.verdicts[0].criteria[0].value = number })
            #expect(!isTaken(request) { $0.choice?.verdicts[0].criteria[0].limit = number })
        }
        let marks = String(repeating: "\u{301}\u{323}", count: 20)
        #expect(!isTaken(request) { $0.choice?.caption = marks })
        #expect(!isTaken(request) { $0.choice?.nouns[0].words = marks })
        #expect(!isTaken(request) { $0.choice?.verdicts[0].criteria[0].noun = marks })
        let plain = try chosen.example.plan().request(.handle(""), requestID: "")
        #expect(!isTaken(plain) { _ in }, "nobody asked to choose")
        #expect(isTaken(plain) { $0.choice = nil })
    }

    @Test func `labels that nobody named are any names`() throws {
        var request = try chosen.request()
        request.vocabulary = Vocabulary(candidates: [], background: [], filter: "", settings: ["least=0.5"])
        func rename(_ header: inout Header, _ name: String) {
            header.labels[0].name = name
            header.choice?.verdicts[0].name = name
        }
        #expect(isTaken(request) { rename(&$0, "teddy bear") })
        #expect(isTaken(request) { $0.choice?.filter = "none" })
        for name in ["", "grass", String(repeating: "\u{301}", count: 31)] {
            #expect(!isTaken(request) { rename(&$0, name) })
        }
        var header = chosen.header
        header.labels = (0..<256).map { UnderstoodLabel(name: "\($0)", phrases: header.labels[1].phrases) }
        header.choice?.verdicts = header.labels.map {
            Verdict(name: $0.name, kept: true, score: 0, criteria: [], alike: "")
        }
        var assembly = AnswerAssembly(of: request)
        let error = #expect(throws: RPCStatus.self) { try assembly.receive(.header(header)) }
        #expect(error?.code == .dataLoss)
    }

    @Test func `nothing may stay, and that is said`() throws {
        let request = try chosen.request(["--filter-set", "least=0.5"])
        let answer = try chosen.answer(to: request, chosen.emptyReplies())
        #expect(answer.isEmpty && answer.shares.isEmpty && answer.counts == [24])
        let picture = try InputPicture(chosen.example.picture)
        let output = try chosen.plan(["-o", "-", "--filter-set", "least=0.5"]).deliver([answer], picture: picture)
        #expect(output.messages.count == 1 && output.messages[0].contains("--explain"))
        #expect(try Image(decoding: output.data).pixels.allSatisfy { $0 == 0 })
        let cut = try chosen.plan(["-o", "-", "--cut", "dog"])
        #expect(throws: NothingToWrite(region: "dog")) { try cut.deliver([answer], picture: picture) }
        let nameless = try chosen.answer(to: request, chosen.emptyReplies()).absence
        #expect(nameless?.contains("nothing of what was asked") == true)
        var anything = request
        anything.vocabulary?.candidates = []
        let silent = try chosen.answer(to: anything, chosen.emptyReplies { $0.choice?.verdicts = [] })
        #expect(silent.absence?.contains("\"two dogs on grass\" names nothing") == true)
        // A map of a label that is none.
        var mapped = anything
        mapped.maps = .sized
        let map = try ScoreMap(
            label: 0, scores: [Float](repeating: 0, count: 24), width: 6, height: 4, encoding: mapped.encoding)
        var replies = try chosen.emptyReplies()
        replies.insert(.scoreMap(map), at: 1)
        #expect(throws: RPCStatus.self) { try chosen.answer(to: mapped, replies) }
    }

    // MARK: What is said

    @Test func `an explanation has those that stay first, then the others, the surest first`() {
        #expect(chosen.choice.captionLines == ["caption: two dogs on grass", "nouns: dog (dogs), grass"])
        #expect(
            chosen.choice.verdictLines == [
                "grass: kept, patches 0.90 of 0.20 (grass), caption 0.83 of 0.80 (grass)",
                "dog: kept, patches 0.62 of 0.40",
                "Grass: dropped, read as grass",
                "cat: dropped, patches 0.3999 of 0.4000, room 255 of 300",
            ])
    }

    /// Of any daemon's numbers, with nothing that a terminal would obey.
    @Test func `any numbers and names are explained`() {
        for number in [-1, -0.005, 1e30, -.greatestFiniteMagnitude, .leastNonzeroMagnitude, 9.999, 999_999.9] as [Float]
        {
            let criterion = Criterion(part: "a\u{1B}[m", value: number, limit: number, held: true, noun: "\n")
            var choice = chosen.choice
            choice.caption = "\u{9B}\n"
            choice.verdicts = [Verdict(name: "\r", kept: true, score: number, criteria: [criterion], alike: "")]
            for line in choice.captionLines + choice.verdictLines { #expect(Streams.printable(line) == line) }
        }
        let line = Criterion(part: "p", value: -0.125, limit: 1e30, held: true, noun: "")
        let verdict = Verdict(name: "x", kept: false, score: 0, criteria: [line], alike: "")
        let choice = Choice(
            filter: "", settings: [], caption: "", nouns: [], verdicts: [verdict], vocabularyHash: "")
        #expect(choice.verdictLines == ["x: dropped, p -0.13 of 1e+30"] && choice.captionLines.isEmpty)
    }

    @Test func `candidates that are read alike are told, a handful of them`() throws {
        #expect(chosen.choice.mergedNote?.hasSuffix("is one label: Grass as grass") == true)
        var choice = chosen.choice
        choice.verdicts = (0..<9).map { Verdict(name: "\($0)", kept: false, score: 0, criteria: [], alike: "a") }
        #expect(choice.mergedNote?.hasSuffix("0 as a, 1 as a, 2 as a, 3 as a, 4 as a and 4 more") == true)
        choice.verdicts = [Verdict(name: "a", kept: true, score: 0, criteria: [], alike: "")]
        #expect(choice.mergedNote == nil)
    }

    @Test func `files of labels that are chosen are those of the labels that stay`() throws {
        let options = ["--overlay", "--heat", "--cut", "cat", "--cut", "dog", "--explain"]
        let plan = try chosen.plan(options + ["--filter-set", "least=0.5"])
        #expect(plan.files.map(\.output) == [.mask, .overlay], "the others are not known yet")
        let request = plan.request(.image(chosen.example.picture), requestID: "")
        #expect(request.maps == .sized)
        #expect(throws: PlanError.filesOfChosen) { try chosen.plan(["--heat", "-o", "-"]) }
        #expect(throws: PlanError.severalOnStandardOutput(2)) {
            try chosen.plan(["--overlay", "--cut", "dog", "-o", "-"])
        }
    }

    // MARK: Files

    private func drawing(_ arguments: [String], explains: Bool) throws -> Drawing {
        let answer = try chosen.example.answer(
            to: chosen.request(["--filter-set", "least=0.5"] + arguments), header: chosen.header)
        return try Drawing(
            answer, words: chosen.words, picturePath: "photos/rex.png", picture: InputPicture(chosen.example.picture),
            files: [], explains: explains)
    }

    @Test(
        arguments: [Output.mask, .overlay, .heat(label: "grass"), .cut(RegionExpression(label: "dog")), .json],
        [false, true])
    func `a file of chosen labels asks to choose again, and is the same`(output: Output, explains: Bool) throws {
        let file = try drawing(["--heat"], explains: explains).bytes(of: output)
        let provenance = try Provenance(reading: file)
        #expect((provenance.choice?.verdicts != nil) == (explains && output == .json))
        #expect(provenance.captioner == Provenance.Model(name: "blip", hash: "b11b"))
        #expect(provenance.choice?.candidates == 4 && provenance.choice?.vocabulary == "f00d")
        let request = try provenance.request(.image(chosen.example.picture), requestID: "")
        #expect(
            request.labels.isEmpty && request.vocabulary?.candidates.map(\.name) == ["dog", "grass", "cat", "Grass"])
        #expect(request.vocabulary?.filter == "best" && request.vocabulary?.settings == ["least=0.5"])
        let again = try provenance.redrawn(
            from: chosen.example.answer(to: request, header: chosen.header),
            picture: InputPicture(chosen.example.picture))
        #expect(again.bytes == file && again.differences.isEmpty)
    }

    @Test func `other networks and another vocabulary are told, and other labels refused`() throws {
        let provenance = try Provenance(reading: drawing([], explains: false).bytes(of: .mask))
        let request = try provenance.request(.handle(""), requestID: "")
        let picture = try InputPicture(chosen.example.picture)
        var header = chosen.header
        header.captioner?.hash = "b22b"
        header.filter?.hash = "c22b"
        header.choice?.vocabularyHash = "feed"
        let differences = [
            "the captioner's hash was b11b, is b22b", "the filter's hash was c11b, is c22b",
            "the vocabulary's hash was f00d, is feed",
        ]
        let other = try chosen.example.answer(to: request, header: header)
        #expect(try provenance.redrawn(from: other, picture: picture).differences == differences)
        let empty = try chosen.answer(to: request, chosen.emptyReplies { $0.choice?.vocabularyHash = "feed" })
        let error = ProvenanceError.otherLabels(
            was: ["dog", "grass"], is: [], differences: ["the vocabulary's hash was f00d, is feed"])
        #expect(throws: error) { try provenance.redrawn(from: empty, picture: picture) }
        #expect(error.description.contains("labels would be none, they were dog, grass"))
    }

    @Test func `an empty mask is made again, and a file without labels and choice is none`() throws {
        let answer = try chosen.answer(
            to: chosen.request(["--filter-set", "least=0.5"]), chosen.emptyReplies())
        let picture = try InputPicture(chosen.example.picture)
        let file = try Drawing(
            answer, words: chosen.words, picturePath: "-", picture: picture, files: [], explains: false
        ).bytes(of: .json)
        let provenance = try Provenance(reading: file)
        let request = try provenance.request(.handle(""), requestID: "")
        let again = try chosen.answer(to: request, chosen.emptyReplies())
        #expect(try provenance.redrawn(from: again, picture: picture).bytes == file)
        let text = String(decoding: file, as: UTF8.self)
        #expect(text.contains(#""labels":[]"#) && text.contains(#""choice":{"#))
        #expect(throws: ProvenanceError.self) {
            try Provenance(reading: Array(text.replacing(#""choice":{"#, with: #""other":{"#).utf8))
        }
        for name in ["two dogs on grass", "f00d", "b11b", "c11b"] {
            #expect(throws: ProvenanceError.unreadable("a text holds a NUL")) {
                try Provenance(reading: Array(text.replacing(name, with: "\(name)\\u0000").utf8))
            }
        }
    }

    @Test func `what was typed is read again, and refused where it is no words`() throws {
        let json = String(decoding: try drawing([], explains: false).bytes(of: .json), as: UTF8.self)
        func request(typed words: String) throws -> SegmentRequest {
            let text = json.replacing("[\"\(chosen.words[0])\"]", with: words)
            #expect(text != json)
            return try Provenance(reading: Array(text.utf8)).request(.handle(""), requestID: "")
        }
        #expect(try request(typed: "[]").vocabulary?.candidates.isEmpty == true)
        #expect(throws: ProvenanceError.words(.repeatedLabel("dog"))) { try request(typed: #"["dog,dog"]"#) }
        #expect(throws: VocabularyError.unknown("nowhere")) { try request(typed: #"["@nowhere"]"#) }
    }

    /// Weights and captions of labels that were given.
    @Test func `a prompt from a caption is left to be made again, a weight is asked again`() throws {
        let example = chosen.example
        var header = example.header()
        header.labels[0].phrases[0].caption = "a dog in a park"
        header.labels[0].phrases[1].weight = 1.25
        var request = try example.plan().request(.handle(""), requestID: "")
        request.labels[0].phrases[1].weight = 1.25
        let picture = try InputPicture(example.picture)
        let file = try Drawing(
            example.answer(to: request, header: header), words: [], picturePath: "-", picture: picture, files: [],
            explains: false
        ).bytes(of: .json)
        let provenance = try Provenance(reading: file)
        let again = try provenance.request(.handle(""), requestID: "")
        #expect(again.vocabulary == nil)
        #expect(again.labels[0].phrases.map(\.prompt) == ["", "a photograph of a puppy"])
        #expect(again.labels[0].phrases.map(\.weight) == [0, 1.25] && again.labels[1].phrases[0].weight == 0)
        let redrawn = try provenance.redrawn(from: example.answer(to: again, header: header), picture: picture)
        #expect(redrawn.bytes == file)
    }

    // MARK: Descriptions

    @Test func `a description is believed where it answers what was asked`() throws {
        let vocabulary = try #require(try chosen.request(["--filter-set", "least=0.5"]).vocabulary)
        let description = Description(
            handle: "", width: 6, height: 4, caption: "two dogs on grass", nouns: chosen.choice.nouns,
            captioner: Network(name: "blip", hash: "b11b"), filter: nil)
        func words(_ replies: [DescribeReply], progress: Bool = false) throws -> FoundWords {
            var assembly = DescriptionAssembly(of: vocabulary, size: (6, 4), progress: progress)
            for reply in replies { try assembly.receive(reply) }
            return try assembly.words()
        }
        let good: [DescribeReply] = [.description(description), .choice(chosen.choice)]
        let found = try words(good)
        #expect(found.lines == chosen.choice.captionLines + chosen.choice.verdictLines && found.absence == nil)
        var (wide, other) = (description, chosen.choice)
        wide.width = 7
        other.verdicts.removeLast()
        let bad: [[DescribeReply]] = [
            [], [good[0]], [good[1], good[0]], [good[0], good[0], good[1]], good + [good[1]],
            [.description(wide), good[1]], [good[0], .choice(other)],
        ]
        for replies in bad { #expect(throws: RPCStatus.self) { try words(replies) } }
        let loading = DescribeReply.loading(Loading(model: "demo", stage: .opening, bytes: 0, totalBytes: 0))
        #expect(try words([loading, loading] + good, progress: true).lines == found.lines)
        #expect(throws: RPCStatus.self) { try words([loading] + good) }
        for late in [[good[0], loading, good[1]], good + [loading]] {
            #expect(throws: RPCStatus.self) { try words(late, progress: true) }
        }
    }
}
