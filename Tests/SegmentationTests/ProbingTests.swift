import Kernels
import Limits
import Networks
import Testing
import Texts

@testable import Segmentation

/// Looks into the computation of an answer.
@Suite struct `a probe` {
    private let words = ["dog", "teddy bear", "grass"]

    private func question(_ recipe: String, _ settings: [String] = [], _ probes: Probe...) throws -> RequestBuilder {
        try RequestBuilder()
            .with(\.labels, words.map { Label(name: $0, phrases: []) })
            .with(\.recipe, Recipe(named: recipe, settings: settings)).with(\.probes, probes)
    }

    private func bits(_ map: [Float]) -> [UInt32] { map.map(\.bitPattern) }

    @Test(arguments: Recipe.all.map(\.name))
    func `of the stages ends with the map that is streamed`(name: String) throws {
        let segmenter = try Fixture.segmenter(Fixture.tiny)
        let settings = try Recipe(named: name).presence == nil ? [] : ["presence=off"]
        let plain = try segmenter.ask(question(name, settings))
        let probed = try segmenter.ask(question(name, settings, .stages))
        #expect(probed.bits == plain.bits)
        #expect(probed.report.answerHash == plain.report.answerHash)
        #expect(plain.probed.isEmpty)
        for label in words.indices {
            let last = try #require(probed.probed.last { $0.label == label })
            #expect(bits(last.scores) == bits(plain.scores[label].scores), "\(last.name)")
            #expect((last.width, last.height) == (plain.scores[label].width, plain.scores[label].height))
        }
        let first = try segmenter.ask(question(name, settings, .stages))
        let fresh = try Fixture.segmenter(Fixture.tiny).ask(question(name, settings, .stages))
        #expect(first.probed.map { bits($0.scores) } == fresh.probed.map { bits($0.scores) })
    }

