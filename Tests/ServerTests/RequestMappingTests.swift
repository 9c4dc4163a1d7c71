import Limits
import Images
import RPC
@testable import Segmentation
import Server
import Testing

/// Between the wire and the method nothing is lost, added or renamed.
struct RequestMappingTests {
    private static func message(_ change: (inout SegmentRequest) -> Void = { _ in }) -> SegmentRequest {
        var message = SegmentRequest(picture: .handle("h"), labels: [RPC.Label(name: "dog")])
        change(&message)
        return message
    }

    @Test func `every field arrives`() throws {
        let request = try SegmentationRequest(
            Self.message {
                $0.labels = [
                    RPC.Label(name: "a", phrases: [RPC.Phrase(words: "w", prompt: "a w"), RPC.Phrase(words: "v")]),
                    RPC.Label(name: "b"),
                ]
                ($0.forwardPrompt, $0.seed, $0.timestep, $0.threshold) = ("f", .max, 7, 0.25)
                ($0.maps, $0.mapWidth, $0.mapHeight, $0.mask, $0.model) = (.sized, 3, 4, true, "m")
            })
        guard case .handle("h") = request.picture else { throw RPCStatus(.internal, "\(request.picture)") }
        #expect(
            request.labels == [
                Segmentation.Label(
                    name: "a",
                    phrases: [
                        Segmentation.Phrase(words: "w", prompt: "a w"), Segmentation.Phrase(words: "v", prompt: nil),
                    ]),
                Segmentation.Label(name: "b", phrases: [Segmentation.Phrase(words: "b", prompt: nil)]),
            ])
        #expect(request.recipe == .shared && request.forwardPrompt == "f" && request.seed == .max)
        #expect(request.timestep == 7 && request.threshold == 0.25 && request.wantsMask && request.model == "m")
        #expect(request.maps == .sized(width: 3, height: 4))
    }

    @Test func `settings arrive, over those of the recipe that is named`() throws {
        let request = try SegmentationRequest(
            Self.message { ($0.recipe, $0.settings) = ("best", ["rounds=7", "gamma=off"]) })
        #expect(request.recipe.name == "best" && request.recipe.refinement.rounds == 7)
        #expect(request.recipe.share == nil && request.recipe.edges == Recipe.best.edges)
        #expect(request.recipe.settings == ["gamma=off", "rounds=7"])
    }

    @Test func `what a message leaves out is the recipe's`() throws {
        let request = try SegmentationRequest(Self.message { $0.recipe = "diffsegmenter" })
        #expect(request.recipe == .diffsegmenter)
        #expect(request.timestep == Recipe.diffsegmenter.timestep)
        #expect(request.threshold == Recipe.diffsegmenter.background)
        #expect(request.forwardPrompt == nil && request.maps == .latent && !request.wantsMask)
        #expect(try SegmentationRequest(Self.message { _ in }).forwardPrompt == nil)
        #expect(try SegmentationRequest(Self.message { $0.maps = .sized }).maps == .picture)
        #expect(try SegmentationRequest(Self.message { $0.maps = .none }).maps == MapRequest.none)
        #expect(try SegmentationRequest(Self.message { $0.forwardPrompt = "" }).forwardPrompt == "")
    }

    @Test func `each refusal has the code that clients act on`() {
        let codes: [(SegmentationError, RPCStatus.Code)] = [
            (.image(.empty), .invalidArgument), (.image(.tooLarge(width: 1, height: 1)), .invalidArgument),
            (.image(.foreign(name: "a GIF picture", remedy: "")), .invalidArgument),
            (.image(.unsupported(.jpeg, what: "")), .invalidArgument),
            (.image(.tooManyScans(9, width: 1, height: 1, limit: 8)), .invalidArgument),
            (.image(.tooManyParts(.webP, what: "chunks")), .invalidArgument),
            (.image(.lacksRows(.png, bytes: 9, rows: 1, of: 2)), .invalidArgument),
            (.image(.outOfMemory(.png)), .resourceExhausted), (.noLabels, .invalidArgument),
            (.noTokens(words: ""), .invalidArgument), (.recipe(.unknownRecipe("", known: [])), .invalidArgument),
            (.unknownModel("", reason: ""), .notFound), (.unknownPicture(handle: ""), .notFound),
            (.queueFull(limit: 1, QueuePlace(position: 0, wait: .zero)), .resourceExhausted), (.stopping, .unavailable),
            (.cancelled, .cancelled),
            (.deadlineExceeded, .deadlineExceeded),
        ]
        for (error, code) in codes {
            #expect(RPCStatus(error).code == code, "\(error)")
            #expect(RPCStatus(error).message == error.description)
        }
    }

    @Test func `maps and masks keep their numbers`() throws {
        let scores: [Float] = [0, 0.25, 0.5, 1, -2, 3]
        let map = LabelScores(label: 4, width: 3, height: 2, scores: scores)
        guard case .scoreMap(let sent) = try SegmentReply(.scores(map), encoding: .f16) else {
            throw RPCStatus(.internal, "no score map")
        }
        #expect(sent.label == 4 && sent.width == 3 && sent.height == 2)
        #expect(try sent.scores() == scores)

        let mask = LabelMask(width: 2, height: 2, indices: [0, 2, 2, 1], labels: 3)
        guard case .mask(let sentMask) = try SegmentReply(.mask(mask), encoding: .u8) else {
            throw RPCStatus(.internal, "no mask")
        }
        #expect(try sentMask.indices() == mask.indices)
        #expect(sentMask.counts == [1, 1, 2, 0])
    }

    @Test func `no picture is larger than the largest map, nor smaller`() {
        #expect(Limit.pixels == Limit.pixels)
    }

    @Test func `a map whose numbers are none is the daemon's failure`() {
        let map = LabelScores(label: 0, width: 1, height: 1, scores: [.nan])
        let error = #expect(throws: RPCStatus.self) { try SegmentReply(.scores(map), encoding: .f16) }
        #expect(error?.code == .internal)
    }

    @Test func `a report keeps every number`() throws {
        var report = Report()
        (report.queue, report.decode, report.autoencoder, report.text) = (1, 2, 3, 4)
        (report.unet, report.maps, report.passes, report.featuresCached) = (5, 6, 7, 8)
        (report.phrasesCached, report.latentCached, report.answerHash) = (9, true, "h")
        report.words = 10
        let expected = Trailer(
            queueMilliseconds: 1, decodeMilliseconds: 2, autoencoderMilliseconds: 3, textMilliseconds: 4,
            unetMilliseconds: 5, mapsMilliseconds: 6, unetPasses: 7, featuresCached: 8, phrasesCached: 9,
            latentCached: true, answerHash: "h", wordsMilliseconds: 10)
        #expect(try SegmentReply(.report(report), encoding: .f16) == .trailer(expected))
    }
}
