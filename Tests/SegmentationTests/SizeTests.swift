import Images
import Networks
import Testing

@testable import Segmentation

extension PNGFile {
    /// A picture of one colour.
    static func plain(width: Int, height: Int) throws -> [UInt8] {
        let pixels = [UInt8](repeating: 90, count: width * height)
        return try PNGFile(width: width, height: height, .grey(pixels), texts: []).encoded()
    }
}

@Suite struct `a picture of any size and shape` {
    private func question(_ file: [UInt8], _ recipe: String, _ settings: [String]) throws -> RequestBuilder {
        try RequestBuilder("boat", "sheep").with(\.picture, .file(file)).with(\.maps, .picture)
            .with(\.wantsMask, true).with(\.recipe, Recipe(named: recipe, settings: settings))
    }

    @Test(arguments: Recipe.tested.map(\.name), [(1, 1), (40, 30), (20_000, 1), (1, 20_000)])
    func `has finite maps and a mask of its size`(recipe: String, size: (Int, Int)) throws {
        let segmenter = try Fixture.segmenter(Fixture.tiny)
        let file = try PNGFile.plain(width: size.0, height: size.1)
        for settings in [[], ["grid=aspect"], ["detail=2"], ["detail=3"], ["grid=aspect", "detail=2.5"]] {
            let answer = try segmenter.ask(question(file, recipe, settings))
            for map in answer.scores {
                #expect((map.width, map.height) == size)
                #expect(map.scores.allSatisfy { $0.isFinite && (0...1).contains($0) }, "\(settings)")
            }
            #expect(answer.mask?.indices.count == size.0 * size.1)
        }
    }

    @Test func `is read tile by tile, and the job may yield between two`() throws {
        let segmenter = try Fixture.segmenter(Fixture.tiny)
        let asked = try question(Fixture.bytes(Fixture.picture), "shared", ["detail=3"]).request()
        let tiles = try segmenter.model.latentSizes.layout(
            of: LookedAt(handle: "", width: 190, height: 150), for: asked.recipe.geometry
        ).tiles.count
        for expected in [tiles, 0] {
            let computation = try segmenter.begin(
                asked, handle: asked.picture.handle, owner: 1, cancellation: .never, queueMilliseconds: 0)
            var steps = 0
            while let part = try computation.next() {
                if case .nothing = part { steps += 1 }
            }
            #expect(tiles > 4 && steps == expected)
        }
    }

    @Test func `is read by two geometries, each with its own answer, and from the caches again`() throws {
        let segmenter = try Fixture.segmenter(Fixture.tiny)
        let file = try Fixture.bytes(Fixture.picture)
        let geometries = [[], ["grid=192x128"], ["grid=128x192"], ["detail=1.5"], ["detail=3"], ["resize=nearest"]]
        let first = try geometries.map { try segmenter.ask(question(file, "best", $0)) }
        #expect(Set(first.map { $0.bits["boat"] ?? [] }).count == geometries.count)
        #expect(first.allSatisfy { $0.report.passes > 0 && !$0.report.latentCached })
        for (settings, answer) in zip(geometries, first) {
            let asked = try question(file, "best", settings)
            #expect(try Fixture.segmenter(Fixture.tiny).ask(asked).bits == answer.bits)
            let again = try segmenter.ask(asked.with(\.picture, .handle(answer.header.picture.handle)))
            #expect(again.bits == answer.bits && again.report.passes == 0 && again.report.latentCached, "\(settings)")
            #expect(again.report.featuresCached == answer.report.passes)
        }
    }
}
