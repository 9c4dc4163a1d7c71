import Images
import Networks
import Testing

@testable import Segmentation

/// Two models of different sides that share their pictures: 128 and 96 pixels, 16 and 24 of the latent.
private struct TwoModels {
    let pictures: PictureStore
    let tiny: Segmenter
    let odd: Segmenter

    init(pictures limit: Int, latents: Int = 1 << 20) throws {
        let limits = MemoryLimits(pictures: limit, latents: latents, features: 0, scores: 0, words: 0)
        pictures = PictureStore(limit: limit)
        tiny = try Fixture.segmenter(Fixture.tiny, pictures: pictures, limits: limits)
        odd = try Fixture.segmenter(Fixture.odd, pictures: pictures, limits: limits)
    }
}

private let float = MemoryLayout<Float>.stride
/// What the store counts for an entry beside its bytes and samples.
private let entry = 256

extension Segmenter {
    fileprivate func look(_ file: String, owner: UInt32 = 1) throws -> LookedAt {
        try look(at: Fixture.bytes(file), owner: owner, cancellation: .never)
    }

    fileprivate var side: Int { model.autoencoder.configuration.sampleSize }
    fileprivate var squareBytes: Int { side * side * 3 * float }
    fileprivate var latentBytes: Int {
        let side = model.autoencoder.latentSide
        return side * side * model.autoencoder.configuration.latentChannels * float + 64
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
        guard case .square(let square) = two.pictures.content(handle, side: two.tiny.side),
            case .file(let file) = two.pictures.content(handle, side: two.odd.side)
        else { throw Disorder() }
        #expect(square == image.square(side: two.tiny.side))
        #expect(try file == Fixture.bytes(Fixture.picture))
        _ = try two.odd.ask(RequestBuilder("dog").with(\.picture, .handle(handle)))
        guard case .square = two.pictures.content(handle, side: two.tiny.side) else { throw Disorder() }
    }

    @Test func `cost the file, the square of the last side until its latent is known, and a latent of each`() throws {
        let two = try TwoModels(pictures: 1 << 22)
        let file = try Fixture.bytes(Fixture.picture)
        let question = try RequestBuilder("dog")
        let byHandle = question.with(\.picture, .handle(question.picture.handle))
        _ = try two.tiny.look(Fixture.picture)
        #expect(two.pictures.bytes == 2 * entry + file.count + two.tiny.squareBytes)
        #expect(two.tiny.memory.picturesBytes == two.pictures.bytes)
        _ = try two.odd.look(Fixture.picture)
        #expect(two.pictures.bytes == 2 * entry + file.count + two.odd.squareBytes)
        _ = try two.tiny.ask(byHandle)
        #expect(two.pictures.bytes == 2 * entry + file.count + two.odd.squareBytes)
        _ = try two.odd.ask(byHandle)
        #expect(two.pictures.bytes == 2 * entry + file.count)
        for segmenter in [two.tiny, two.odd] {
            #expect(segmenter.memory.picturesBytes == two.pictures.bytes + segmenter.latentBytes)
        }
        _ = try two.odd.look(Fixture.picture)
        #expect(two.pictures.bytes == 2 * entry + file.count, "who has the latent needs no square")
        two.odd.forget()
        #expect(two.pictures.bytes == 0 && two.pictures.count == 0)
        two.tiny.expectUnknown(byHandle)
    }

    /// The file of another picture takes the memory of the first one's.
    @Test func `that had to go are known to a model that has the latent, to others when they come again`() throws {
        let other = "Tests/Fixtures/scenes/JPEGImages/scene_501_0001.jpg"
        let largest = try max(Fixture.bytes(Fixture.scene).count, Fixture.bytes(other).count)
        let room = entry + largest + 128 * 128 * 3 * float
        try #require(largest <= room / 7)
        let two = try TwoModels(pictures: room * 8 / 7 + 8)
        let looked = try two.tiny.look(Fixture.scene)
        let byHandle = try RequestBuilder("dog").with(\.picture, .handle(looked.handle))
        let expected = try two.tiny.ask(byHandle).bits
        _ = try two.tiny.look(other)
        #expect(two.pictures.count == 2, "what is known of a picture stays")
        #expect(try two.tiny.ask(byHandle).bits == expected)
        two.odd.expectUnknown(byHandle)
        two.tiny.expectUnknown(byHandle, owner: 2)
        _ = try two.odd.look(Fixture.scene)
        #expect(try two.odd.ask(byHandle).bits == fresh(Fixture.odd, RequestBuilder("dog", file: Fixture.scene)))
        #expect(two.pictures.bytes <= two.pictures.limit)
    }

    @Test func `whose file is larger than an eighth of the memory keep a square alone`() throws {
        let file = try Fixture.bytes(Fixture.picture)
        let two = try TwoModels(pictures: 8 * (file.count - 1))
        let looked = try two.tiny.look(Fixture.picture)
        #expect(two.pictures.bytes == 2 * entry + two.tiny.squareBytes)
        let byHandle = try RequestBuilder("dog").with(\.picture, .handle(looked.handle))
        two.odd.expectUnknown(byHandle)
        #expect(try two.tiny.ask(byHandle).bits == fresh(Fixture.tiny, RequestBuilder("dog")))
        #expect(two.pictures.bytes == entry)
        #expect(try two.tiny.ask(byHandle.with(\.seed, 1)).report.latentCached)
        #expect(try two.odd.ask(RequestBuilder("dog")).bits == fresh(Fixture.odd, RequestBuilder("dog")))
        #expect(try two.odd.ask(byHandle).bits == fresh(Fixture.odd, RequestBuilder("dog")))
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
