import FoundationEssentials
import Images
import RPC
import Support
import Testing

/// `dseg mask --inpaint`, regions and `--format`: what other programs' readers find in the files.
@Suite struct EditingTests {
    private let daemon: Daemon
    private let place: TemporaryDirectory
    /// A picture in a folder of its own: a boat and a sheep.
    private let picture: String

    init() throws {
        daemon = try Daemon()
        place = try TemporaryDirectory()
        picture = "\(place.path)/pond.jpg"
        try copy(Repository.picture, to: picture)
    }

    private func succeed(_ arguments: [String], by other: Daemon? = nil) throws -> Program.Ending {
        let ending = try (other ?? daemon).dseg(["mask", picture] + arguments)
        #expect(ending.code == 0, "\(ending.errors)")
        return ending
    }

    private func file(_ name: String) -> String { "\(place.path)/pond.\(name)" }

    /// What `Tests/Readers/inpainting.py` says of the mask of a region.
    private struct Comparison {
        let difference: Double
        let excluded: Int
        /// Pixels.
        let white, grey, black: Int

        /// - Parameters:
        ///   - labels: the indices included and excluded
        ///   - edits: fill, largest, grow, feather
        init(_ mask: String, of index: String, _ labels: (String, String), _ edits: [Int]) throws {
            let lines = try read(
                by: "inpainting.py", [index, mask, labels.0, labels.1] + edits.map { "\($0)" }
            ).split(separator: "\n").map { $0.split(separator: " ").map(String.init) }
            try #require(lines.count == 2)
            #expect(lines[0].prefix(3) == ["L", "192", "192"])
            difference = try #require(Double(lines[0][3]))
            excluded = try #require(Int(lines[0][4]))
            let counts = try lines[1].map { try #require(Int($0)) }
            (white, grey, black) = (counts[0], counts[1], counts[2])
        }
    }

    @Test(arguments: [
        [0, 0, 0, 0], [1, 0, 6, 0], [0, 1, -2, 0], [1, 1, 9, 4], [0, 0, -3, 2], [0, 0, 40, 25], [1, 0, 0, 200],
    ])
    func `a mask for inpainting is what scipy makes of the index mask`(edits: [Int]) throws {
        let options =
            (edits[0] == 1 ? ["--fill-holes"] : []) + (edits[1] == 1 ? ["--largest"] : [])
            + ["--grow", "\(edits[2])", "--feather", "\(edits[3])"]
        let regions = [("boat", ("1", "")), ("boat + teddy bear - sheep", ("1,3", "2")), ("sheep - boat", ("2", "1"))]
        _ = try succeed(
            ["boat, sheep, teddy bear"] + options + regions.flatMap { ["--inpaint", $0.0] })
        for (name, labels) in regions {
            let found = try Comparison(file("\(name).inpaint.png"), of: file("mask.png"), labels, edits)
            // Half a level is the rounding's, the rest what 16 bits lose of the Gaussian's weights.
            #expect(found.difference <= (edits[3] == 0 ? 0 : 0.51), "\(name)")
            #expect(found.excluded == 0)
            #expect(found.white + found.grey > 0 && (found.grey > 0) == (edits[3] > 0), "\(name)")
        }
    }

    @Test func `a cut-out of a region has the picture where its labels are`() throws {
        _ = try succeed(["boat, sheep, teddy bear", "--cut", "boat + sheep", "--cut", "boat - sheep"])
        let mask = try IndexPicture(at: file("mask.png")).indices
        let image = try Image(decoding: bytes(picture))
        for (name, indices) in [("boat + sheep", [1, 2]), ("boat - sheep", [1])] as [(String, [UInt8])] {
            let cut = try Image(decoding: bytes(file("\(name).cut.png")))
            #expect(cut.alpha == mask.map { indices.contains($0) ? 255 : 0 })
            #expect(
                cut.pixels.indices.allSatisfy {
                    cut.pixels[$0] == (indices.contains(mask[$0 / 3]) ? image.pixels[$0] : 0)
                })
        }
    }

