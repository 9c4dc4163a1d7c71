import Images
import Kernels
import Networks
import Testing

@testable import Segmentation

/// Two models of different sides that share their pictures: 128 and 96 pixels, 16 and 24 of the latent.
private struct TwoModels {
    let workspace: Workspace
    var pictures: PictureStore { workspace.pictures }
    let tiny: Segmenter
    let odd: Segmenter

    init(pictures limit: Int, latents: Int = 1 << 20) throws {
        let limits = MemoryLimits(pictures: limit, latents: latents, features: 0, scores: 0, words: 0, sights: 0)
        workspace = try Workspace(limits: limits)
        tiny = try Fixture.segmenter(Fixture.tiny, workspace: workspace)
        odd = try Fixture.segmenter(Fixture.odd, workspace: workspace)
    }
}

private let float = MemoryLayout<Float>.stride
/// What the store counts for an entry beside its bytes and samples.
private let entry = PictureStore.entryBytes

extension Segmenter {
    fileprivate func look(_ file: String, owner: UInt32 = 1) throws -> LookedAt {
        try look(at: Fixture.bytes(file), owner: owner, cancellation: .never)
    }

    /// To the square that the model was trained on.
    fileprivate var resize: Resize { Resize(grid: model.latentSizes.picture, resampling: .bilinear) }
    fileprivate var squareBytes: Int { resize.grid.pixels * 3 * float }
    fileprivate var latentBytes: Int {
        model.latentSizes.trained.pixels * model.autoencoder.configuration.latentChannels * float + 64
    }

    /// Expects that a picture is unknown to `owner`.
    fileprivate func expectUnknown(
        _ question: RequestBuilder, owner: UInt32 = 1, sourceLocation: SourceLocation = #_sourceLocation
    ) {
        let error = #expect(throws: SegmentationError.self, sourceLocation: sourceLocation) {
            try ask(question, owner: owner)
        }
        let isUnknown = if case .unknownPicture = error { true } else { false }
        #expect(isUnknown, "\(String(describing: error))", sourceLocation: sourceLocation)
    }
}

@Suite struct `pictures that two models share` {
    /// The bits of an answer to a question with the file, by a model that has seen nothing.
    private func fresh(_ folder: String, _ question: RequestBuilder) throws -> [String: [UInt32]] {
        try Fixture.segmenter(folder).ask(question).bits
    }

    @Test func `are looked at once, and a handle is good for both, in any order`() throws {
        let question = try RequestBuilder("dog", "grass")
        let expected = try [fresh(Fixture.tiny, question), fresh(Fixture.odd, question)]
        for tinyLooks in [true, false] {
            for tinyAsksFirst in [true, false] {
                let two = try TwoModels(pictures: 1 << 22)
                let looked = try (tinyLooks ? two.tiny : two.odd).look(Fixture.picture)
                let byHandle = question.with(\.picture, .handle(looked.handle))
                for segmenter in tinyAsksFirst ? [two.tiny, two.odd] : [two.odd, two.tiny] {
                    let reply = try segmenter.ask(byHandle)
                    #expect(reply.bits == expected[segmenter === two.tiny ? 0 : 1])
                    #expect(reply.header.picture == looked && !reply.report.latentCached)
                    let again = try segmenter.ask(byHandle.with(\.seed, 1)).report
                    #expect(again.latentCached && again.autoencoder == 0)
                }
                #expect(two.pictures.count == 1)
            }
        }
    }

    @Test func `are decoded by Look for the model that looks, and for the other when it asks`() throws {
        let two = try TwoModels(pictures: 1 << 22)
        let handle = try two.tiny.look(Fixture.picture).handle
        let image = try Image(decoding: Fixture.bytes(Fixture.picture))
        guard case .resized(let square) = two.pictures.data(of: handle, for: 1).content(two.tiny.resize),
            case .file(let file) = two.pictures.data(of: handle, for: 1).content(two.odd.resize)
        else { throw Disorder() }
        #expect(square == image.resized(width: 128, height: 128, by: .bilinear))
        #expect(try file == Fixture.bytes(Fixture.picture))
        _ = try two.odd.ask(RequestBuilder("dog").with(\.picture, .handle(handle)))
        guard case .resized = two.pictures.data(of: handle, for: 1).content(two.tiny.resize) else { throw Disorder() }
    }

