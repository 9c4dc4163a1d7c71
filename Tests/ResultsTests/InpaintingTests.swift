import ArgumentParser
import FoundationEssentials
import Images
import RPC
import Support
import Testing

@testable import Results

/// Masks for inpainting, and the other outputs of regions and formats.
@Suite struct InpaintingTests {
    /// Those that say how they were made.
    static let outputs: [Output] =
        ["dog", "dog - grass", "dog + grass", "grass - dog - cat"].flatMap { text -> [Output] in
            guard let region = try? WrittenRegion(text).region(among: ["dog", "grass", "cat"]),
                let edits = try? RegionEdits(fillsHoles: true, keepsLargest: false, growth: -1, feather: 2)
            else { return [] }
            return [.cut(region), .inpaint(region, edits)]
        } + FileFormat.allCases.filter(\.saysHowItWasMade).map { .format($0, label: nil) }

    // MARK: The order of edits

    /// A mask drawn in text after edits: `#` is 255, `.` 0, `+` between them.
    ///
    /// - Parameter rows: `#` is included, `x` excluded
    private static func mask(
        _ rows: [String], fill: Bool = false, largest: Bool = false, grow: Int = 0, feather: Int = 0
    ) throws -> [String] {
        let edits = try RegionEdits(fillsHoles: fill, keepsLargest: largest, growth: grow, feather: feather)
        let samples = edits.mask(of: region(rows, "#"), without: region(rows, "x"))
        let width = rows[0].utf8.count
        return stride(from: 0, to: samples.count, by: width).map { start in
            samples[start..<start + width].map { $0 == 255 ? "#" : $0 == 0 ? "." : "+" }.joined()
        }
    }

    private static func region(_ rows: [String], _ mark: Character) -> Region {
        Region(
            width: rows[0].utf8.count, height: rows.count, of: rows.joined().utf8.map { $0 },
            where: (0..<256).map { $0 == Int(mark.asciiValue ?? 0) })
    }

    @Test func `holes are filled before the largest part is chosen`() throws {
        let rows = ["#####.####", "#...#.####", "#...#.####", "#...#.####", "#####.####"]
        let left = [String](repeating: "#####.....", count: 5)
        #expect(try Self.mask(rows, fill: true, largest: true) == left)
        #expect(try Self.mask(rows, largest: true) == [String](repeating: "......####", count: 5))
    }

    @Test func `the largest part is chosen before it grows`() throws {
        #expect(try Self.mask(["##..#"], largest: true, grow: 1) == ["###.."])
        #expect(try Self.mask(["##..#"], grow: 1) == ["#####"])
    }

    /// A hole that is excluded is filled, so that the part around it counts with it, and then taken away.
    @Test func `excluded labels are taken away last, from what was filled and grown`() throws {
        #expect(try Self.mask(["###", "#x#", "###"], fill: true) == ["###", "#.#", "###"])
        let rows = ["###.###", "#x#.###", "###.##."]
        #expect(try Self.mask(rows, fill: true, largest: true) == ["###....", "#.#....", "###...."])
        #expect(try Self.mask(["#x.."], grow: 2) == ["#.#."])
        #expect(try Self.mask(["#x.."], grow: 2, feather: 1) == ["+.++"])
        #expect(try Self.mask(["####xx...."], feather: 1)[0].dropFirst(4).hasPrefix(".."))
    }

    @Test func `a negative number shrinks, but not from the picture's border`() throws {
        #expect(try Self.mask(["####.", "####.", "....."], grow: -1) == ["###..", ".....", "....."])
        #expect(try Self.mask(["###"], grow: -1000) == ["###"])
    }

