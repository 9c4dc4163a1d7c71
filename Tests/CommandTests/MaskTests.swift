import FoundationEssentials
import Images
import RPC
import Support
import Testing

/// `dseg mask`: what it writes and prints.
@Suite struct MaskTests {
    private let daemon: Daemon
    private let place: TemporaryDirectory
    /// A picture in a folder of its own.
    private let picture: String

    init() throws {
        daemon = try Daemon()
        place = try TemporaryDirectory()
        picture = "\(place.path)/pond.jpg"
        try copy(Repository.picture, to: picture)
    }

    private func succeed(_ arguments: [String], input: [UInt8] = []) throws -> Program.Ending {
        let ending = try daemon.dseg(["mask"] + arguments, input: input)
        #expect(ending.code == 0, "\(ending.errors)")
        return ending
    }

    /// The percentages printed, by label.
    private func shares(_ text: String) throws -> [(label: String, percent: Double)] {
        try text.split(separator: "\n").map { line in
            let words = line.split(separator: " ")
            #expect(words.last == "%")
            return (words.dropLast(2).joined(separator: " "), try #require(Double(words[words.count - 2])))
        }
    }

    @Test func `the mask lies beside the picture and the shares are printed`() throws {
        let ending = try succeed([picture, "boat, sheep", "teddy bear"])
        #expect(try place.names == ["pond.jpg", "pond.mask.png"])
        #expect(ending.errors == "wrote \(place.path)/pond.mask.png\n")
        let mask = try IndexPicture(at: "\(place.path)/pond.mask.png")
        let size = try ImageSize(probing: bytes(picture))
        #expect((mask.width, mask.height) == (size.width, size.height))
        let counts = mask.counts(labels: 3)
        let shares = try shares(ending.text)
        #expect(shares.map(\.label) == ["boat", "sheep", "teddy bear"])
        for (count, share) in zip(counts.dropFirst(), shares) {
            #expect(abs(100 * Double(count) / Double(mask.indices.count) - share.percent) <= 0.0501)
        }
        let background = 100 * Double(counts[0]) / Double(mask.indices.count)
        #expect(abs(shares.reduce(background) { $0 + $1.percent } - 100) <= 0.16)
    }

    @Test func `the k-th label is index k, whatever the order`() throws {
        func mask(_ words: String...) throws -> IndexPicture {
            try IndexPicture(succeed([picture] + words + ["--recipe", "shared", "-o", "-"]).output)
        }
        let first = try mask("boat,sheep")
        let second = try mask("sheep", "boat")
        #expect(first.counts(labels: 2).allSatisfy { $0 > 0 })
        #expect(first.indices == second.indices.map { [0, 2, 1][Int($0)] })
        let alone = try mask("sheep")
        let other = try mask("boat")
        #expect(
            first.indices.indices.allSatisfy { pixel in
                first.indices[pixel] == 0
                    ? alone.indices[pixel] == 0 && other.indices[pixel] == 0
                    : [other, alone][Int(first.indices[pixel]) - 1].indices[pixel] == 1
            })
    }

    @Test func `all outputs go to the folder, named after picture and label`() throws {
        let folder = "\(place.path)/out"
        try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: false)
        let ending = try succeed([
            picture, "boat,sheep=sheep|lamb", "--overlay", "--heat", "--cut", "boat", "--json", "-o", folder,
        ])
        let names = [
            "pond.boat.cut.png", "pond.boat.heat.png", "pond.mask.png", "pond.overlay.png", "pond.sheep.heat.png",
        ]
        #expect(try FileManager.default.contentsOfDirectory(atPath: folder).sorted() == names)
        #expect(try place.names == ["out", "pond.jpg"])
        let messages = ending.errors.split(separator: "\n").map(String.init)
        #expect(Set(messages) == Set(names.map { "wrote \(folder)/\($0)" }))

