import Images
import RPC
import Testing

@testable import Results

@Suite struct FigureTests {
    @Test func `numbers have two digits`() {
        let numbers: [(Float, String)] = [
            (0, "0"), (1, "1"), (0.0314, "0.031"), (0.999, "1"), (12.34, "12"), (-0.5, "-0.5"), (0.00042, "0.00042"),
            (1234, "1200"), (0.25, "0.25"),
        ]
        for (number, text) in numbers { #expect(Figure.Panel.number(number) == text) }
        #expect(Figure.Panel.range(0...0.031) == "0 ... 0.031")
        #expect(Figure.Panel.range(3.8e-9...0.5) == "0 ... 0.5" && Figure.Panel.range(-0.001...0.5) == "-0.001 ... 0.5")
        #expect(Figure.Panel.range(0.5...0.5) == "0.5 ... 0.5" && Figure.Panel.range(0...0) == "0 ... 0")
        for exponent in -30...30 {
            let text = Figure.Panel.number(Float(sign: .plus, exponent: exponent, significand: 1.37))
            let value = Float(sign: .plus, exponent: exponent, significand: 1.37)
            #expect(Float(text).map { abs($0 - value) <= 0.051 * value } ?? false, "\(text)")
        }
    }

    @Test func `layers are written as people do`() {
        #expect(Figure.Panel.layer("down_blocks.0.attentions.1") == "down 0.1")
        #expect(Figure.Panel.layer("up_blocks.3.attentions.2") == "up 3.2")
        #expect(Figure.Panel.layer("mid_block.attentions.0") == "middle")
        #expect(Figure.Panel.layer("cross-attention 8 x 8") == "cross-attention 8 x 8")
        #expect(Figure.Panel.layer("\u{1B}[31m") == "\u{FFFD}[31m")
    }

    @Test func `a recipe is a name and settings, whose values may have commas`() throws {
        let recipe = try WrittenRecipe("best,weights=0.1,0.2,0.7,gamma=4")
        #expect(recipe.name == "best" && recipe.settings == ["weights=0.1,0.2,0.7", "gamma=4"])
        #expect(try WrittenRecipe("shared").settings.isEmpty)
        for text in ["", ",a=b", "gamma=4", "best,4", "best,"] {
            #expect(throws: FigureError.recipe(text)) { _ = try WrittenRecipe(text) }
        }
    }

    private func plan(
        _ kind: FigureKind, _ pictures: [String] = ["a.png"], words: [String] = ["dog", "grass"],
        recipes: [String] = []
    ) throws -> FigurePlan {
        try FigurePlan(
            kind, pictures: pictures, words: try WordList(words), recipes: recipes.map { try WrittenRecipe($0) },
            panel: 64, seed: 7, threshold: nil)
    }

    @Test func `what a kind does not show is refused`() throws {
        for kind in FigureKind.allCases where kind != .recipes {
            #expect(throws: FigureError.severalPictures(kind, 2)) { _ = try plan(kind, ["a.png", "b.png"]) }
            #expect(throws: FigureError.severalRecipes(kind, 2)) { _ = try plan(kind, recipes: ["best", "shared"]) }
        }
        for kind in FigureKind.allCases {
            #expect(throws: FigureError.noLabels) { _ = try plan(kind, words: []) }
            #expect(throws: FigureError.noLabels) { _ = try plan(kind, words: ["@demo"]) }
        }
        #expect(try plan(.recipes, ["a.png", "b.png"], recipes: ["best", "best,gamma=2"]).recipes.count == 2)
        for error in [
            FigureError.recipe("x"), .severalPictures(.layers, 2), .severalRecipes(.clip, 3), .noLabels,
            .nothingToShow(.stages, recipe: "x"), .tooLarge(width: 9, height: 9),
        ] {
            #expect(ExitReason(error, picture: nil) == .usage)
            #expect(error.description.contains("type"), "says what to do")
        }
    }

    @Test func `each kind asks for what it shows`() throws {
        let requests = try FigureKind.allCases.map { kind in
            let plan = try plan(kind)
            return plan.recipes.map { plan.request([1], $0) }
        }
        #expect(
            requests.map { $0.map(\.recipe) } == [
                ["diffsegmenter"], ["diffsegmenter"], ["diffsegmenter", "shared", "best"], ["cliper", "best"],
            ])
        #expect(requests.map { $0[0].probes } == [[.layers], [.stages], [], []])
        #expect(requests.map { $0[0].maps } == [.latent, .sized, .latent, .sized])
        #expect(requests[3].map(\.settings) == [["rounds=0"], []])
        #expect(requests.joined().allSatisfy { $0.mask && $0.seed == 7 && $0.labels.map(\.name) == ["dog", "grass"] })
    }

