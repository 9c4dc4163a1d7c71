package import RPC
import Texts

/// The whole answer to one `Segment` request.
package struct CompleteAnswer: Sendable {
    package internal(set) var header: Header
    /// Which score maps were requested.
    let requestedMaps: SegmentRequest.Maps
    /// One for each label; empty if none were requested.
    let maps: [ScoreMap]
    /// `[header.height, header.width]`; no index is greater than the number of labels.
    let indices: [UInt8]
    /// Pixels of each index, the background first.
    let counts: [UInt64]
    /// In the order in which they came.
    package let probed: [ProbedMap]
    package let trailer: Trailer

    /// Each label's fraction of the picture's pixels, 0 to 1.
    package var shares: [(label: String, share: Double)] {
        zip(header.labels, counts.dropFirst()).map { label, count in
            (label.name, Double(count) / Double(indices.count))
        }
    }

    /// Whether another answer has the same labels by the same model at the same places.
    func hasSameMask(as other: CompleteAnswer) -> Bool {
        func key(_ answer: CompleteAnswer) -> [ExactString] {
            ([answer.header.modelHash] + answer.header.labels.map(\.name)).map { ExactString($0) }
        }
        return key(self) == key(other) && indices == other.indices
    }

    /// A line for each label, such as "cat 12.3 %".
    package var shareLines: [String] {
        shares.map { label, share in
            let tenths = Int((share * 1000).rounded())
            return "\(Streams.printable(label)) \(tenths / 10).\(tenths % 10) %"
        }
    }

    /// What of the recipe, the model or the vocabulary the answer depends on, in sentences.
    var notes: [String] { header.notes + [header.choice?.mergedNote].compactMap(\.self) }

    /// The prompts that were cut at the text encoder's length, each once.
    var truncatedPrompts: [String] {
        var seen: Set<ExactString> = []
        return header.labels.flatMap(\.phrases).filter(\.truncated).map(\.prompt)
            .filter { seen.insert(ExactString($0)).inserted }
    }
}

/// Collects the messages of a `Segment` stream into an answer, and checks that they answer the request.
package struct AnswerAssembly: Sendable {
    private let request: SegmentRequest
    private var checks: AnswerChecks
    private var maps: [ScoreMap] = []
    private var mask: (indices: [UInt8], counts: [UInt64])?
    private var probed: [ProbedMap] = []

    /// - Parameters:
    ///   - request: one that asks for a mask
    ///   - size: the picture's, if known
    package init(of request: SegmentRequest, size: (width: Int, height: Int)? = nil) {
        self.request = request
        checks = AnswerChecks(of: request, size: size)
    }

    /// Adds the next message.
    ///
    /// - Throws: `dataLoss` for one that is out of order or contradicts the request or those before it
    package mutating func receive(_ reply: SegmentReply) throws(RPCStatus) {
        try checks.receive(reply)
        switch reply {
        case .scoreMap(let map): maps.append(map)
        case .probed(let map): probed.append(map)
        case .mask(let mask): self.mask = (try mask.indices(), mask.counts)
        case .header, .trailer, .loading: break
        }
    }

    /// The answer, once the stream has ended.
    ///
    /// - Throws: `dataLoss` if a message is missing
    package func answer() throws(RPCStatus) -> CompleteAnswer {
        let (header, trailer) = try checks.ends()
        guard let mask else { throw .broken("an end before everything was there") }
        return CompleteAnswer(
            header: header, requestedMaps: request.maps, maps: maps, indices: mask.indices, counts: mask.counts,
            probed: probed, trailer: trailer)
    }
}
