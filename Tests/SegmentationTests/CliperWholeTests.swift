import Images
import Kernels
import Networks
import Testing
import Texts

@testable import Segmentation

/// CLIPer whole: CLIP's seeds, completed by single heads of the U-Net's self-attention.
@Suite struct `CLIPer's maps` {
    static let names = Recipe.all.filter { $0.dense != nil }.map(\.name)

    private func question(_ words: [String], _ recipe: String, _ settings: [String] = []) throws -> RequestBuilder {
        try RequestBuilder()
            .with(\.labels, words.map { Label(name: $0, phrases: []) })
            .with(\.recipe, Recipe(named: recipe, settings: settings))
    }

    private let words = ["dog", "teddy bear", "grass"]

    /// Of the seeds that are held to CLIPer's: bilinear to the latent's grid, one head after the other, and a
    /// largest value that is the mean of the seed's on CLIP's grid and the completed one.
    @Test(arguments: ["cliper:coco", "cliper-b16:voc"], Precision.allCases)
    func `are seeds, completed and scaled`(name: String, precision: Precision) throws {
        let segmenter = try Fixture.segmenter(Fixture.tiny, precision)
        let question = try question(words, name, ["presence=off"])
        let reply = try segmenter.ask(question)
        let rule = try #require(question.recipe.dense)
        let filter = try #require(segmenter.filter)
        let picture = try Image(decoding: Fixture.bytes(Fixture.picture))
        let classes = words.map { [$0] }
        var arena = try Arena(
            reserving: MemoryEstimate.addressSpace(
                filter.seedingBytes(rule, picture.size, classes: 3) + Double(segmenter.model.scratchBytes)))
        let seeds = try filter.seeds(
            of: picture.pixels(as: filter.reading(by: rule), .never), classes: classes, by: rule, for: 1,
            cancellation: .never, &arena)
        let layout = Layout(segmenter.model.latentSizes.trained)
        let fusion = try AttentionFusion(segmenter.model.unet, recipe: question.recipe, layout)
        let key = FeatureKey(
            model: segmenter.model.key, picture: ExactString(reply.header.picture.handle), seed: 0,
            timestep: 101, prompt: ReadPrompt(""), captured: fusion.captured, layout: layout,
            resampling: .nearest)
        let known = segmenter.workspace.features.value(for: key.passes[0], of: 1)
        let features = try #require(known)
        let resized = seeds.maps.map { CrossAttention.resized($0, from: seeds.grid, to: layout.grid) }
        guard case .heads(let heads, let cut) = features.affinity else { throw SegmentationError.noLabels }
        let completed = try #require(
            heads.completing(
                resized, threshold: cut.threshold, combination: cut.combination, while: { true }, &arena))
        #expect(fusion.captured.queries.isEmpty)
        for (label, map) in completed.enumerated() {
            let top = try #require(map.max())
            let score = (top + (seeds.maps[label].max() ?? 0)) / 2
            let expected = map.map { $0 / top * score }
            #expect(Difference.relativeError(reply.scores[label].scores, to: expected) <= 1e-5)
        }
    }

    @Test(arguments: names)
    func `depend on the labels beside them, and not on their order`(name: String) throws {
        let segmenter = try Fixture.segmenter(Fixture.tiny)
        let all = try segmenter.ask(question(words, name, ["presence=off"]))
        #expect(all.header.filter?.hash == segmenter.filter?.clip.hash && all.report.passes == 1)
        let turned = try segmenter.ask(question(words.reversed(), name, ["presence=off"]))
        #expect(turned.bits == all.bits && turned.report.passes == 0)
        let two = try segmenter.ask(question(Array(words.prefix(2)), name, ["presence=off"]))
        #expect(two.bits["dog"] != all.bits["dog"])
        #expect(
            try Fixture.segmenter(Fixture.tiny).ask(question(Array(words.prefix(2)), name, ["presence=off"])).bits
                == two.bits)
    }

    @Test func `need a filter, and no prompts or weights`() throws {
        let segmenter = try Fixture.segmenter(Fixture.tiny)
        for phrase in [
            Phrase(words: "dog", prompt: "a dog on a road"), Phrase(words: "dog", prompt: nil, weight: 1.2),
        ] {
            let asked = try question([], "cliper:voc").with(\.labels, [Label(name: "dog", phrases: [phrase])])
            let error = try #require(throws: SegmentationError.self) { try segmenter.ask(asked) }
            #expect("\(error)".contains("without prompts"), "\(error)")
        }
        let template = Phrase(words: "dog", prompt: "a photograph of dog")
        let same = try question([], "cliper:voc").with(\.labels, [Label(name: "dog", phrases: [template])])
        #expect(try segmenter.ask(same).bits == segmenter.ask(question(["dog"], "cliper:voc")).bits)
        let bare = try Segmenter(
            Pipeline(model: Fixture.model(Fixture.tiny), captioner: nil, filter: nil),
            workspace: Workspace(limits: .standard))
        let error = try #require(throws: SegmentationError.self) { try bare.ask(question(words, "cliper:voc")) }
        guard case .noFilter = error else { throw error }
    }
}
