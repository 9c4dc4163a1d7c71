import FoundationEssentials
import Images
import RPC
import Support
import Testing

/// `dseg explain`: which labels claim a pixel, and where else it looks.
@Suite struct ExplainTests {
    private let daemon: Daemon
    private let place: TemporaryDirectory
    /// 192 x 192 pixels, in a folder of its own.
    private let picture: String
    private let words = "cat, tree, pig, duck"

    init() throws {
        daemon = try Daemon()
        place = try TemporaryDirectory()
        picture = "\(place.path)/scene.jpg"
        try copy("\(Repository.scenes)/JPEGImages/scene_501_0003.jpg", to: picture)
    }

    private func succeed(_ arguments: [String], input: [UInt8] = []) throws -> Program.Ending {
        let ending = try daemon.dseg(["explain"] + arguments, input: input)
        #expect(ending.code == 0, "\(ending.errors)")
        return ending
    }

    private struct Explained: Decodable {
        struct Pixel: Decodable {
            struct Claim: Decodable {
                let label: String
                let score: Float
                let claims: Bool
            }

            let x: Int
            let y: Int
            let label: String?
            let labels: [Claim]
        }

        let pixel: Pixel
        let threshold: Float
        let recipe: String
        let files: [OutputFile]

        struct OutputFile: Decodable {
            let path: String
        }
    }

    /// The places are in the cat, in the pig, in nothing, and in the corners.
    @Test(arguments: [(100, 120), (60, 150), (30, 30), (0, 0), (191, 191)])
    func `says the scores of the heat maps and the label of the mask`(x: Int, y: Int) throws {
        let ending = try succeed([picture, "\(x)", "\(y)", words, "--recipe", "shared", "--json", "--threshold", "0.5"])
        let explained = try JSONDecoder().decode(Explained.self, from: Data(ending.output))
        #expect(explained.recipe == "shared")
        #expect((explained.pixel.x, explained.pixel.y) == (x, y))
        #expect(explained.files.map(\.path) == ["\(place.path)/scene.\(x),\(y).attention.png"])
        let scores = explained.pixel.labels.map(\.score)
        #expect(scores == scores.sorted(by: >))
        #expect(explained.pixel.labels.allSatisfy { $0.claims == ($0.score > 0.5) })
        #expect(Set(explained.pixel.labels.map(\.label)) == ["cat", "tree", "pig", "duck"])

        let drawn = try daemon.dseg(["mask", picture, words, "--recipe", "shared", "--threshold", "0.5", "--heat"])
        #expect(drawn.code == 0)
        let mask = try IndexPicture(at: "\(place.path)/scene.mask.png")
        let index = Int(mask.indices[y * 192 + x])
        #expect(explained.pixel.label == (index == 0 ? nil : ["cat", "tree", "pig", "duck"][index - 1]))
        // In this recipe each map reaches from 0 to 1, as its heat map does from black to white.
        for claim in explained.pixel.labels {
            let heat = try Image(decoding: bytes("\(place.path)/scene.\(claim.label).heat.png"))
            #expect(abs(Float(heat.pixels[3 * (y * 192 + x)]) - 255 * claim.score) <= 1)
        }
        #expect(index == 0 || explained.pixel.labels[0].label == explained.pixel.label)
    }

    @Test func `prints a line for each label, the background among them`() throws {
        let lines = try succeed([picture, "100", "120", words]).text.split(separator: "\n")
            .map { $0.split(separator: " ", maxSplits: 2).map(String.init) }
        #expect(lines.count == 5)
        #expect(lines[0][0] == "cat" && lines[0][2].hasSuffix("has the pixel"))
        let background = try #require(lines.firstIndex { $0[0] == "background" })
        #expect(lines[background][1] == "0.400")
        for (place, line) in lines.enumerated() where place != background {
            let score = try #require(Double(line[1]))
            #expect(place < background ? score >= 0.4 : score <= 0.4)
        }
    }