    @Test func `cost the file, the guide, the square of each side until its latent is known, and a latent of each`()
        throws
    {
        let two = try TwoModels(pictures: 1 << 22)
        let file = try Fixture.bytes(Fixture.picture)
        let guide = 190 * 150 * 3
        let question = try RequestBuilder("dog")
        let byHandle = question.with(\.picture, .handle(question.picture.handle))
        _ = try two.tiny.look(Fixture.picture)
        #expect(two.pictures.bytes == 2 * entry + file.count + guide + two.tiny.squareBytes)
        #expect(two.workspace.memory.picturesBytes == two.pictures.bytes)
        _ = try two.odd.look(Fixture.picture)
        let squares = two.tiny.squareBytes + two.odd.squareBytes
        #expect(two.pictures.bytes == 2 * entry + file.count + guide + squares)
        _ = try two.tiny.ask(byHandle)
        #expect(two.pictures.bytes == 2 * entry + file.count + guide + two.odd.squareBytes)
        _ = try two.odd.ask(byHandle)
        #expect(two.pictures.bytes == 2 * entry + file.count + guide)
        let latents = two.tiny.latentBytes + two.odd.latentBytes
        #expect(two.workspace.memory.picturesBytes == two.pictures.bytes + latents)
        _ = try two.odd.look(Fixture.picture)
        #expect(two.pictures.bytes == 2 * entry + file.count + guide, "who has the latent needs no square")
        two.workspace.forget()
        #expect(two.pictures.bytes == 0 && two.pictures.count == 0)
        two.tiny.expectUnknown(byHandle)
    }

    /// Data of other pictures take the memory of the first one's.
    @Test func `that had to go are known to a model that has the latent, to others when they come again`() throws {
        let file = try Fixture.bytes(Fixture.scene)
        let two = try TwoModels(pictures: 32 * file.count)
        let looked = try two.tiny.look(Fixture.scene)
        let byHandle = try RequestBuilder("dog").with(\.picture, .handle(looked.handle))
        let expected = try two.tiny.ask(byHandle).bits
        try #require(!two.pictures.data(of: looked.handle, for: 1).isEmpty)
        let others = two.pictures.limit / two.tiny.squareBytes + 1
        for number in 1...others { _ = try two.tiny.look(at: small(number), owner: 1, cancellation: .never) }
        #expect(two.pictures.data(of: looked.handle, for: 1).isEmpty)
        #expect(two.pictures.count == others + 1, "what is known of a picture stays")
        #expect(try two.tiny.ask(byHandle).bits == expected)
        two.odd.expectUnknown(byHandle)
        two.tiny.expectUnknown(byHandle, owner: 2)
        _ = try two.odd.look(Fixture.scene)
        #expect(try two.odd.ask(byHandle).bits == fresh(Fixture.odd, RequestBuilder("dog", file: Fixture.scene)))
        #expect(two.pictures.bytes <= two.pictures.limit)
    }

    /// A file of 8 x 8 pixels, another one for each number, whose left half is transparent if that is said.
    private func small(_ number: Int, transparent: Bool = false) throws -> [UInt8] {
        var pixels: [UInt8] = []
        for pixel in 0..<64 {
            let isTransparent = transparent && pixel % 8 < 4
            pixels += [UInt8(pixel * 3), UInt8(255 - pixel), 90, isTransparent ? 0 : 255]
        }
        let text = PNGFile.Text(key: "number", value: "\(number)")
        return try PNGFile(width: 8, height: 8, .rgba(pixels), texts: [text]).encoded()
    }