        let image = try Image(decoding: bytes(picture))
        let mask = try IndexPicture(at: "\(folder)/pond.mask.png").indices
        let overlay = try Image(decoding: bytes("\(folder)/pond.overlay.png"))
        let cut = try Image(decoding: bytes("\(folder)/pond.boat.cut.png"))
        #expect(cut.alpha == mask.map { $0 == 1 ? 255 : 0 })
        for sample in image.pixels.indices {
            let index = Int(mask[sample / 3])
            let (pixel, tinted) = (Int(image.pixels[sample]), Int(overlay.pixels[sample]))
            let colour = Int(Palette.voc.colours[3 * index + sample % 3])
            if abs(2 * tinted - (index == 0 ? 2 * pixel : pixel + colour)) > 1 {
                Issue.record("sample \(sample) of the overlay is \(tinted)")
                break
            }
            if cut.pixels[sample] != (index == 1 ? image.pixels[sample] : 0) {
                Issue.record("sample \(sample) of the cut-out is \(cut.pixels[sample])")
                break
            }
        }
    }

    /// Nothing of the picture's edges is lost on the way.
    @Test(arguments: ["best", "shared", "diffsegmenter"])
    func `the heat map is the score map of the picture's size, from black to white`(recipe: String) throws {
        _ = try succeed([picture, "boat, sheep", "--heat", "--recipe", recipe])
        let request = SegmentRequest(
            picture: .image(try bytes(picture)), labels: [Label(name: "boat"), Label(name: "sheep")], recipe: recipe,
            maps: .sized, encoding: .u16)
        let maps = try daemon.client().scores(request).maps
        for (label, map) in zip(["boat", "sheep"], maps) {
            let heat = try Image(decoding: bytes("\(place.path)/pond.\(label).heat.png"))
            #expect(heat.width == Int(map.width) && heat.height == Int(map.height))
            let errors = try map.scores().enumerated().map { abs($1 * 255 - Float(heat.pixels[3 * $0])) }
            #expect(try #require(errors.max()) <= 0.51)
            #expect(heat.pixels.min() == 0 && heat.pixels.max() == 255)
        }
    }

    @Test func `phrases of a label are averaged`() throws {
        let file = try bytes(picture)
        func labels(_ labels: [Label]) -> SegmentRequest {
            SegmentRequest(picture: .image(file), labels: labels, encoding: .u16)
        }
        let client = try daemon.client()
        let several = try client.scores(
            labels([Label(name: "ship", phrases: [Phrase(words: "boat"), Phrase(words: "sailboat")])]))
        let single = try client.scores(labels([Label(name: "boat"), Label(name: "sailboat")])).maps
        let both = try #require(several.maps.first)
        let (one, other) = (try single[0].scores(), try single[1].scores())
        let error = both.maxAbsError + (single[0].maxAbsError + single[1].maxAbsError) / 2
        #expect(one != other)
        for (place, score) in try both.scores().enumerated() {
            #expect(abs(score - (one[place] + other[place]) / 2) <= error * 1.001)
        }
        var masked = labels([Label(name: "ship", phrases: [Phrase(words: "boat"), Phrase(words: "sailboat")])])
        (masked.maps, masked.mask) = (.none, true)
        let json = try succeed([picture, "ship = boat | sailboat", "--recipe", "shared", "--json"])
        #expect(try Record(json.output).answer == client.scores(masked).hash)
    }

    @Test func `a picture from a pipe gives a mask to a pipe, and the shares go to standard error`() throws {
        let named = try succeed([picture, "boat,sheep"])
        let piped = try succeed(["-", "boat,sheep"], input: bytes(picture))
        #expect(try IndexPicture(piped.output) == IndexPicture(at: "\(place.path)/pond.mask.png"))
        #expect(piped.errors == named.text)
        #expect(try place.names == ["pond.jpg", "pond.mask.png"])
        let explicit = try succeed(["-", "boat,sheep", "-o", "-"], input: bytes(picture))
        #expect(explicit.output == piped.output)
        let filed = try succeed(["-", "boat,sheep", "-o", place.path], input: bytes(picture))
        #expect(filed.errors == "wrote \(place.path)/stdin.mask.png\n")
        #expect(filed.text == named.text)
    }

    @Test func `at threshold 0 all is labelled, at 1 nothing is`() throws {
        let all = try IndexPicture(succeed([picture, "boat,sheep", "--threshold", "0", "-o", "-"]).output)
        #expect(all.counts(labels: 2)[0] * 100 < all.indices.count)
        let none = try succeed([picture, "boat,sheep", "--threshold", "1"])
        #expect(none.text == "boat 0.0 %\nsheep 0.0 %\n")
        #expect(try Set(IndexPicture(at: "\(place.path)/pond.mask.png").indices) == [0])
    }

    @Test func `seed, recipe and settings change the answer, and asking again does not`() throws {
        func answer(_ arguments: [String]) throws -> Record {
            try Record(succeed([picture, "boat,sheep", "--json", "--force"] + arguments).output)
        }
        let plain = try answer([])
        #expect(try answer(["--seed", "0", "--recipe", "best", "--set", "rounds=2"]) == plain)
        #expect(plain.recipe == "best" && plain.settings == nil)
        let seeded = try answer(["--seed", "4294967295"])
        #expect(seeded.seed == .max)
        let published = try answer(["--recipe", "diffsegmenter"])
        #expect(published.recipe == "diffsegmenter")
        let set = try answer(["--set", "rounds=0", "--set", "weights=.25,.50,.25", "--set", "colour=off"])
        #expect(set.settings == ["colour=off", "rounds=0", "weights=0.25,0.5,0.25"])
        #expect(Set([plain, seeded, published, set].map(\.answer)).count == 4)
        #expect(try answer([]) == plain)
    }

    @Test(arguments: 1...8)
    func `a photograph is upright whatever its EXIF says`(orientation: Int) throws {
        // All are stored alike; the last four orientations lie on their sides.
        let stored = try ImageSize(probing: bytes("\(Repository.fixtures)/images/exif-1.jpg"))
        let upright = orientation < 5 ? (stored.width, stored.height) : (stored.height, stored.width)
        let mask = try succeed(["\(Repository.fixtures)/images/exif-\(orientation).jpg", "boat", "-o", "-"])
        let size = try ImageSize(probing: mask.output)
        #expect((size.width, size.height) == upright)
    }

    @Test(arguments: [
        "grey.jpg", "cmyk.jpg", "ycck.jpg", "rgb-16.png", "grey-alpha-8.png", "palette-trns-4.png",
        "lossless-alpha.webp", "animated-corner.webp", "lossy.webp",
    ])
    func `every kind of picture is answered, and tinted and cut in colour`(name: String) throws {
        let path = "\(Repository.fixtures)/images/\(name)"
        let ending = try succeed([path, "boat", "--overlay", "--cut", "boat", "-o", place.path])
        let image = try Image(decoding: bytes(path))
        let stem = name.prefix { $0 != "." }
        for part in ["mask", "overlay", "boat.cut"] {
            let size = try ImageSize(probing: bytes("\(place.path)/\(stem).\(part).png"))
            #expect((size.width, size.height) == (image.width, image.height))
        }
        #expect(try shares(ending.text).map(\.label) == ["boat"])
    }

    @Test func `a picture that fits no frame is brought in pieces`() throws {
        let (width, height) = (1400, 1000)
        var state: UInt32 = 1
        let noise = (0..<width * height * 4).map { _ in
            state = state &* 1_664_525 &+ 1_013_904_223
            return UInt8(state >> 24)
        }
        let file = try PNGFile(width: width, height: height, .rgba(noise), texts: []).encoded()
        #expect(file.count > 5 << 20)
        try write(file, to: "\(place.path)/noise.png")
        let ending = try succeed(["\(place.path)/noise.png", "boat"])
        let mask = try bytes("\(place.path)/noise.mask.png")
        #expect(try ImageSize(probing: mask) == ImageSize(probing: file))
        let alone = try run([
            Repository.dseg, "mask", "\(place.path)/noise.png", "boat", "--no-daemon", "--force",
        ])
        #expect(alone.code == 0)
        #expect(alone.text == ending.text)
        #expect(try bytes("\(place.path)/noise.mask.png") == mask)
    }
}
