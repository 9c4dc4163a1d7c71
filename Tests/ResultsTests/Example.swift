import ArgumentParser
import Images
import RPC
import Testing

@testable import Results

/// A picture of 6 x 4 pixels with two labels, and the stream that answers for it.
struct Example {
    static let (width, height) = (6, 4)
    let words = ["dog=dog|puppy", "grass"]
    var picture: [UInt8]
    let image: Image
    /// `[4, 6]`: the dog at the left, grass below, background above at the right.
    let indices: [UInt8] = [
        1, 1, 0, 0, 0, 0,
        1, 1, 0, 0, 0, 0,
        1, 2, 2, 2, 2, 2,
        2, 2, 2, 2, 2, 2,
    ]
    /// `[2, 3]` for each label.
    let scores: [[Float]] = [[3, 1, 1, 2, 1, 1], [0.25, 0.25, 0.25, 0.25, 0.25, 0.25]]

    init() throws {
        let samples = (0..<Self.width * Self.height * 4).map { UInt8(truncatingIfNeeded: $0 * 37) }
        picture = try PNGFile(
            width: Self.width, height: Self.height, .rgba(samples), texts: []
        ).encoded()
        image = try Image(decoding: picture)
    }

    func header(handle: String = "c0ffee") -> Header {
        func phrase(_ words: String) -> UnderstoodPhrase {
            UnderstoodPhrase(
                words: words, prompt: "a photograph of a \(words)", positions: [5],
                truncated: false, caption: "", weight: 1)
        }
        return Header(
            handle: handle, width: UInt32(Self.width), height: UInt32(Self.height), latentWidth: 3,
            latentHeight: 2,
            labels: [
                UnderstoodLabel(name: "dog", phrases: [phrase("dog"), phrase("puppy")]),
                UnderstoodLabel(name: "grass", phrases: [phrase("grass")]),
            ],
            recipe: "best", forwardPrompt: "", seed: 7, timestep: 100, threshold: 0.3,
            model: "demo", modelHash: "abc123", modelAliases: [], version: "0.1.0", precision: "f32",
            instructionSet: "avx2",
            blas: "OpenBLAS 0.3.21 Zen", settings: [], labelsCompete: true, notes: [], choice: nil, captioner: nil,
            filter: nil)
    }

    func trailer(answerHash: String = "feed") -> Trailer {
        Trailer(
            queueMilliseconds: 0.2, decodeMilliseconds: 1, autoencoderMilliseconds: 20,
            textMilliseconds: 3, unetMilliseconds: 40.6, mapsMilliseconds: 5, unetPasses: 1,
            featuresCached: 0, phrasesCached: 0, latentCached: false, answerHash: answerHash, wordsMilliseconds: 0)
    }

    /// The stream that answers a request, each message as the wire brings it.
    func replies(
        to request: SegmentRequest, header: Header? = nil, trailer: Trailer? = nil
    ) throws -> [SegmentReply] {
        var replies: [SegmentReply] = [.header(header ?? self.header())]
        if request.maps != .none {
            for (place, scores) in scores.enumerated() {
                let isSized = request.maps == .sized
                replies.append(
                    .scoreMap(
                        try ScoreMap(
                            label: place, scores: isSized ? Self.sized(scores) : scores,
                            width: isSized ? Self.width : 3, height: isSized ? Self.height : 2,
                            encoding: request.encoding)))
            }
        }
        let mask = try IndexMask(
            indices: indices, width: Self.width, height: Self.height, labels: 2)
        replies += [.mask(mask), .trailer(trailer ?? self.trailer())]
        return try replies.map { try SegmentReply(decoding: $0.encoded()) }
    }

    /// A map at the picture's size, in 0...1.
    private static func sized(_ scores: [Float]) -> [Float] {
        var sized = [Float](repeating: 0, count: width * height)
        unsafe Bilinear.resize(scores, width: 3, height: 2, channels: 1, to: (width, height), into: &sized)
        let (low, high) = (sized.reduce(.infinity, min), sized.reduce(-.infinity, max))
        return sized.map { high > low ? ($0 - low) / (high - low) : 0 }
    }

    func answer(
        to request: SegmentRequest, header: Header? = nil, trailer: Trailer? = nil
    ) throws -> CompleteAnswer {
        var assembly = AnswerAssembly(of: request)
        for reply in try replies(to: request, header: header, trailer: trailer) {
            try assembly.receive(reply)
        }
        return try assembly.answer()
    }

    func plan(_ arguments: [String] = []) throws -> MaskPlan {
        let options = try MaskOptions.parse(["photos/rex.png"] + words + arguments)
        return try MaskPlan(options, standardOutputIsTerminal: false)
    }

    /// A plan carried out with the answer to its question.
    func delivery(of plan: MaskPlan) throws -> Printout {
        let answers = try plan.requests(.image(picture), requestID: "1").map { try answer(to: $0) }
        return try plan.deliver(answers, picture: InputPicture(picture))
    }

    /// A drawing of everything that a plan with all options asks for.
    func drawing(_ arguments: [String] = ["--overlay", "--heat"]) throws -> Drawing {
        let plan = try plan(arguments)
        let request = plan.request(.image(picture), requestID: "1")
        return try Drawing(
            answer(to: request), words: plan.words.given, picturePath: plan.picture,
            picture: InputPicture(picture), files: plan.files, explains: false)
    }
}

extension MaskPlan {
    /// The only request, or the first.
    func request(_ picture: SegmentRequest.Picture, requestID: String) -> SegmentRequest {
        requests(picture, requestID: requestID)[0]
    }

    /// The plan of the only picture.
    init(_ options: MaskOptions, standardOutputIsTerminal: Bool) throws {
        let plans = try Self.all(options, standardOutputIsTerminal: standardOutputIsTerminal)
        self = try #require(plans.count == 1 ? plans.first : nil)
    }
}
