import Images
import Networks
import Segmentation
import Support
import Testing

/// A model, a picture and labels, whose maps diffusers and `best_numpy.py` made (`Fixtures/best/make_best.py`).
struct BestGolden: Sendable, CustomTestStringConvertible {
    let name: String
    let model: String
    let picture: String
    let labels: [String]

    var testDescription: String { name }

    static let all = [
        BestGolden(
            name: "tiny", model: Fixture.tiny, picture: Fixture.picture, labels: ["dog", "teddy bear", "grass"]),
        BestGolden(
            name: "tiny-odd", model: Fixture.odd, picture: "Tests/Fixtures/tiny-odd/golden/image.png",
            labels: ["dog", "teddy bear", "grass"]),
        BestGolden(
            name: "demo", model: Fixture.demo, picture: "Tests/Fixtures/scenes/JPEGImages/scene_501_0037.jpg",
            labels: ["boat", "sheep"]),
    ]

    func tensors() throws -> TensorFile {
        try TensorFile(path: "\(Repository.root)/Tests/Fixtures/best/\(name).safetensors")
    }

    func question(_ settings: [String], _ maps: MapRequest = .latent) throws -> RequestBuilder {
        try RequestBuilder(file: picture)
            .with(\.labels, labels.map { Label(name: $0, phrases: []) })
            .with(\.recipe, Recipe(named: "best", settings: settings + ["grid=square"]))
            .with(\.maps, maps).with(\.wantsMask, true)
    }
}

@Suite struct `the recipe best` {
    /// The greatest difference between maps, scaled from 0 to 1 each, and the reference's.
    ///
    /// - Parameter ofLargest: in units of the maps' largest values instead: a map that is smoothed by diffuse
    ///   self-attention spans a hundredth of them, and so does the precision of 16 bits
    private func distance(
        _ found: [LabelScores], scaledTo expected: [Float], ofLargest: Bool = false
    ) throws -> Float {
        let pixels = found[0].scores.count
        try #require(found.count * pixels == expected.count)
        return found.enumerated().reduce(0) { most, map in
            let scores = map.element.scores
            let (least, largest) = (scores.min() ?? 0, scores.max() ?? 0)
            let unit = ofLargest ? largest : largest - least
            return scores.indices.reduce(most) { most, place in
                let wanted = least + expected[map.offset * pixels + place] * (largest - least)
                return max(most, (scores[place] - wanted).magnitude / unit)
            }
        }
    }

    @Test(arguments: BestGolden.all) func `makes the maps of its definition`(golden: BestGolden) throws {
        let tensors = try golden.tensors()
        let segmenter = try Fixture.segmenter(golden.model)
        let weights = golden.name == "tiny" ? "0.3,0.4,0.2,0.1" : "0.3,0.5,0.2"
        for (name, settings) in [
            ("seed", ["rounds=0", "gamma=off"]), ("completed", ["gamma=off"]), ("rounds1", ["rounds=1", "gamma=off"]),
            ("other_weights", ["weights=\(weights)", "gamma=off"]), ("shared", []),
            ("joint_seed", ["rounds=0", "gamma=off", "softmax=joint"]),
            ("joint_completed", ["gamma=off", "softmax=joint"]), ("joint_shared", ["softmax=joint"]),
        ] {
            let found = try segmenter.ask(golden.question(settings)).scores
            let error = try distance(found, scaledTo: tensors.values(of: name))
            #expect(error <= 1e-4, "\(name): \(error)")
        }
        let sharp = try segmenter.ask(golden.question(["gamma=8"])).scores
        let error = try distance(sharp, scaledTo: tensors.values(of: "shared_gamma8"))
        #expect(error <= 9e-4, "m · m⁸ has nine times the errors of m: \(error)")
        let plain = try segmenter.ask(golden.question(["colour=off", "gamma=off"])).scores
        let plainError = try distance(plain, scaledTo: tensors.values(of: "colour_off"), ofLargest: true)
        #expect(plainError <= 1e-4, "without colours: \(plainError)")
    }

    @Test(arguments: BestGolden.all) func `sees the colours of its definition`(golden: BestGolden) throws {
        let expected = try golden.tensors().values(of: "colours")
        let side = Int(Double(expected.count / 3).squareRoot())
        let found = try Image(decoding: Fixture.bytes(golden.picture)).guide.averaged(width: side, height: side)
        try #require(found.count == expected.count)
        #expect(zip(found, expected).allSatisfy { ($0 - $1).magnitude <= 1e-6 })
    }

    @Test(arguments: BestGolden.all) func `makes the masks of its definition`(golden: BestGolden) throws {
        let tensors = try golden.tensors()
        let segmenter = try Fixture.segmenter(golden.model)
        let answer = try segmenter.ask(golden.question([], .picture))
        let error = try distance(answer.scores, scaledTo: tensors.values(of: "sized"))
        #expect(error <= 1e-4, "sized: \(error)")
        let joint = try segmenter.ask(golden.question(["softmax=joint"], .picture))
        let jointError = try distance(joint.scores, scaledTo: tensors.values(of: "joint_sized"))
        #expect(jointError <= 1e-4, "sized, with one softmax: \(jointError)")
        let plain = try segmenter.ask(golden.question(["edges=off"], .picture))
        let plainError = try distance(plain.scores, scaledTo: tensors.values(of: "edges_off"))
        #expect(plainError <= 1e-4, "without edges: \(plainError)")
        let (expected, isSure) = (try tensors.bytes(of: "index"), try tensors.bytes(of: "index_sure"))
        let indices = try #require(answer.mask?.indices)
        try #require(indices.count == expected.count && isSure.contains(1))
        #expect(indices.indices.allSatisfy { isSure[$0] == 0 || indices[$0] == expected[$0] })
    }
}