    /// DiffSegmenter's fusion: Σ w minmax(up(mean over a resolution's layers)).
    @Test(arguments: ["diffsegmenter", "shared", "best"])
    func `of layers and stages shows what is fused`(name: String) throws {
        let segmenter = try Fixture.segmenter(Fixture.tiny)
        let question = try question(name, [], .layers, .stages)
        let reply = try segmenter.ask(question)
        let grid = reply.header.grid
        let fusion = try AttentionFusion(segmenter.model.unet, recipe: question.recipe, Layout(grid))
        let weights = try #require(
            question.recipe.aggregation.weights.first { weights in
                weights.filter { $0 != 0 }.count == fusion.cross.levels.count
            })
        for label in words.indices {
            let maps = reply.probed.filter { $0.label == label }
            let layers = maps.filter { $0.probe == 0 }
            #expect(layers.count == fusion.cross.layers.count)
            #expect(Set(layers.map(\.name)).count == layers.count)
            #expect(layers.allSatisfy { $0.name.contains("block") && $0.name.contains(".attentions.") })
            var sum = [Float](repeating: 0, count: grid.pixels)
            for (level, weight) in zip(fusion.cross.levels, weights.filter { $0 != 0 }) {
                let here = grid.level(level)
                let stage = try #require(
                    maps.first { $0.name == "cross-attention \(here.width) x \(here.height)" }?.scores)
                let own = layers.filter { $0.width == here.width && $0.height == here.height }
                #expect(own.count == fusion.cross.layers(at: level).count)
                var mean = [Float](repeating: 0, count: here.pixels)
                for layer in own { ScoreKernels.add(layer.scores, times: 1 / Float(own.count), to: &mean) }
                #expect(Difference.relativeError(mean, to: stage) <= 1e-5)
                var resized = CrossAttention.resized(stage, from: here, to: grid)
                ScoreKernels.minMax(&resized)
                ScoreKernels.add(resized, times: weight, to: &sum)
            }
            let fused = try #require(maps.first { $0.name == "fused" }?.scores)
            #expect(Difference.relativeError(fused, to: sum) <= 1e-5)
        }
        #expect(reply.probed.map(\.probe) == reply.probed.map(\.probe).sorted())
    }

    /// A map that is 1 in a cell becomes, completed, the column of that cell: how much each looks at it.
    @Test(arguments: ["shared", "best", "iseg:voc"])
    func `of a pixel is its row of the affinity`(name: String) throws {
        let segmenter = try Fixture.segmenter(Fixture.tiny)
        let question = try question(name, [], .attention(x: 189, y: 149), .attention(x: 0, y: 0))
        let reply = try segmenter.ask(question)
        #expect(reply.probed.map(\.name) == ["self-attention", "self-attention"])
        #expect(reply.probed.map(\.label) == [0, 0])
        let fusion = try AttentionFusion(
            segmenter.model.unet, recipe: question.recipe, Layout(reply.header.grid))
        let grid = reply.header.grid.level(fusion.captured.level)
        let phrase = reply.header.labels[0].phrases[0]
        let prompt = try question.request().fixedPrompt.map { ReadPrompt($0) }
        let key = FeatureKey(
            model: segmenter.model.key, picture: ExactString(reply.header.picture.handle), seed: 0,
            timestep: reply.header.timestep, prompt: prompt ?? ReadPrompt(phrase.prompt, weights: phrase.weights),
            captured: fusion.captured, layout: Layout(reply.header.grid), resampling: question.recipe.resampling)
        let known = segmenter.workspace.features.value(for: key.passes[0], of: 1)
        let features = try #require(known)
        var arena = try segmenter.model.scratch()
        for (map, cell) in zip(reply.probed, [grid.pixels - 1, 0]) {
            #expect((map.width, map.height) == (grid.width, grid.height))
            #expect(abs(map.scores.reduce(0, +) - 1) < 2e-3)
            for other in [0, 7, grid.pixels / 2, grid.pixels - 1] {
                var one = [Float](repeating: 0, count: grid.pixels)
                one[other] = 1
                let column = try features.affinity.completing([one], cancellation: .never, &arena)[0]
                #expect(abs(column[cell] - map.scores[other]) <= 1e-6)
            }
        }
    }

    @Test func `of a pixel reads the tile in whose middle it lies`() throws {
        let segmenter = try Fixture.segmenter(Fixture.tiny)
        let reply = try segmenter.ask(
            question("shared", ["detail=3"], .attention(x: 0, y: 0), .attention(x: 189, y: 149)))
        let grid = reply.header.grid
        for (map, isFirst) in zip(reply.probed, [true, false]) {
            #expect(map.scores.count == map.width * map.height)
            #expect(abs(map.scores.reduce(0, +) - 1) < 2e-3)
            // A tile is a third of each side, and half a third more.
            let cells = map.scores.indices.filter { map.scores[$0] > 0 }
            let (rows, columns) = (cells.map { $0 / map.width }, cells.map { $0 % map.width })
            let most = try (#require(rows.max()), #require(columns.max()))
            let least = try (#require(rows.min()), #require(columns.min()))
            #expect(isFirst ? least == (0, 0) : most == (map.height - 1, map.width - 1))
            #expect(most.0 - least.0 < map.height / 2 && most.1 - least.1 < map.width / 2)
        }
        #expect(grid.pixels > segmenter.model.latentSizes.trained.pixels)
    }

    @Test func `is refused where there is nothing to show, and says why`() throws {
        let segmenter = try Fixture.segmenter(Fixture.tiny)
        func refusal(_ question: RequestBuilder) throws -> String {
            let error = #expect(throws: SegmentationError.self) { try segmenter.ask(question) }
            return "\(try #require(error))"
        }
        #expect(
            try refusal(question("shared", [], .attention(x: 190, y: 0)))
                == "no pixel (190, 0) in a picture of 190 x 150: x is 0...189, y 0...149")
        #expect(
            try refusal(question("cliper:voc", [], .layers))
                == "recipe cliper:voc has no cross-attention to show: probe another recipe")
        #expect(
            try refusal(question("cliper:voc", [], .attention(x: 0, y: 0)))
                == "recipe cliper:voc has no one affinity of all heads to show: probe another recipe")
        let many = try question("shared", [], .stages).with(
            \.labels, (0...Limit.probedLabels).map { Label(name: "thing \($0)", phrases: []) })
        #expect(try refusal(many) == "17 labels to probe, the limit is \(Limit.probedLabels): ask in parts")
        #expect(throws: SegmentationError.self) {
            try question("shared").with(\.probes, [Probe](repeating: .layers, count: 17)).request()
        }
    }
}