    /// The map of the wire, enlarged by the definition: bilinear, half-pixel centres.
    @Test func `draws where the pixel looks`() throws {
        _ = try succeed([picture, "60", "150", words, "--recipe", "shared"])
        let heat = try Image(decoding: bytes("\(place.path)/scene.60,150.attention.png")).pixels
        var probed: [ProbedMap] = []
        try daemon.client().segment(
            SegmentRequest(
                picture: .image(bytes(picture)), labels: ["cat", "tree", "pig", "duck"].map { Label(name: $0) },
                maps: .none, encoding: .u16, probes: [.attention(x: 60, y: 150)])
        ) { if case .probed(let map) = $0 { probed.append(map) } }
        try #require(probed.count == 1)
        let (width, height) = (Int(probed[0].map.width), Int(probed[0].map.height))
        let scores = try probed[0].map.scores()
        func weights(_ place: Int, _ length: Int) -> [(Int, Float)] {
            let centre = max(0, (Float(place) + 0.5) * Float(length) / 192 - 0.5)
            let first = min(Int(centre), length - 1)
            return [(first, 1 - centre + Float(first)), (min(first + 1, length - 1), centre - Float(first))]
        }
        let map = (0..<192).flatMap { y in
            (0..<192).map { x in
                weights(y, height).reduce(Float(0)) { sum, row in
                    weights(x, width).reduce(sum) { $0 + row.1 * $1.1 * scores[row.0 * width + $1.0] }
                }
            }
        }
        let (least, most) = try (#require(map.min()), #require(map.max()))
        let wrong = map.indices.count { abs(Float(heat[3 * $0]) - 255 * (map[$0] - least) / (most - least)) > 0.51 }
        #expect(wrong == 0)
        // Of all cells it looks most at those of what it belongs to.
        let brightest = try #require(map.indices.max { map[$0] < map[$1] })
        let truth = try IndexPicture(at: "\(Repository.scenes)/SegmentationClass/scene_501_0003.png")
        #expect(truth.indices[brightest] == truth.indices[150 * 192 + 60])
    }

    @Test func `gives the same file again, without a daemon, on standard output and by redo`() throws {
        let file = "\(place.path)/scene.100,120.attention.png"
        _ = try succeed([picture, "100", "120", words])
        let drawn = try bytes(file)
        let piped = try succeed([picture, "100", "120", words, "-o", "-"])
        #expect(try Image(decoding: piped.output).pixels == Image(decoding: drawn).pixels)
        #expect(piped.errors.contains("cat "))
        let alone = try run([Repository.dseg, "explain", picture, "100", "120", words, "--no-daemon", "--force"])
        #expect(alone.code == 0, "\(alone.errors)")
        #expect(try bytes(file) == drawn)
        try write([1], to: "\(place.path)/other")
        let redone = try daemon.dseg(["redo", file])
        #expect(redone.code == 0, "\(redone.errors)")
        #expect(try bytes(file) == drawn)
    }

    @Test func `looks for what a caption names where there are no words`() throws {
        let ending = try succeed([picture, "100", "120", "--json"])
        #expect(try !JSONDecoder().decode(Explained.self, from: Data(ending.output)).pixel.labels.isEmpty)
    }

    @Test func `refuses what it cannot explain, each with a sentence`() throws {
        func refusal(_ arguments: [String]) throws -> (CInt, String) {
            let ending = try daemon.dseg(["explain"] + arguments)
            #expect(ending.output.isEmpty)
            return (ending.code, ending.errors)
        }
        let outside = try refusal([picture, "192", "0", words])
        #expect(outside.0 == 64 && outside.1.contains("no pixel (192, 0): it has 192 x 192"), "\(outside)")
        let two = try refusal([picture, "1", "1", picture, words])
        #expect(two.0 == 64 && two.1.contains("2 pictures are named"), "\(two)")
        let heads = try refusal([picture, "1", "1", words, "--recipe", "cliper:voc"])
        #expect(heads.0 == 64 && heads.1.contains("no one affinity of all heads"), "\(heads)")
        #expect(try refusal(["\(place.path)/none.jpg", "1", "1", words]).0 == 66)
        #expect(try place.names == ["scene.jpg"])
        _ = try succeed([picture, "1", "1", words])
        #expect(try refusal([picture, "1", "1", words]).0 == 73)
    }
}
