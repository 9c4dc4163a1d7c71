import FoundationEssentials
import RPC
import Testing

@testable import Results

@Suite struct ProvenanceTests {
    private static let outputs: [Output] =
        [
            .mask, .greyMask, .overlay, .heat(label: "dog"), .heat(label: "grass"),
            .cut(RegionExpression(label: "dog")), .json,
        ] + InpaintingTests.outputs

    @Test(arguments: outputs)
    func `a file made again from itself has the same bytes`(output: Output) throws {
        let example = try Example()
        let file = try example.drawing().bytes(of: output)
        let provenance = try Provenance(reading: file)
        let request = try provenance.request(.image(example.picture), requestID: "2")
        let again = try provenance.redrawn(
            from: example.answer(to: request), picture: InputPicture(example.picture))
        #expect(again.bytes == file)
        #expect(again.differences.isEmpty)
    }

    @Test func `the question is asked again with nothing left open`() throws {
        let example = try Example()
        var header = example.header()
        header.forwardPrompt = "a street"
        let answer = try example.answer(to: example.plan().request(.handle(""), requestID: ""), header: header)
        let drawing = try Drawing(
            answer, words: example.words, picturePath: "-", picture: InputPicture(example.picture), files: [],
            explains: false)
        let provenance = try Provenance(reading: drawing.bytes(of: .mask))
        let request = try provenance.request(.handle("c0ffee"), requestID: "2")
        #expect(request.labels.map(\.name) == ["dog", "grass"])
        #expect(request.labels[0].phrases.map(\.words) == ["dog", "puppy"])
        #expect(request.labels[1].phrases.map(\.prompt) == ["a photograph of a grass"])
        #expect(request.recipe == "best" && request.forwardPrompt == "a street" && request.settings.isEmpty)
        #expect(request.seed == 7 && request.timestep == 100 && request.threshold == 0.3)
        #expect(request.model == "abc123" && request.mask && request.maps == .none)
        #expect(provenance.words == example.words)
    }

    @Test(arguments: ["shared", "diffsegmenter", "one that a later dsegd knows"], [nil, "", "a street"])
    func `a recipe is asked with the forward prompt that was read, and for an empty one with its own`(
        recipe: String, prompt: String?
    ) throws {
        let example = try Example()
        var header = example.header()
        (header.recipe, header.forwardPrompt) = (recipe, prompt)
        let answer = try example.answer(
            to: example.plan(["--recipe", recipe]).request(.handle(""), requestID: ""), header: header)
        let drawing = try Drawing(
            answer, words: [], picturePath: "-", picture: InputPicture(example.picture), files: [], explains: false)
        let provenance = try Provenance(reading: drawing.bytes(of: .mask))
        let request = try provenance.request(.handle(""), requestID: "")
        #expect(request.recipe == recipe && request.forwardPrompt == (prompt == "" ? nil : prompt))
        #expect(provenance.picturePaths(from: "x/y.png") == ["-"])
    }