    @Test func `a figure is named after its picture, unless it is named otherwise`() throws {
        func place(_ output: String?, _ picture: String = "photos/rex.jpg", terminal: Bool = false) throws
            -> FigurePlace
        {
            try FigurePlace(output, of: .clip, pictures: [picture], standardOutputIsTerminal: terminal)
        }
        #expect(try place(nil) == .file("photos/rex.clip.figure.png"))
        #expect(try place("x/y.png") == .file("x/y.png"))
        #expect(try place("new/") == .file("new/rex.clip.figure.png"))
        #expect(try place("/") == .file("/rex.clip.figure.png"))
        #expect(try place("-") == .standardOutput)
        #expect(try place("-", terminal: true) == .standardOutput)
        #expect(try place(nil, "/dev/null") == .standardOutput)
        #expect(try place("x.png", "/dev/null") == .file("x.png"))
        #expect(throws: PlanError.bytesForTerminal) { _ = try place(nil, "/dev/null", terminal: true) }
        #expect(throws: PlanError.picturesPlace("/proc/self/exe", picture: "/proc/self/exe")) {
            _ = try place("/proc/self/exe", "/proc/self/exe")
        }
    }

    // MARK: Provenance

    private func record(_ plan: FigurePlan, hash: String = "feed") throws -> FigureRecord {
        let example = try Example()
        let request = try example.plan().request(.image(example.picture), requestID: "1")
        let told = FigureRecord.Answer(
            try example.answer(to: request, trailer: example.trailer(answerHash: hash)), path: "photos/rex.png",
            size: try ImageSize(probing: example.picture))
        return FigureRecord(of: plan, plan.recipes.map { _ in told })
    }

    private func file(_ text: String) throws -> [UInt8] {
        try PNGFile(
            width: 1, height: 1, .grey([0]), texts: [PNGFile.Text(key: Provenance.key, value: text)]
        ).encoded()
    }

    @Test(arguments: FigureKind.allCases)
    func `a figure's record is read back, and asks the same`(kind: FigureKind) throws {
        let plan = try plan(kind, words: ["dog=dog|puppy", "grass"], recipes: kind == .clip ? ["shared"] : [])
        let record = try record(plan)
        let read = try #require(try FigureRecord(reading: file(record.json)))
        #expect(read == record)
        let again = try read.plan()
        #expect(again.pictures == ["photos/rex.png"])
        #expect(again.recipes == plan.recipes && again.words == plan.words && again.panel == 64)
        let (one, other) = (plan.request([1], plan.recipes[0]), again.request([1], again.recipes[0]))
        #expect(try one.encoded() == other.encoded())
    }

    @Test func `other files have no figure's record, and damaged ones are refused`() throws {
        #expect(try FigureRecord(reading: Array("{}".utf8)) == nil)
        #expect(try FigureRecord(reading: file("{\"schema\":1}")) == nil)
        #expect(try FigureRecord(reading: Example().drawing().bytes(of: .mask)) == nil)
        let json = try record(plan(.clip)).json
        #expect(throws: ProvenanceError.otherSchema(2)) {
            _ = try FigureRecord(reading: file(json.replacing("\"figure_schema\":1", with: "\"figure_schema\":2")))
        }
        #expect(throws: ProvenanceError.self) {
            _ = try FigureRecord(reading: file(json.replacing("\"clip\"", with: "\"no kind\"")))
        }
        // CLIP's, three more recipes, and two answers.
        let recipes = json.replacing("\"recipes\":[\"best\"]", with: "\"recipes\":[\"best\",\"shared\",\"best\"]")
        let odd = try #require(try FigureRecord(reading: file(recipes)))
        #expect(throws: ProvenanceError.self) { _ = try odd.plan() }
        for (old, new) in [
            ("\"panel\":64", "\"panel\":5000000"), ("\"dog\"", "\"@coco\""), ("\"words\":[", "\"words\":[\"\","),
        ] {
            let bad = try #require(try FigureRecord(reading: file(json.replacing(old, with: new))))
            #expect(throws: (any Error).self, "\(new)") { _ = try bad.plan() }
        }
    }

    @Test func `another picture or answer is told apart`() throws {
        let plan = try plan(.layers)
        let (old, new) = (try record(plan).answers[0], try record(plan, hash: "f00d").answers[0])
        #expect(try old.differences(from: old).isEmpty)
        #expect(throws: ProvenanceError.otherAnswer(was: "feed", is: "f00d", differences: [])) {
            _ = try old.differences(from: new)
        }
    }
}