    @Test func `that are transparent are unknown without their transparent pixels, until they come again`() throws {
        let two = try TwoModels(pictures: 1 << 19)
        let file = try small(0, transparent: true)
        let question = try RequestBuilder("dog").with(\.picture, .file(file)).with(\.wantsMask, true)
        let first = try two.tiny.ask(question)
        let byHandle = question.with(\.picture, .handle(question.picture.handle))
        #expect(two.pictures.bytes == 2 * entry + file.count + 8)
        #expect(try two.tiny.ask(byHandle).mask?.indices == first.mask?.indices)
        for number in 1...3 { _ = try two.tiny.look(at: small(number), owner: 1, cancellation: .never) }
        #expect(two.pictures.count == 4)
        two.tiny.expectUnknown(byHandle)
        let again = try two.tiny.ask(question)
        #expect(again.report.latentCached && again.bits == first.bits)
        #expect(again.mask?.indices == first.mask?.indices)
        let indices = try #require(again.mask?.indices)
        let transparent = indices.indices.filter { $0 % 8 < 4 }
        #expect(transparent.allSatisfy { indices[$0] == 0 } && indices.contains { $0 != 0 })
        #expect(try two.tiny.ask(byHandle).bits == first.bits)
    }

    @Test func `keep the file where there is no room for a square and the guide beside it`() throws {
        let file = try small(0)
        let room = entry + 128 * 128 * 3 * float + file.count / 2
        let tight = try TwoModels(pictures: room * 8 / 7 + 1)
        let looked = try tight.tiny.look(at: file, owner: 1, cancellation: .never)
        #expect(tight.pictures.bytes == 2 * entry + file.count)
        let question = try RequestBuilder("dog", "grass").with(\.recipe, .best)
        let byHandle = question.with(\.picture, .handle(looked.handle))
        for (segmenter, folder) in [(tight.odd, Fixture.odd), (tight.tiny, Fixture.tiny)] {
            let expected = try fresh(folder, question.with(\.picture, .file(file)))
            #expect(try segmenter.ask(byHandle).bits == expected)
            #expect(tight.pictures.bytes <= tight.pictures.limit)
        }
    }