    @Test(arguments: [["boat, sheep"], ["boat, sheep, teddy bear", "--threshold", "0"]])
    func `annotations are read by their programs as the index mask has them`(words: [String]) throws {
        _ = try succeed(words + ["--format", "rle,polygons,boxes", "--format", "yolo"])
        let found = try read(
            by: "annotations.py", ["mask.png", "rle.json", "polygons.json", "boxes.json", "txt"].map(file))
        let names = words[0].split(separator: ", ")
        #expect(
            found.split(separator: "\n")
                == [Substring](repeating: "pond.jpg 192 192", count: 3) + names.map { "\($0) 0 0 0 True" })
    }

    @Test func `a soft map is the latent map from 0 to 1, and heat maps stay as they are`() throws {
        _ = try succeed(["boat, sheep", "--heat"])
        let heat = try bytes(file("boat.heat.png"))
        _ = try succeed(["boat, sheep", "--heat", "--format", "soft", "--force"])
        #expect(try bytes(file("boat.heat.png")) == heat)
        let request = SegmentRequest(
            picture: .image(try bytes(picture)), labels: [Label(name: "boat"), Label(name: "sheep")], recipe: "best",
            maps: .latent, encoding: .u16)
        for (name, map) in zip(["boat", "sheep"], try daemon.client().scores(request).maps) {
            let parts = try read(by: "arrays.py", [file("\(name).soft.npy")]).split(whereSeparator: \.isWhitespace)
            #expect(parts.prefix(3) == ["-", "<f4", "\(map.height),\(map.width)"])
            let digits = Array(parts[3])
            let numbers = try stride(from: 0, to: digits.count, by: 8).map { place in
                let bits = try #require(UInt32(String(digits[place..<place + 8]), radix: 16))
                return Double(Float(bitPattern: bits.byteSwapped))
            }
            let scores = try map.scores().map { Double($0) }
            let (low, high) = (try #require(scores.min()), try #require(scores.max()))
            #expect(numbers.count == scores.count && high > low)
            let errors = zip(numbers, scores).map { abs($0 - ($1 - low) / (high - low)) }
            #expect(try #require(errors.max()) < 1e-6)
            #expect(numbers.min() == 0 && numbers.max() == 1)
        }
    }

    private static let everything = [
        "ship=boat|sailboat, sheep", "--inpaint", "ship - sheep", "--grow", "3", "--feather", "2", "--fill-holes",
        "--largest", "--cut", "ship + sheep", "--heat", "--format", "soft,boxes,rle,polygons,yolo",
    ]

    @Test(arguments: ["f32", "int16"])
    func `what says how it was made is made again, bit for bit`(precision: String) throws {
        let one = try Daemon("--precision", precision, "--threads", "1")
        let other = try Daemon("--precision", precision, "--threads", "2")
        _ = try succeed(Self.everything, by: one)
        for name in [
            "mask.png", "ship - sheep.inpaint.png", "ship + sheep.cut.png", "ship.heat.png", "boxes.json", "rle.json",
            "polygons.json",
        ] {
            let made = try bytes(file(name))
            if name.hasSuffix(".json") {
                try write(made + Array(" ".utf8), to: file(name))
            } else {
                let text = PNGFile.Text(key: "dseg", value: try #require(try Record.text(in: made)))
                try write(PNGFile(width: 1, height: 1, .grey([0]), texts: [text]).encoded(), to: file(name))
            }
            let ending = try other.dseg(["redo", file(name)])
            #expect(ending.code == 0, "\(ending.errors)")
            #expect(try bytes(file(name)) == made, "\(name)")
        }
        for (name, format) in [("ship.soft.npy", "soft"), ("txt", "yolo")] {
            let made = try bytes(file(name))
            let ending = try other.dseg(["redo", file(name)])
            #expect(ending.code == 65 && ending.output.isEmpty)
            #expect(ending.errors.contains("has no room for how it was made"), "\(ending.errors)")
            #expect(ending.errors.contains("--format \(format)"))
            #expect(try bytes(file(name)) == made)
        }
    }

    @Test func `without a daemon the files are the same`() throws {
        _ = try succeed(Self.everything)
        let names = try place.names
        #expect(names.count == 12)
        let made = try names.map { try bytes("\(place.path)/\($0)") }
        let alone = try run([Repository.dseg, "mask", picture, "--no-daemon", "--force"] + Self.everything)
        #expect(alone.code == 0, "\(alone.errors)")
        #expect(try place.names == names)
        #expect(try names.map { try bytes("\(place.path)/\($0)") } == made)
    }

    @Test func `without words the labels of the regions are the words`() throws {
        _ = try succeed(["boat", "sheep", "--inpaint", "boat - sheep"])
        let made = try bytes(file("boat - sheep.inpaint.png"))
        let record = try Record(made)
        #expect(record.words == ["boat", "sheep"] && record.labels.map(\.name) == ["boat", "sheep"])
        let ending = try succeed(["--inpaint", "boat - sheep", "--force"])
        #expect(try bytes(file("boat - sheep.inpaint.png")) == made)
        #expect(ending.text.hasPrefix("boat ") && ending.text.contains("\nsheep "))
        // What was chosen from them is chosen again.
        _ = try succeed(["--inpaint", "boat - pizza", "--filter", "best", "--force"])
        let chosen = try bytes(file("boat - pizza.inpaint.png"))
        #expect(try Record(chosen).labels.map(\.name) == ["boat"])
        #expect(try daemon.dseg(["redo", file("boat - pizza.inpaint.png")]).code == 0)
        #expect(try bytes(file("boat - pizza.inpaint.png")) == chosen)
    }

    @Test func `of a vocabulary what was not found is empty, and of that alone nothing is written`() throws {
        let ending = try succeed([
            "@demo", "--inpaint", "boat - zebra", "--inpaint", "zebra", "--cut", "zebra - boat",
        ])
        #expect(try place.names == ["pond.boat - zebra.inpaint.png", "pond.jpg", "pond.mask.png"])
        for region in ["zebra", "zebra - boat"] {
            #expect(ending.errors.contains("\"\(region)\" is not among what was found"), "\(ending.errors)")
        }
        let piped = try daemon.dseg(["mask", picture, "@demo", "--inpaint", "zebra", "-o", "-"])
        #expect(piped.code == 3 && piped.output.isEmpty && piped.errors.contains("zebra"))
    }

    @Test func `standard output takes a file of any format`() throws {
        func output(_ options: String...) throws -> [UInt8] {
            try succeed(["boat", "-o", "-"] + options).output
        }
        #expect(try output("--format", "soft").starts(with: [0x93] + Array("NUMPY".utf8)))
        #expect(try output("--format", "rle").starts(with: Array("{\"info\"".utf8)))
        #expect(try output("--format", "yolo").starts(with: Array("0 ".utf8)))
        #expect(try Array(output("--inpaint", "boat")[24...25]) == [8, 0], "8 bits, grey")
        #expect(try place.names == ["pond.jpg"])
    }

    @Test func `of several pictures each has its files, all of them or none, and the JSON lists them`() throws {
        let other = "\(place.path)/farm.jpg"
        try copy(Repository.scenePath(3), to: other)
        let options = ["--inpaint", "boat", "--format", "rle,soft,yolo"]
        let endings = ["boat.inpaint.png", "boat.soft.npy", "mask.png", "rle.json", "txt"]
        let json = try succeed([other, "boat", "--json"] + options).text.split(separator: "\n")
        #expect(json.count == 2)
        for (line, stem) in zip(json, ["pond", "farm"]) {
            struct Files: Decodable {
                struct File: Decodable { let path: String }
                let files: [File]
            }
            let files = try JSONDecoder().decode(Files.self, from: Data(line.utf8)).files
            #expect(files.map(\.path).sorted() == endings.map { "\(place.path)/\(stem).\($0)" })
        }
        let names = ["farm", "pond"].flatMap { stem in endings.map { "\(stem).\($0)" } + ["\(stem).jpg"] }
        #expect(try place.names == names.sorted())
        for name in endings where name != "rle.json" { try FileManager.default.removeItem(atPath: file(name)) }
        let refused = try daemon.dseg(["mask", picture, "boat"] + options)
        #expect(refused.code == 73 && refused.errors.contains("pond.rle.json exists"), "\(refused.errors)")
        #expect(try !place.names.contains("pond.mask.png"))
    }

    @Test(arguments: [
        (["boat", "--inpaint", "sheep"], "\"sheep\" is no label; type one of the 1: boat"),
        (["boat", "--inpaint", "boat - sheep"], "\"sheep\" in \"boat - sheep\" is no label"),
        (["boat", "--inpaint", "boat +"], "a label in \"boat +\" is empty"),
        (["boat", "--inpaint", "boat - boat"], "\"boat\" is twice in"),
        (["--inpaint", "boat, sheep"], "\"boat, sheep\" is not one label"),
        (["boat", "--grow", "3"], "--grow 3 changes masks for inpainting"),
        (["boat", "--inpaint", "boat", "--grow", "-2000"], "--grow -2000 is not from -1000 to 1000"),
        (["boat", "--inpaint", "boat", "--feather", "201"], "--feather 201 is not from 0 to 200"),
        (["boat", "--format", "coco"], "\"coco\" is no format; type some of soft, boxes, rle, polygons, yolo"),
        (["boat", "--format", "rle,yolo", "-o", "-"], "2 files cannot all go to standard output"),
        (["@demo", "--format", "soft", "-o", "-"], "it is not known how many labels have files of their own"),
    ])
    func `what means nothing is refused by a sentence`(arguments: [String], sentence: String) throws {
        let ending = try daemon.dseg(["mask", picture] + arguments)
        #expect(ending.code == 64 && ending.output.isEmpty)
        // Lines are broken where the terminal ends.
        #expect(
            ending.errors.split(whereSeparator: \.isWhitespace).joined(separator: " ").contains(sentence),
            "\(ending.errors)")
        #expect(try place.names == ["pond.jpg"])
    }

    @Test func `a mask that shrank to nothing is black, and that is said`() throws {
        let ending = try succeed(["boat", "--inpaint", "boat", "--grow", "-1000"])
        #expect(ending.errors.contains("the mask for inpainting of \"boat\" is all black"), "\(ending.errors)")
        let found = try Comparison(file("boat.inpaint.png"), of: file("mask.png"), ("1", ""), [0, 0, -1000, 0])
        #expect(found.difference == 0 && found.white + found.grey == 0)
    }
}