    @Test(arguments: 1...20)
    func `whatever is done, excluded pixels are black`(seed: UInt64) throws {
        var random = SeededGenerator(seed: seed)
        let (width, height) = (Int.random(in: 1...40, using: &random), Int.random(in: 1...40, using: &random))
        let indices = (0..<width * height).map { _ in UInt8.random(in: 0...2, using: &random) }
        func part(_ index: Int) -> Region {
            Region(width: width, height: height, of: indices, where: (0..<256).map { $0 == index })
        }
        for growth in [-2, 0, 3] {
            for feather in [0, 1, 5] {
                let edits = try RegionEdits(
                    fillsHoles: seed % 2 == 0, keepsLargest: seed % 3 == 0, growth: growth, feather: feather)
                let mask = edits.mask(of: part(1), without: part(2))
                #expect(zip(indices, mask).allSatisfy { $0 != 2 || $1 == 0 })
                if feather == 0 { #expect(Set(mask).isSubset(of: [0, 255])) }
            }
        }
    }

    // MARK: Options and files

    @Test(arguments: [
        (["--grow", "3"], "--grow 3"), (["--feather", "3"], "--feather 3"), (["--fill-holes"], "--fill-holes"),
        (["--largest"], "--largest"), (["--inpaint", "dog", "--grow", "1001"], "from -1000 to 1000"),
        (["--inpaint", "dog", "--grow", "-1001"], "from -1000 to 1000"),
        (["--inpaint", "dog", "--feather", "201"], "from 0 to 200"),
        (["--inpaint", "dog", "--feather", "-1"], "from 0 to 200"), (["--inpaint", "dog", "--grow", "1.5"], "1.5"),
        (["--cut", "dog", "--grow", "1"], "type --inpaint LABEL"),
        (["--format", "coco"], "soft, boxes, rle, polygons, yolo"), (["--format", "rle,"], "\"\" is no format"),
        (["--format", ""], "is no format"),
    ])
    func `options that mean nothing are refused by a sentence`(options: [String], sentence: String) {
        let error = #expect(throws: (any Error).self) { try MaskOptions.parse(["r.png", "dog"] + options) }
        #expect(error.map { MaskOptions.exitCode(for: $0).rawValue } == ExitReason.usage.rawValue)
        #expect(error.map { MaskOptions.message(for: $0).contains(sentence) } == true)
    }

    private static func plan(_ options: String...) throws -> MaskPlan {
        try MaskPlan(MaskOptions.parse(["a/rex.jpg"] + options), standardOutputIsTerminal: false)
    }

    @Test func `each region and each format has its file, once`() throws {
        let plan = try Self.plan(
            "dog, grass/sky", "--inpaint", "dog - grass/sky", "--inpaint", "dog", "--inpaint", " dog", "--cut",
            "dog + grass/sky", "--format", "yolo,soft", "--format", "rle,yolo,boxes,polygons")
        #expect(
            plan.files.map(\.path) == [
                "a/rex.mask.png", "a/rex.dog + grass_sky.cut.png", "a/rex.dog - grass_sky.inpaint.png",
                "a/rex.dog.inpaint.png", "a/rex.txt", "a/rex.dog.soft.npy", "a/rex.grass_sky.soft.npy",
                "a/rex.rle.json", "a/rex.boxes.json", "a/rex.polygons.json",
            ])
        let edited = try Self.plan(
            "--inpaint", "dog", "--grow", "-3", "--feather", "4", "--fill-holes", "--largest")
        let edits = try RegionEdits(fillsHoles: true, keepsLargest: true, growth: -3, feather: 4)
        #expect(edited.files.last?.output == .inpaint(RegionExpression(label: "dog"), edits))
        let names = try Self.plan("a/b, a_b, c", "--inpaint", "a/b + c", "--inpaint", "a_b + c").files.map(\.path)
        #expect(Set(names).count == 3)
    }

    @Test func `a question is asked for each kind of maps that a file needs`() throws {
        func maps(_ options: String...) throws -> [SegmentRequest.Maps] {
            let plan = try MaskPlan(
                MaskOptions.parse(["r.jpg", "dog"] + options), standardOutputIsTerminal: false)
            let requests = plan.requests(.handle(""), requestID: "")
            #expect(requests.allSatisfy { $0.mask && $0.encoding == ($0.maps == .sized ? .u8 : .u16) })
            return requests.map(\.maps)
        }
        #expect(try maps("--inpaint", "dog", "--format", "rle,boxes,polygons,yolo") == [.none])
        #expect(try maps("--format", "soft") == [.latent])
        #expect(try maps("--heat", "--format", "rle") == [.sized])
        #expect(try maps("--format", "soft", "--heat") == [.sized, .latent])
    }

