import FoundationEssentials
import Images
import RPC
import Support
import Testing

/// Figures by the real client, of a real daemon's demo model, against panels that Pillow and NumPy make of its answers.
@Suite struct FigureTests {
    private let daemon: Daemon
    private let place: TemporaryDirectory
    private static let picture = Repository.picture
    private static let words = ["boat", "sheep"]
    /// Pixels of the picture's sides.
    private static let side = 192

    init() throws {
        daemon = try Daemon()
        place = try TemporaryDirectory()
        try write(Palette.inferno.colours, to: "\(place.path)/colours")
    }

    /// What the page must show, see `Tests/Readers/figure.py`.
    private struct Panel: Encodable {
        var file: String?
        var heat: Bool?
        var map: String?
        var columns: Int?
        var rows: Int?
        let width: Int
        let height: Int

        static func picture(_ file: String, _ side: Int) -> Panel { Panel(file: file, width: side, height: side) }
        static func heat(_ file: String, _ side: Int) -> Panel {
            Panel(file: file, heat: true, width: side, height: side)
        }
    }

    /// What the reader saw.
    private struct Seen: Decodable {
        struct Text: Decodable {
            struct Answer: Decodable {
                struct Recipe: Decodable {
                    let name: String
                    let settings: [String]
                }
                let recipe: Recipe
                let hash: String
            }
            let figure: String
            let words: [String]
            let answers: [Answer]
        }
        let width: Int
        let height: Int
        let text: Text
    }

    private func figure(_ arguments: [String], shows panels: [Panel]) throws -> Seen {
        let file = "\(place.path)/page.png"
        let ending = try daemon.dseg(["figure"] + arguments + ["-o", file, "--force"])
        #expect(ending.code == 0, "\(ending.errors)")
        #expect(ending.output.isEmpty && ending.errors.hasSuffix("wrote \(file)\n"))
        let list = "\(place.path)/panels.json"
        try write(Array(JSONEncoder().encode(panels)), to: list)
        let text = try read(by: "figure.py", [file, list, "\(place.path)/colours"])
        return try JSONDecoder().decode(Seen.self, from: Data(text.utf8))
    }

    /// Files of `mask` for the same question, which the panels must show.
    private func masks(_ recipe: String, _ settings: [String] = [], of picture: String = picture) throws -> String {
        let folder = "\(place.path)/\(recipe)"
        try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
        let ending = try daemon.dseg(
            ["mask", picture] + Self.words + ["--recipe", recipe, "--overlay", "--heat", "--force", "-o", folder]
                + settings.flatMap { ["--set", $0] })
        #expect(ending.code == 0, "\(ending.errors)")
        return "\(folder)/scene_501_0037"
    }

    /// The maps that a probe gives of each label, as files.
    private func maps(_ probe: Probe, _ recipe: String, _ encoding: Encoding, side: Int) throws -> [[Panel]] {
        let client = try Client(answeringAt: [daemon.socket], silenceLimit: .seconds(60))
        var panels = Self.words.map { _ in [Panel]() }
        let request = SegmentRequest(
            picture: .image(try bytes(Self.picture)), labels: Self.words.map { Label(name: $0) }, recipe: recipe,
            maps: .none, encoding: encoding, mask: true, probes: [probe])
        try client.segment(request) { reply in
            guard case .probed(let probed) = reply else { return }
            let scores = try probed.map.scores()
            let label = Int(probed.map.label)
            let file = "\(place.path)/\(label).\(panels[label].count).f32"
            try write(
                scores.flatMap { score in [0, 8, 16, 24].map { UInt8(score.bitPattern >> $0 & 0xFF) } }, to: file)
            panels[label].append(
                Panel(
                    map: file, columns: Int(probed.map.width), rows: Int(probed.map.height), width: side, height: side))
        }
        return panels
    }

    @Test(arguments: [96, 192])
    func `layers shows the attention of each layer in its own cells`(side: Int) throws {
        let maps = try maps(.layers, "diffsegmenter", .f16, side: side)
        #expect(maps.allSatisfy { $0.count > 4 && Set($0.map(\.columns)).count > 2 }, "several resolutions")
        let seen = try figure(
            ["layers", Self.picture, "boat, sheep", "--panel", "\(side)"],
            shows: maps.flatMap { [.picture(Self.picture, side)] + $0 })
        #expect(seen.text.figure == "layers" && seen.text.words == ["boat, sheep"])
        #expect(seen.text.answers.map(\.recipe.name) == ["diffsegmenter"])
        #expect(seen.width > (maps[0].count + 1) * side && seen.height > 2 * side)
    }

    @Test func `stages shows the maps on the way, the scores and the mask`() throws {
        let files = try masks("best")
        let maps = try maps(.stages, "best", .u8, side: Self.side)
        let panels = zip(Self.words, maps).flatMap { word, maps in
            [.picture(Self.picture, Self.side)] + maps
                + [.heat("\(files).\(word).heat.png", Self.side), .picture("\(files).overlay.png", Self.side)]
        }
        _ = try figure(["stages", Self.picture] + Self.words + ["--recipe", "best", "--panel", "192"], shows: panels)
    }

    @Test(arguments: [192, 256, 100])
    func `recipes shows the masks of several recipes beside each other`(side: Int) throws {
        let overlays = try [("diffsegmenter", []), ("best", ["gamma=4", "rounds=1"])].map { recipe, settings in
            Panel.picture("\(try masks(recipe, settings)).overlay.png", side)
        }
        let seen = try figure(
            ["recipes", Self.picture, Self.picture] + Self.words
                + ["--recipe", "diffsegmenter", "--recipe", "best,gamma=4,rounds=1", "--panel", "\(side)"],
            shows: [.picture(Self.picture, side)] + overlays + [.picture(Self.picture, side)] + overlays)
        #expect(seen.text.answers.map(\.recipe.name) == ["diffsegmenter", "best", "diffsegmenter", "best"])
        #expect(seen.text.answers[1].recipe.settings.sorted() == ["gamma=4", "rounds=1"])
        #expect(seen.text.answers[0].hash == seen.text.answers[2].hash)
    }