    @Test func `whose file is larger than a quarter of the memory keep what networks were to read, and the guide`()
        throws
    {
        let file = try Fixture.bytes(Fixture.picture) + [UInt8](repeating: 0, count: 300_000)
        let guide = 190 * 150 * 3
        let two = try TwoModels(pictures: 4 * (file.count - 1))
        #expect(!two.pictures.keeps(file: file.count) && two.pictures.keeps(file: file.count - 1))
        #expect(two.workspace.limits.keptFileBytes == file.count - 1)
        let looked = try two.tiny.look(at: file, owner: 1, cancellation: .never)
        let question = try RequestBuilder("dog").with(\.picture, .file(file))
        // And what captioner and filter will read: the filter the middle, and all of it.
        let views = (128 * 128 * 2 + 128 * 160) * 3 * float
        #expect(two.pictures.bytes == 2 * entry + guide + two.tiny.squareBytes + views)
        let byHandle = try RequestBuilder("dog").with(\.picture, .handle(looked.handle))
        two.odd.expectUnknown(byHandle)
        #expect(try two.tiny.ask(byHandle).bits == fresh(Fixture.tiny, RequestBuilder("dog")))
        #expect(two.pictures.bytes == 2 * entry + guide + two.tiny.squareBytes + views)
        #expect(try two.tiny.ask(byHandle.with(\.seed, 1)).report.latentCached)
        let fixed = try Fixture.segmenter(Fixture.tiny, .int16, workspace: two.workspace)
        #expect(
            try fixed.ask(byHandle).bits == Fixture.segmenter(Fixture.tiny, .int16).ask(RequestBuilder("dog")).bits,
            "a second model that reads the same size")
        #expect(try two.odd.ask(question).bits == fresh(Fixture.odd, RequestBuilder("dog")))
        #expect(try two.odd.ask(byHandle).bits == fresh(Fixture.odd, RequestBuilder("dog")))
    }

    @Test func `that no model was at hand for cost the file and the guide, and are what a model would have kept`()
        throws
    {
        let two = try TwoModels(pictures: 1 << 22)
        let file = try Fixture.bytes(Fixture.picture)
        let looked = try two.pictures.look(at: file, owner: 1, cancellation: .never)
        #expect(two.pictures.bytes == 2 * entry + file.count + 190 * 150 * 3)
        #expect(try two.tiny.look(Fixture.picture) == looked && two.pictures.count == 1)
        #expect(try two.pictures.look(at: file, owner: 2, cancellation: .never) == looked)
        let byHandle = try RequestBuilder("dog").with(\.picture, .handle(looked.handle))
        #expect(try two.odd.ask(byHandle, owner: 2).bits == fresh(Fixture.odd, RequestBuilder("dog")))
        two.odd.expectUnknown(byHandle, owner: 3)
        let (bytes, count) = (two.pictures.bytes, two.pictures.count)
        for refused in [[], Array("no picture".utf8), Array(file.prefix(1000))] {
            let error = #expect(throws: SegmentationError.self) {
                try two.pictures.look(at: refused, owner: 1, cancellation: .never)
            }
            guard case .image = error else { throw Disorder() }
        }
        let late = Cancellation(deadline: .now - .seconds(1))
        let error = #expect(throws: SegmentationError.self) {
            try two.pictures.look(at: Fixture.bytes(Fixture.scene), owner: 1, cancellation: late)
        }
        guard case .deadlineExceeded = error else { throw Disorder() }
        #expect(two.pictures.bytes == bytes && two.pictures.count == count)
    }

    @Test func `that no model was at hand for are unknown where the file is not kept, until a model looks`() throws {
        let file = try Fixture.bytes(Fixture.picture) + [UInt8](repeating: 0, count: 300_000)
        let two = try TwoModels(pictures: 4 * (file.count - 1))
        let looked = try two.pictures.look(at: file, owner: 1, cancellation: .never)
        let byHandle = try RequestBuilder("dog").with(\.picture, .handle(looked.handle))
        two.tiny.expectUnknown(byHandle)
        for segmenter in [two.tiny, two.odd] {
            #expect(try segmenter.look(at: file, owner: 1, cancellation: .never) == looked)
        }
        #expect(try two.odd.ask(byHandle).bits == fresh(Fixture.odd, RequestBuilder("dog")))
        #expect(try two.tiny.ask(byHandle).bits == fresh(Fixture.tiny, RequestBuilder("dog")))
    }

    @Test func `lose what can be made again where the store shrinks, the least recently used first`() throws {
        let two = try TwoModels(pictures: 1 << 22)
        let handles = try (1...3).map {
            try two.pictures.look(at: small($0), owner: 1, cancellation: .never).handle
        }
        let files = handles.map { two.pictures.data(of: $0, for: 1).file?.count ?? 0 }
        // Those that were looked for above, in that order.
        two.workspace.limit(
            to: MemoryLimits(
                pictures: (2 * (entry + 192) + files[1] + files[2]) * 8 / 7 + 8, latents: 1 << 20, features: 0,
                scores: 0, words: 0, sights: 0))
        #expect(handles.map { two.pictures.data(of: $0, for: 1).isEmpty } == [true, false, false])
        #expect(two.pictures.bytes <= two.pictures.limit)
    }

    @Test func `are decoded again where neither latent nor square is left`() throws {
        let two = try TwoModels(pictures: 1 << 22, latents: 0)
        let looked = try two.tiny.look(Fixture.picture)
        let byHandle = try RequestBuilder("dog").with(\.picture, .handle(looked.handle))
        for _ in 1...2 {
            let reply = try two.tiny.ask(byHandle)
            #expect(!reply.report.latentCached && reply.report.autoencoder > 0)
            #expect(try reply.bits == fresh(Fixture.tiny, RequestBuilder("dog")))
        }
    }

    @Test func `are their bringers' alone, and what is known of a latent each model's and user's`() throws {
        let two = try TwoModels(pictures: 1 << 22)
        let looked = try two.tiny.look(Fixture.picture, owner: 1)
        let byHandle = try RequestBuilder("dog").with(\.picture, .handle(looked.handle))
        two.odd.expectUnknown(byHandle, owner: 2)
        #expect(try two.odd.look(Fixture.picture, owner: 2) == looked)
        let owners: [UInt32] = [1, 2]
        for segmenter in [two.tiny, two.odd] {
            for owner in owners {
                #expect(try !segmenter.ask(byHandle, owner: owner).report.latentCached)
                #expect(try segmenter.ask(byHandle, owner: owner).report.latentCached)
            }
            segmenter.expectUnknown(byHandle, owner: 3)
        }
    }
}