    @Test func `standard output takes the one file that is asked for`() throws {
        let edits = try RegionEdits(fillsHoles: false, keepsLargest: false, growth: 0, feather: 0)
        let dog = RegionExpression(label: "dog")
        #expect(
            try Self.plan("dog", "--inpaint", "dog", "-o", "-").destination == .standardOutput(.inpaint(dog, edits)))
        #expect(
            try Self.plan("dog", "--format", "soft", "-o", "-").destination
                == .standardOutput(.format(.soft, label: "dog")))
        #expect(throws: PlanError.severalOnStandardOutput(2)) {
            try Self.plan("dog", "--format", "rle,yolo", "-o", "-")
        }
        #expect(throws: PlanError.severalOnStandardOutput(2)) {
            try Self.plan("@voc", "--format", "rle", "--inpaint", "dog", "-o", "-")
        }
        #expect(throws: PlanError.filesOfChosen) { try Self.plan("@voc", "--format", "soft", "-o", "-") }
    }

    // MARK: Answers

    /// A file's bytes by its name, of answers whose hashes are their maps' names.
    private func files(_ options: [String]) throws -> [String: [UInt8]] {
        let (example, folder) = (try Example(), try TemporaryDirectory())
        let plan = try example.plan(options + ["-o", folder.path])
        let answers = try plan.requests(.image(example.picture), requestID: "1").map { request in
            try example.answer(to: request, trailer: example.trailer(answerHash: "\(request.maps)"))
        }
        _ = try plan.deliver(answers, picture: InputPicture(example.picture))
        return try Dictionary(
            uniqueKeysWithValues: plan.files.map { (PathText.split($0.path).name, try InputFile.bytes(at: $0.path)) })
    }

    @Test func `each file is drawn from its own answer, and says which`() throws {
        let both = try files(["--heat", "--format", "soft,rle"])
        for (name, bytes) in try files(["--heat", "--format", "rle"]) { #expect(both[name] == bytes, "\(name)") }
        for (name, bytes) in both where !name.hasSuffix(".npy") {
            let provenance = try Provenance(reading: bytes)
            #expect(provenance.maps == .sized && provenance.answer == "sized")
        }
        let alone = try files(["--format", "soft,rle"])
        #expect(alone["rex.dog.soft.npy"] == both["rex.dog.soft.npy"])
        let provenance = try Provenance(reading: try #require(alone["rex.rle.json"]))
        #expect(provenance.maps == .latent && provenance.answer == "latent")
    }

    @Test func `a soft map is the latent map from 0 to 1`() throws {
        let file = try #require(try files(["--format", "soft"])["rex.dog.soft.npy"])
        let numbers = unsafe file.suffix(24).withUnsafeBytes { unsafe Array($0.assumingMemoryBound(to: Float.self)) }
        for (number, expected) in zip(numbers, [1, 0, 0, 0.5, 0, 0] as [Float]) {
            // Half a step of the wire's 16 bits, and the rounding of its scale.
            #expect(abs(number - expected) <= 1.0 / 65535)
        }
        #expect(numbers.min() == 0 && numbers.max() == 1)
        #expect(Compositing.unit([7, 7]) == [0, 0] && Compositing.unit([]).isEmpty)
    }

    @Test func `two answers that are not of the same picture and model are refused`() throws {
        let example = try Example()
        let plan = try example.plan(["--heat", "--format", "soft"])
        var header = example.header()
        header.modelHash = "another"
        let requests = plan.requests(.image(example.picture), requestID: "")
        let answers = [try example.answer(to: requests[0]), try example.answer(to: requests[1], header: header)]
        let error = #expect(throws: RPCStatus.self) {
            try plan.deliver(answers, picture: InputPicture(example.picture))
        }
        #expect(error?.code == .dataLoss)
    }

    @Test func `a mask that is all black is written, and that is said`() throws {
        let example = try Example()
        let plan = try example.plan(["--inpaint", "dog - grass", "--grow", "-1000", "-o", "-"])
        let printout = try example.delivery(of: plan)
        #expect(printout.messages.last == "the mask for inpainting of \"dog - grass\" is all black")
        #expect(try Image(decoding: printout.data).pixels.allSatisfy { $0 == 0 })
        let full = try example.delivery(of: example.plan(["--inpaint", "dog", "-o", "-"]))
        #expect(full.messages.count == 2)
        #expect(
            try Image(decoding: full.data).pixels
                == example.indices.flatMap { [UInt8](repeating: $0 == 1 ? 255 : 0, count: 3) })
    }

    @Test func `of labels that were not found the parts are empty, and a region of them alone is not written`() throws {
        let chosen = try Chosen()
        let options = ["--inpaint", "dog - cat", "--inpaint", "cat", "--inpaint", "cat + dog", "--cut", "cat - dog"]
        let plan = try chosen.plan(options + ["--filter-set", "least=0.5"])
        let request = plan.requests(.image(chosen.example.picture), requestID: "")[0]
        let answer = try chosen.example.answer(to: request, header: chosen.header)
        guard case .files(let files) = try plan.destination(of: answer) else { throw NothingToWrite(region: "") }
        #expect(
            files.map(\.path) == [
                "photos/rex.mask.png", "photos/rex.dog - cat.inpaint.png", "photos/rex.cat + dog.inpaint.png",
            ])
        let drawing = try Drawing(
            answer, words: plan.words.given, picturePath: "rex.png", picture: InputPicture(chosen.example.picture),
            files: files, explains: false)
        let masks = try files.dropFirst().map { try drawing.bytes(of: $0.output) }
        #expect(try Image(decoding: masks[0]).pixels == Image(decoding: masks[1]).pixels)
        for (file, output) in zip(masks, files.dropFirst().map(\.output)) {
            #expect(try Provenance(reading: file).output == output)
        }
        #expect(throws: DrawingError.noLabel("cat")) {
            try drawing.bytes(of: .cut(try WrittenRegion("cat - dog").region(among: ["cat", "dog"])))
        }
        let piped = try chosen.plan(["--inpaint", "cat - dog", "-o", "-", "--filter-set", "least=0.5"])
        #expect(throws: NothingToWrite(region: "cat - dog")) {
            try piped.deliver([answer], picture: InputPicture(chosen.example.picture))
        }
    }

    // MARK: What files say

    @Test(arguments: outputs + [.format(.soft, label: "dog"), .format(.yolo, label: nil)])
    func `an output is read as it was written`(output: Output) throws {
        let json = try JSONEncoder().encode(output)
        #expect(try JSONDecoder().decode(Output.self, from: json) == output)
    }

    /// What scripts read, and `redo`: names and values as they are written down here.
    @Test func `names in files stay`() throws {
        func text(_ output: Output) -> String { JSONLine.text(of: output) }
        let edits = try RegionEdits(fillsHoles: true, keepsLargest: false, growth: -3, feather: 4)
        let region = try WrittenRegion("a - b").region(among: ["a", "b"])
        #expect(text(.cut(RegionExpression(label: "a"))) == #"{"kind":"cut","label":"a"}"#)
        #expect(text(.cut(region)) == #"{"excluded":["b"],"included":["a"],"kind":"cut"}"#)
        #expect(
            text(.inpaint(region, edits))
                == #"{"excluded":["b"],"feather":4,"fill_holes":true,"grow":-3,"included":["a"],"kind":"inpaint","#
                + #""largest":false}"#)
        #expect(text(.format(.soft, label: "a")) == #"{"format":"soft","kind":"format","label":"a"}"#)
        #expect(text(.format(.rle, label: nil)) == #"{"format":"rle","kind":"format"}"#)
    }

    @Test(arguments: [
        #"{"kind":"cut"}"#, #"{"kind":"cut","included":[],"excluded":["a"]}"#,
        #"{"kind":"cut","included":["a"],"excluded":["a"]}"#, #"{"kind":"inpaint","label":"a"}"#,
        #"{"kind":"inpaint","label":"a","grow":1001,"feather":0,"fill_holes":true,"largest":true}"#,
        #"{"kind":"inpaint","label":"a","grow":0,"feather":-1,"fill_holes":true,"largest":true}"#,
        #"{"kind":"format","format":"soft"}"#, #"{"kind":"format","format":"rle","label":"a"}"#,
        #"{"kind":"format","format":"svg"}"#,
    ])
    func `an output that cannot be is refused`(json: String) {
        #expect(throws: DecodingError.self) { try JSONDecoder().decode(Output.self, from: Data(json.utf8)) }
    }

    @Test func `a file whose region has none of its labels is refused`() throws {
        let drawing = try Example().drawing()
        for output in Self.outputs {
            let file = try drawing.bytes(of: output)
            guard output.region != nil, let text = try PNGFile.texts(in: file)[Provenance.key] else { continue }
            #expect(throws: Never.self) { try Provenance(reading: Array(text.utf8)) }
            let labels = #"{"name":"dog""#
            let other = text.replacing(labels, with: #"{"name":"fox""#).replacing(
                #"{"name":"grass""#, with: #"{"name":"sky""#)
            #expect(other != text)
            #expect(throws: ProvenanceError.self) { try Provenance(reading: Array(other.utf8)) }
        }
    }
}