    @Test func `clip shows CLIP's scores as they are, and a recipe's`() throws {
        let seeds = try masks("cliper", ["rounds=0"])
        let ours = try masks("best")
        let panels = [seeds, ours].flatMap { files in
            [Panel.picture(Self.picture, 128)] + Self.words.map { .heat("\(files).\($0).heat.png", 128) }
                + [.picture("\(files).overlay.png", 128)]
        }
        let seen = try figure(["clip", Self.picture] + Self.words + ["--panel", "128"], shows: panels)
        #expect(seen.text.answers.map(\.recipe.name) == ["cliper:voc", "best"])
        #expect(seen.text.answers[0].recipe.settings == ["rounds=0"])
    }

    @Test(arguments: ["layers", "stages", "recipes", "clip"])
    func `a figure is drawn again, bit for bit, also where it was moved with its picture`(kind: String) throws {
        let folder = try TemporaryDirectory()
        try copy(Self.picture, to: "\(place.path)/rex.jpg")
        let ending = try daemon.dseg(["figure", kind, "\(place.path)/rex.jpg", "boat, sheep", "--panel", "64"])
        #expect(ending.code == 0, "\(ending.errors)")
        let whole = try bytes("\(place.path)/rex.\(kind).figure.png")
        try FileManager.default.removeItem(atPath: "\(place.path)/rex.jpg")
        try copy(Self.picture, to: "\(folder.path)/rex.jpg")
        let moved = "\(folder.path)/fig.png"
        // The file's pixels are lost; what is behind them tells how it was made.
        try write(whole, to: moved)
        let again = try daemon.dseg(["redo", moved])
        #expect(again.code == 0 && again.errors == "wrote \(moved)\n", "\(again.errors)")
        #expect(try bytes(moved) == whole)

        try copy(Repository.scenePath(1), to: "\(place.path)/rex.jpg")
        let other = try daemon.dseg(["redo", moved])
        #expect(other.code == 65 && other.errors.contains("is not the picture it was"), "\(other.errors)")
        #expect(try bytes(moved) == whole)
    }

    @Test func `standard output takes the page, and nothing else`() throws {
        let piped = try daemon.dseg(
            ["figure", "recipes", "-"] + Self.words + ["--panel", "32"], input: bytes(Self.picture))
        #expect(piped.code == 0 && piped.errors == "", "\(piped.errors)")
        #expect(try Image(decoding: piped.output).width > 4 * 32)
        let asked = try daemon.dseg(
            ["figure", "recipes", Self.picture] + Self.words + ["--panel", "32", "-o", "-"])
        #expect(try Image(decoding: asked.output).pixels.count == Image(decoding: piped.output).pixels.count)
    }

    @Test func `what cannot be drawn is refused in a sentence, and nothing is written`() throws {
        func refused(_ arguments: [String], _ code: CInt, _ part: String) throws {
            let ending = try daemon.dseg(["figure"] + arguments + ["-o", "\(place.path)/"])
            #expect(ending.code == code && ending.errors.contains(part), "\(arguments): \(ending.errors)")
            #expect(ending.output.isEmpty)
        }
        let picture = Self.picture
        try refused(["moods", picture, "boat"], 64, "moods")
        try refused(["layers", picture, "boat", "--panel", "9"], 64, "32 to 1024")
        try refused(["layers", picture], 64, "labels that are typed")
        try refused(["clip", picture, "@demo"], 64, "labels that are typed")
        try refused(["layers", picture, picture, "boat"], 64, "dseg figure recipes")
        try refused(["stages", picture, "boat", "--recipe", "best", "--recipe", "shared"], 64, "dseg figure recipes")
        try refused(["recipes", picture, "boat", "--recipe", "best,4"], 64, "best,4")
        try refused(["recipes", picture, "boat", "--recipe", "nobody"], 64, "nobody")
        try refused(["recipes", picture, "boat", "--recipe", "best,gamma=-1"], 64, "gamma")
        try refused(["layers", picture, "boat", "--recipe", "cliper"], 64, "cliper")
        try refused(["layers", "\(place.path)/none.png", "boat"], 66, "none.png")
        try refused(["layers", "\(Repository.root)/Package.swift", "boat"], 65, "PNG")
        let many = (1...60).map { "word\($0)" }.joined(separator: ",")
        try refused(["clip", picture, many, "--panel", "1024"], 64, "smaller --panel")
        #expect(try place.names.filter { $0.hasSuffix(".png") }.isEmpty)

        let file = "\(place.path)/mine.png"
        try write([1, 2, 3], to: file)
        let ending = try daemon.dseg(["figure", "recipes", picture, "boat", "-o", file])
        #expect(ending.code == 73 && ending.errors.contains("--force"))
        #expect(try bytes(file) == [1, 2, 3])
    }

    @Test func `words of any script are drawn`() throws {
        let words = [
            "犬", "\u{1F431}", "кошка", "e\u{301}t\u{E9}", "\u{5D0}\u{5D1}", String(repeating: "long ", count: 6),
        ]
        let ending = try daemon.dseg(
            ["figure", "clip", Self.picture] + words + ["--panel", "32", "-o", "\(place.path)/x.png"])
        #expect(ending.code == 0, "\(ending.errors)")
        #expect(try Image(decoding: bytes("\(place.path)/x.png")).width > 7 * 32)
    }
}
