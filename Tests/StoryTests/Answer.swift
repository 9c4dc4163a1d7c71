import RPC
import Support

/// All replies to a question.
struct Answer: Equatable {
    var header: Header
    var maps: [ScoreMap] = []
    var mask: IndexMask?
    var trailer: Trailer?

    /// Without its times and what came from a cache: what must be the same, bit for bit, whenever it is asked.
    var bits: [String] {
        maps.map { "\($0.label) \($0.width) x \($0.height) \($0.encoding) \($0.scale) \($0.offset) \($0.data)" }
            + ["\(mask?.data ?? []) \(mask?.counts ?? [])", trailer?.answerHash ?? ""]
    }
}

extension Client {
    /// The whole answer; the order of its parts is checked.
    func answer(_ request: SegmentRequest) throws -> Answer {
        var answer: Answer?
        try segment(request) { reply in
            guard answer?.trailer == nil else { throw Disorder(reply: reply) }
            switch (reply, answer) {
            case (.header(let header), nil): answer = Answer(header: header)
            case (.scoreMap(let map), .some(let known)) where known.mask == nil: answer?.maps.append(map)
            case (.mask(let mask), .some(let known)) where known.mask == nil: answer?.mask = mask
            case (.trailer(let trailer), .some): answer?.trailer = trailer
            default: throw Disorder(reply: reply)
            }
        }
        guard let answer else { throw RPCStatus(.dataLoss, "no header") }
        return answer
    }

    /// How a question is refused; `nil` for one that is answered.
    func refusal(
        _ request: SegmentRequest, onReply: (SegmentReply) throws -> Void = { _ in }
    ) throws -> RPCStatus? {
        do {
            try segment(request, onReply: onReply)
            return nil
        } catch let status as RPCStatus {
            return status
        }
    }
}

struct Disorder: Error {
    let reply: SegmentReply
}

extension SegmentRequest {
    /// About labels that are their own only phrase.
    init(_ picture: Picture, _ labels: [String], recipe: String = "") {
        self.init(picture: picture, labels: labels.map { Label(name: $0) }, recipe: recipe)
    }

    /// Keeps the engine at work until it is cancelled: a pass for each of 255 prompts.
    static func long(_ picture: Picture, id: String) -> SegmentRequest {
        var request = SegmentRequest(picture, (1...255).map { "thing \($0)" }, recipe: "diffsegmenter")
        request.requestID = id
        return request
    }
}