    @Test func `the picture is looked for at its path and beside the file`() throws {
        let provenance = try Provenance(reading: try Example().drawing().bytes(of: .mask))
        #expect(
            provenance.picturePaths(from: "out/rex.mask.png") == ["photos/rex.png", "out/rex.png"])
    }

    @Test func `another picture and other scores are refused, another version is told`() throws {
        let example = try Example()
        let provenance = try Provenance(reading: example.drawing().bytes(of: .mask))
        let request = try provenance.request(.handle(""), requestID: "")
        let other = try example.answer(to: request, header: example.header(handle: "bad"))
        #expect(
            throws: ProvenanceError.pictureChanged(
                path: "photos/rex.png", was: "c0ffee", is: "bad")
        ) { try provenance.redrawn(from: other, picture: InputPicture(example.picture)) }

        var header = example.header()
        header.version = "0.2.0"
        let newer = try example.answer(to: request, header: header)
        let again = try provenance.redrawn(from: newer, picture: InputPicture(example.picture))
        #expect(again.differences == ["dseg was 0.1.0, is 0.2.0"])

        let scored = try example.answer(
            to: request, header: header, trailer: example.trailer(answerHash: "beef"))
        #expect(
            throws: ProvenanceError.otherAnswer(
                was: "feed", is: "beef", differences: ["dseg was 0.1.0, is 0.2.0"])
        ) { try provenance.redrawn(from: scored, picture: InputPicture(example.picture)) }
    }

    @Test func `what the scores' last bits depend on is told where it is another`() throws {
        let example = try Example()
        let provenance = try Provenance(reading: example.drawing().bytes(of: .mask))
        #expect(provenance.precision == "f32" && provenance.instructionSet == "avx2")
        #expect(provenance.blas == "OpenBLAS 0.3.21 Zen")
        var header = example.header()
        header.precision = "int16"
        header.instructionSet = "portable"
        header.blas = "OpenBLAS 0.3.21 Haswell"
        let differences = [
            "the precision was f32, is int16", "the instruction set was avx2, is portable",
            "the BLAS was OpenBLAS 0.3.21 Zen, is OpenBLAS 0.3.21 Haswell",
        ]
        let request = try provenance.request(.handle(""), requestID: "")
        let same = try example.answer(to: request, header: header)
        let picture = try InputPicture(example.picture)
        #expect(try provenance.redrawn(from: same, picture: picture).differences == differences)
        let other = try example.answer(
            to: request, header: header, trailer: example.trailer(answerHash: "beef"))
        let error = try #require(throws: ProvenanceError.self) {
            try provenance.redrawn(from: other, picture: picture)
        }
        for difference in differences { #expect(error.description.contains(difference)) }
    }

    /// A member each: how it stands in a file, and what is said where it does not.
    private static let recorded = [
        (#""precision":"f32","#, "the precision was not recorded, is f32"),
        (#""instruction_set":"avx2","#, "the instruction set was not recorded, is avx2"),
        (#""blas":"OpenBLAS 0.3.21 Zen","#, "the BLAS was not recorded, is OpenBLAS 0.3.21 Zen"),
    ]

    @Test(arguments: recorded.indices)
    func `a file of before they were recorded is made again, and says them from then on`(known: Int) throws {
        let example = try Example()
        let json = String(decoding: try example.drawing().bytes(of: .json), as: UTF8.self)
        let added = Self.recorded[known...]
        let old = added.reduce(json) { $0.replacing($1.0, with: "") }
        #expect(added.allSatisfy { json.contains($0.0) })
        let provenance = try Provenance(reading: Array(old.utf8))
        #expect(provenance.precision == (known > 0 ? "f32" : nil))
        #expect(provenance.instructionSet == (known > 1 ? "avx2" : nil))
        #expect(provenance.blas == nil)
        let answer = try example.answer(to: provenance.request(.handle(""), requestID: ""))
        let again = try provenance.redrawn(from: answer, picture: InputPicture(example.picture))
        #expect(again.bytes == Array(json.utf8))
        #expect(again.differences == added.map(\.1))
    }

    @Test func `settings are recorded, and asked for again`() throws {
        let example = try Example()
        var header = example.header()
        header.settings = ["gamma=2", "rounds=0"]
        let plan = try example.plan(["--set", "rounds=0", "--set", "gamma=02"])
        let answer = try example.answer(to: plan.request(.handle(""), requestID: ""), header: header)
        let drawing = try Drawing(
            answer, words: [], picturePath: "-", picture: InputPicture(example.picture), files: [], explains: false)
        let json = String(decoding: try drawing.bytes(of: .json), as: UTF8.self)
        #expect(json.contains(#""settings":["gamma=2","rounds=0"]"#))
        let request = try Provenance(reading: Array(json.utf8)).request(.handle(""), requestID: "")
        #expect(request.settings == header.settings)
        #expect(throws: ProvenanceError.unreadable("a text holds a NUL")) {
            try Provenance(reading: Array(json.replacing("gamma=2", with: "gamma=2\\u0000").utf8))
        }
    }

    /// The hash is of what is sent: a mask of the same run as a heat map has that of the maps.
    @Test(arguments: outputs)
    func `a file asks for the maps that its run asked for`(output: Output) throws {
        let example = try Example()
        func maps(_ file: [UInt8]) throws -> SegmentRequest.Maps {
            try Provenance(reading: file).request(.handle(""), requestID: "").maps
        }
        #expect(try maps(example.drawing().bytes(of: output)) == .sized)
        if output.maps == .none { #expect(try maps(example.drawing([]).bytes(of: output)) == .none) }
    }

    @Test func `a file of before maps were recorded asks for latent ones, and is the same again`() throws {
        let example = try Example()
        for output in [Output.json, .heat(label: "dog")] {
            var request = try example.plan(["--heat"]).request(.handle(""), requestID: "")
            (request.maps, request.encoding) = (.latent, .u16)
            let picture = try InputPicture(example.picture)
            let old = try Drawing(
                example.answer(to: request), words: [], picturePath: "-", picture: picture, files: [], explains: false
            ).bytes(of: output)
            #expect(!String(decoding: old, as: UTF8.self).contains("maps"))
            let provenance = try Provenance(reading: old)
            let asked = try provenance.request(.handle(""), requestID: "")
            #expect(asked.maps == .latent && asked.encoding == .u16)
            #expect(try provenance.redrawn(from: example.answer(to: asked), picture: picture).bytes == old)
        }
        let unknown = try example.drawing().bytes(of: .json)
        let text = String(decoding: unknown, as: UTF8.self).replacing(#""maps":"sized""#, with: #""maps":"huge""#)
        #expect(throws: ProvenanceError.self) { try Provenance(reading: Array(text.utf8)) }
    }

    /// What scripts read: names and values as they are written down here.
    @Test func `the printed JSON holds what was asked, understood, found and written`() throws {
        let plan = try Example().plan(["--cut", "dog"])
        let json = try Example().drawing(["--cut", "dog"]).bytes(of: .json)
        #expect(json.last == 0x0A && !json.dropLast().contains(0x0A))
        let decoder = JSONDecoder()
        decoder.keyDecodingStrategy = .convertFromSnakeCase
        let report = try decoder.decode(Report.self, from: Data(json))
        #expect(report.schema == 1 && report.version == "0.1.0" && report.answer == "feed")
        #expect(report.picture.path == "photos/rex.png" && report.picture.sha256 == "c0ffee")
        #expect(report.picture.width == 6 && report.picture.height == 4)
        #expect(report.model.name == "demo" && report.model.hash == "abc123")
        #expect(report.recipe == "best" && report.forwardPrompt == "" && report.seed == 7)
        #expect(report.maps == "none" && report.settings == nil)
        #expect(report.precision == "f32" && report.instructionSet == "avx2" && report.blas == "OpenBLAS 0.3.21 Zen")
        #expect(report.timestep == 100 && report.threshold == 0.3)
        #expect(report.labels.map(\.name) == ["dog", "grass"])
        #expect(report.labels.map(\.pixels) == [5, 11])
        #expect(report.labels.map(\.share) == [5.0 / 24, 11.0 / 24])
        #expect(report.labels[0].phrases[1].words == "puppy")
        #expect(report.labels[0].phrases[1].prompt == "a photograph of a puppy")
        #expect(report.labels[0].phrases[1].positions == [5])
        #expect(report.files.map(\.path) == plan.files.map(\.path))
        #expect(report.files.map(\.output.kind) == ["mask", "cut"])
        #expect(report.files[1].output.label == "dog")
    }

    /// The documented members, written without the product's own types.
    private struct Report: Decodable {
        struct Picture: Decodable { let path, sha256: String, width, height: Int }
        struct Model: Decodable { let name, hash: String }
        struct Phrase: Decodable { let words, prompt: String, positions: [Int], truncated: Bool }
        struct Label: Decodable { let name: String, phrases: [Phrase], pixels: Int, share: Double }
        struct Output: Decodable { let kind: String, label: String? }
        struct File: Decodable { let path: String, output: Output }
        let schema, seed, timestep: Int
        let version, precision, instructionSet, blas, answer, recipe, forwardPrompt: String
        let threshold: Float
        let maps: String
        let settings: [String]?
        let picture: Picture
        let model: Model
        let labels: [Label]
        let files: [File]
    }

    @Test func `a text with a NUL is refused, wherever it stands`() throws {
        let json = String(decoding: try Example().drawing(["--cut", "dog"]).bytes(of: .json), as: UTF8.self)
        let texts = [
            "photos/rex.png", "c0ffee", "dog=dog|puppy", "grass", "puppy", "a photograph of a dog", "best", "abc123",
            "demo", "0.1.0", "feed", "rex.dog.cut.png", "f32", "avx2",
            "OpenBLAS 0.3.21 Zen",
        ]
        for text in texts {
            let meddled = json.replacing(text, with: "\(text)\\u0000")
            #expect(meddled != json)
            #expect(throws: ProvenanceError.unreadable("a text holds a NUL"), "\(text)") {
                try Provenance(reading: Array(meddled.utf8))
            }
        }
    }

    /// To read it as other JSON would take 10^11 steps.
    @Test func `a run of a million marks is refused, wherever it stands`() throws {
        let json = String(decoding: try Example().drawing(["--cut", "dog"]).bytes(of: .json), as: UTF8.self)
        for marks in [String(repeating: "\u{301}\u{323}", count: 500_000), String(repeating: #"\u0301"#, count: 31)] {
            for place in [#""schema""#, #""grass""#, "{"] {
                let key = place == "{" ? #"{"a\#(marks)": 1,"# : place.dropLast() + marks + "\""
                #expect(throws: ProvenanceError.self) {
                    try Provenance(reading: Array(json.replacing(place, with: key, maxReplacements: 1).utf8))
                }
            }
        }
    }

    @Test func `what a terminal would obey is escaped, and read again`() throws {
        let example = try Example()
        var header = example.header()
        header.model = "a\u{1B}[m\u{7F}\u{9B}\u{202E}\u{2028}b"
        let request = try example.plan().request(.handle(""), requestID: "")
        let drawing = try Drawing(
            example.answer(to: request, header: header), words: [], picturePath: "-",
            picture: InputPicture(example.picture), files: [], explains: false)
        let json = try drawing.bytes(of: .json)
        let text = String(decoding: json.dropLast(), as: UTF8.self)
        #expect(Streams.printable(text) == text)
        #expect(text.contains(#""a\u001b[m\u007f\u009b\u202e\u2028b""#))
        #expect(try Provenance(reading: json).model.name == header.model)
    }

    @Test func `a grey mask is made again as one`() throws {
        let example = try Example()
        let file = try example.drawing(["--mask-values", "grey"]).bytes(of: .greyMask)
        #expect(try Provenance(reading: file).output == .greyMask)
        #expect(try Provenance(reading: example.drawing().bytes(of: .mask)).output == .mask)
    }

    @Test func `a file that does not say how it was made is refused`() throws {
        let example = try Example()
        #expect(throws: ProvenanceError.none) { try Provenance(reading: example.picture) }
        #expect(throws: ProvenanceError.none) { try Provenance(reading: []) }
        #expect(throws: ProvenanceError.none) { try Provenance(reading: Array("hello".utf8)) }
        #expect(throws: ProvenanceError.otherSchema(2)) {
            try Provenance(reading: Array("{\"schema\":2}".utf8))
        }
        let file = try example.drawing().bytes(of: .mask)
        for length in 1..<file.count {
            #expect(throws: ProvenanceError.self) {
                try Provenance(reading: Array(file.prefix(length)))
            }
        }
    }

    @Test func `JSON that was meddled with is refused, or is a legal question`() throws {
        let json = try Example().drawing().bytes(of: .json)
        for position in json.indices {
            for byte in [UInt8(0), 0x22, 0x2D, 0x39, 0x7D, 0xFF] {
                var meddled = json
                meddled[position] = byte
                guard let provenance = try? Provenance(reading: meddled) else { continue }
                #expect((0...1).contains(provenance.threshold))
                #expect((1...255).contains(provenance.labels.count))
            }
        }
    }
}
