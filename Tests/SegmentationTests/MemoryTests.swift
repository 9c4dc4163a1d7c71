import Kernels
import Networks
import Testing

@testable import Segmentation

@Suite struct `memory for an answer` {
    private func memory(_ segmenter: Segmenter, _ question: RequestBuilder) throws -> AnswerMemory {
        let request = try question.request()
        let computation = try segmenter.begin(
            request, handle: request.picture.handle, owner: 1, cancellation: .never, queueMilliseconds: 0)
        while let part = try computation.next() {
            if case .understood(let understanding) = part { return understanding.memory }
        }
        throw SegmentationError.noLabels
    }

    /// What is said is enough, and not many times too much.
    @Test(arguments: [Fixture.tiny, Fixture.odd], Precision.allCases)
    func `is bounded for every size of the picture`(folder: String, precision: Precision) throws {
        for settings in [
            [], ["detail=2"], ["detail=4"], ["grid=384x192"], ["grid=128x128", "detail=1.5"], ["grid=192x384"],
        ] {
            for recipe in Recipe.tested {
                let segmenter = try Fixture.segmenter(folder, precision)
                let question = try RequestBuilder("dog", "grass").with(
                    \.recipe, Recipe(named: recipe.name, settings: settings))
                let memory = try memory(segmenter, question)
                _ = try segmenter.ask(question.with(\.wantsMask, true))
                let used = Double(segmenter.workspace.memory.scratchBytes)
                #expect(used <= memory.scratch + memory.ofThreads, "\(settings) of \(recipe.name)")
                #expect(3 * used >= memory.scratch, "\(settings) of \(recipe.name): \(used)")
                let kept = segmenter.workspace.features.bytes / (recipe.forwardPrompt == .own ? 2 : 1)
                #expect(
                    Double(kept) <= memory.queries + memory.affinity
                        && 2 * kept >= Int(memory.queries + memory.affinity))
            }
        }
    }

    @Test func `that there is not is refused with the number, before anything is computed`() throws {
        let segmenter = try Fixture.segmenter(Fixture.tiny)
        try #require(AvailableMemory.left.map { $0 < 300 << 30 } ?? false, "an affinity of 2^36 numbers would fit")
        let question = try RequestBuilder("dog").with(\.recipe, Recipe(named: "best", settings: ["grid=4096x4096"]))
        let error = #expect(throws: SegmentationError.self) { try segmenter.ask(question) }
        guard case .memory(let grid, let bytes, let left) = error else { throw Disorder() }
        #expect(grid == Grid(height: 4096, width: 4096) && bytes > left && left > 0)
        #expect("\(error, default: "")".contains("\(bytes >> 20) MiB"))
        #expect(segmenter.workspace.memory.scratchBytes == 0)
        #expect(try segmenter.ask(RequestBuilder("dog")).scores.count == 1)
    }

    @Test func `is said of every layout but the square that the model was trained on`() throws {
        let segmenter = try Fixture.segmenter(Fixture.tiny)
        func notes(_ settings: String...) throws -> [String] {
            try segmenter.ask(RequestBuilder("dog").with(\.recipe, Recipe(named: "best", settings: settings))).header
                .notes
        }
        #expect(try notes().isEmpty && notes("grid=128x128").isEmpty)
        let tiles = try notes("detail=3")
        #expect(tiles.count == 1 && tiles[0].hasPrefix("the picture is read at 384 x 384 pixels, in 25 tiles: "))
        #expect(try notes("detail=2")[0].hasPrefix("the picture is read at 256 x 256 pixels, in 1 tile: "))
        #expect(tiles[0].contains(" MiB of queries and ") && tiles[0].hasSuffix(" are used while it is read"))
    }

    @Test func `grows for an answer, outlives another's rest, and goes back`() throws {
        let segmenter = try Fixture.segmenter(Fixture.tiny)
        let reserved = segmenter.workspace.arena.reservedBytes
        let question = try RequestBuilder("dog").with(\.recipe, Recipe(named: "shared", settings: ["grid=512x512"]))
        let request = try question.request()
        let computation = try segmenter.begin(
            request, handle: request.picture.handle, owner: 1, cancellation: .never, queueMilliseconds: 0)
        #expect(segmenter.workspace.arena.reservedBytes > reserved)
        segmenter.workspace.rest()
        #expect(segmenter.workspace.arena.reservedBytes == reserved)
        var parts = 0
        while try computation.next() != nil { parts += 1 }
        #expect(parts == 3 && segmenter.workspace.arena.reservedBytes > reserved)
        let most = segmenter.workspace.memory.scratchBytes
        segmenter.workspace.rest()
        #expect(segmenter.workspace.arena.reservedBytes == reserved && segmenter.workspace.memory.scratchBytes == most)
    }
}
