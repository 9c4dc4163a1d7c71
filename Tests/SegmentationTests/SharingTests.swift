import Images
import Kernels
import Networks
import Testing

@testable import Segmentation

/// `best` and its kind: labels that share pixels, an affinity weighed by colour, maps that follow the picture's edges.
@Suite struct `labels that share pixels` {
    private func question(_ words: [String], _ settings: [String] = []) throws -> RequestBuilder {
        try RequestBuilder()
            .with(\.labels, words.map { Label(name: $0, phrases: []) })
            .with(\.recipe, Recipe(named: "best", settings: settings))
    }

    private func minMaxed(_ map: [Float]) -> [Float] {
        var map = map
        ScoreKernels.minMax(&map)
        return map
    }

    @Test func `have maps that depend on one another and on their sharpness, each from 0 to 1`() throws {
        let segmenter = try Fixture.segmenter(Fixture.demo)
        let two = try segmenter.ask(question(["boat", "sheep"]))
        let three = try segmenter.ask(question(["boat", "sheep", "dog"]))
        let sharp = try segmenter.ask(question(["boat", "sheep"], ["gamma=8"]))
        for answer in [two, three, sharp] {
            for map in answer.scores { #expect((map.scores.min(), map.scores.max()) == (0, 1)) }
        }
        #expect(three.bits["boat"] != two.bits["boat"] && sharp.bits["boat"] != two.bits["boat"])
        let alone = try segmenter.ask(question(["boat"]))
        let free = try segmenter.ask(question(["boat", "sheep"], ["gamma=off"]))
        let expected = minMaxed(free.scores[0].scores)
        #expect(zip(alone.scores[0].scores, expected).allSatisfy { ($0 - $1).magnitude < 1e-6 })
    }

    @Test func `have the maps and the mask of their definition, whatever the number of their ways to be said`() throws {
        let segmenter = try Fixture.segmenter(Fixture.demo)
        let free = try segmenter.ask(question(["boat", "ship", "sheep"], ["gamma=off"])).scores.map(\.scores)
        let labels = [
            Label(name: "boat", phrases: ["boat", "ship"].map { Phrase(words: $0, prompt: nil) }),
            Label(name: "sheep", phrases: []),
        ]
        let found = try segmenter.ask(question([], ["gamma=3"]).with(\.labels, labels)).scores.map(\.scores)
        let maps = [zip(free[0], free[1]).map { ($0 + $1) / 2 }, free[2]].map { minMaxed($0).map(Double.init) }
        let powers = maps.map { $0.map { $0 * $0 * $0 } }
        for (label, map) in maps.enumerated() {
            let shared = map.indices.map { place in
                map[place] * powers[label][place] / max(powers[0][place] + powers[1][place], 1e-9)
            }
            let (least, most) = (shared.min() ?? 0, shared.max() ?? 0)
            let expected = shared.map { ($0 - least) / (most - least) }
            #expect(zip(found[label], expected).allSatisfy { abs(Double($0) - $1) < 1e-5 })
        }
    }

    @Test func `wait for one another, part by part, and are sent in their order`() throws {
        let segmenter = try Fixture.segmenter(Fixture.tiny)
        let words = (0..<40).map { "thing \($0)" }
        let request = try question(words).request()
        let computation = try segmenter.begin(
            request, handle: request.picture.handle, owner: 1, cancellation: .never, queueMilliseconds: 0)
        var waits = 0
        var sent: [(first: Int, count: Int)] = []
        while let part = try computation.next() {
            switch part {
            case .nothing: waits += 1
            case .scores(let first, let maps): sent.append((first, maps.count))
            case .understood, .probed, .report: break
            }
        }
        #expect(waits == 3)
        #expect(sent.map(\.first) == [0, 16, 32])
        #expect(sent.map(\.count) == [16, 16, 8])
    }

    @Test func `are scored once, whatever their sharpness, threshold and edges`() throws {
        let segmenter = try Fixture.segmenter(Fixture.tiny)
        _ = try segmenter.ask(question(["dog", "grass"]))
        let (maps, passes) = (segmenter.workspace.scoreMaps.count, segmenter.workspace.features.count)
        #expect((maps, passes) == (2, 1))
        for settings in [["gamma=8"], ["gamma=off"], ["edges=off"]] {
            let again = try segmenter.ask(question(["grass", "dog"], settings).with(\.wantsMask, true))
            #expect(again.report.text == 0 && again.report.passes == 0)
        }
        #expect((segmenter.workspace.scoreMaps.count, segmenter.workspace.features.count) == (2, 1))
        #expect(try segmenter.ask(question(["dog"], ["rounds=1"])).report.passes == 0)
        #expect(try segmenter.ask(question(["dog"], ["colour=off"])).report.passes == 1)
    }

    @Test func `keep less of a pass than shared does: no queries without a weight`() throws {
        func features(_ recipe: Recipe) throws -> AttentionFeatures {
            let segmenter = try Fixture.segmenter(Fixture.tiny)
            let grid = segmenter.model.latentSizes.trained
            let fusion = try AttentionFusion(segmenter.model.unet, recipe: recipe, Layout(grid))
            return try segmenter.workspace.arena.scope { arena in
                let latent = noised(segmenter.model, &arena)
                let text = try EncodedText.reading([ReadPrompt("")], segmenter.model, cancellation: .never, &arena)[0]
                let guide = try Image(decoding: Fixture.bytes(Fixture.picture)).guide
                let colours = guide.averaged(width: grid.width, height: grid.height)
                return try segmenter.model.features(
                    of: latent, timestep: 100, context: text.context, capturing: fusion.captured, colours: colours,
                    cancellation: .never, &arena)
            }
        }
        let (best, shared) = (try features(.best), try features(.shared))
        let layers = try Fixture.model(Fixture.tiny).unet.attentionLayers.filter { $0.kind == .crossAttention }
        #expect(Set(shared.queries.keys) == Set(layers.indices))
        #expect(Set(best.queries.keys) == Set(layers.indices.filter { layers[$0].level > 0 }))
        #expect(best.affinity.bytes == shared.affinity.bytes)
    }

    /// A picture of more pixels than the guide has, and the same handle for the next question.
    @Test func `of a picture larger than its guide have a mask of the picture's size`() throws {
        let (width, height) = (3000, 2000)
        let pixels = unsafe [UInt8](unsafeUninitializedCapacity: width * height * 3) { buffer, count in
            for place in 0..<width * height * 3 { unsafe buffer[place] = place / 3 % width < 1234 ? 30 : 200 }
            count = width * height * 3
        }
        let file = try PNGFile(width: width, height: height, .rgb(pixels), texts: []).encoded()
        let segmenter = try Fixture.segmenter(Fixture.demo)
        let wide = try question(["boat", "sheep"]).with(\.picture, .file(file)).with(\.wantsMask, true)
        let answer = try segmenter.ask(wide)
        let mask = try #require(answer.mask)
        #expect((mask.width, mask.height, mask.indices.count) == (width, height, width * height))
        #expect(Set(mask.indices).count > 1)
        let guide = try #require(answer.header.guide)
        #expect(guide.samples.count <= 10_000_000 && guide.width > 2200)
        let again = try segmenter.ask(wide.with(\.picture, .handle(answer.header.picture.handle)))
        #expect(again.mask?.indices == mask.indices && again.report.answerHash == answer.report.answerHash)
    }

    @Test func `of a picture whose colours are gone are unknown, until it comes again`() throws {
        let file = try Fixture.bytes(Fixture.picture)
        let limits = MemoryLimits(
            pictures: 2 * PictureStore.entryBytes * 8, latents: 1 << 20, features: 1 << 24, scores: 1 << 20,
            words: 1 << 24, sights: 0)
        let segmenter = try Fixture.segmenter(Fixture.tiny, limits: limits)
        let sent = try question(["dog"]).with(\.picture, .file(file))
        let expected = try segmenter.ask(sent)
        let byHandle = sent.with(\.picture, .handle(expected.header.picture.handle))
        let error = #expect(throws: SegmentationError.self) { try segmenter.ask(byHandle) }
        guard case .unknownPicture = error else { throw Disorder() }
        #expect(try segmenter.ask(byHandle.with(\.recipe, .shared)).scores.count == 1)
        #expect(try segmenter.ask(sent).bits == expected.bits)
    }
}
