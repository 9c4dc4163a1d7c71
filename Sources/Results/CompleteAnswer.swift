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
    package let trailer: Trailer

    /// Each label's fraction of the picture's pixels, 0 to 1.
    package var shares: [(label: String, share: Double)] {
        zip(header.labels, counts.dropFirst()).map { label, count in
            (label.name, Double(count) / Double(indices.count))
        }
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
    private let size: (width: Int, height: Int)?
    private var header: Header?
    private var maps: [ScoreMap] = []
    private var mask: (indices: [UInt8], counts: [UInt64])?
    private var trailer: Trailer?

    /// - Parameters:
    ///   - request: one that asks for a mask, and for sized maps at the picture's size alone
    ///   - size: the picture's, if known
    package init(of request: SegmentRequest, size: (width: Int, height: Int)? = nil) {
        self.request = request
        self.size = size
    }

    /// Adds the next message.
    ///
    /// - Throws: `dataLoss` for one that is out of order or contradicts the request or those before it
    package mutating func receive(_ reply: SegmentReply) throws(RPCStatus) {
        if trailer != nil { throw .broken("a message after the trailer") }
        switch reply {
        case .header(let header):
            if self.header != nil { throw .broken("a second header") }
            try check(header)
            self.header = header
        case .scoreMap(let map):
            guard let header, request.maps != .none, map.label == maps.count, maps.count < header.labels.count
            else { throw .broken("a score map out of its place") }
            let (width, height) =
                request.maps == .sized
                ? (header.width, header.height) : (header.latentWidth, header.latentHeight)
            guard map.width == width, map.height == height, map.encoding == request.encoding
            else { throw .broken("a score map of \(map.width) x \(map.height) in place of \(width) x \(height)") }
            // With this bound differences of scores do not overflow f32.
            guard abs(map.scale) <= 1e30, abs(map.offset) <= 1e30 else { throw .broken("scores beyond all bounds") }
            maps.append(map)
        case .mask(let mask):
            guard let header, self.mask == nil else { throw .broken("a mask out of its place") }
            guard mask.width == header.width, mask.height == header.height,
                mask.counts.count == header.labels.count + 1
            else { throw .broken("a mask that does not fit the picture and the labels") }
            self.mask = (try mask.indices(), mask.counts)
        case .trailer(let trailer):
            self.trailer = trailer
        case .loading:
            guard request.progress, header == nil else { throw .broken("a model's loading out of its place") }
        }
    }

    /// Checks that a header repeats what the request says.
    private func check(_ header: Header) throws(RPCStatus) {
        func isSame(_ text: String, _ other: String) -> Bool { ExactString(text) == ExactString(other) }
        try checkLabels(header)
        guard header.width > 0, header.height > 0 else { throw .broken("an empty picture") }
        guard size.map({ $0.width == Int(header.width) && $0.height == Int(header.height) }) ?? true else {
            throw .broken("a picture of another size")
        }
        let latent = header.latentWidth.multipliedReportingOverflow(by: header.latentHeight)
        guard !latent.overflow, (1...Self.latentLimit).contains(latent.partialValue) else {
            throw .broken("a latent grid of \(header.latentWidth) x \(header.latentHeight)")
        }
        guard (0...1).contains(header.threshold) else { throw .broken("a threshold that is none") }
        // The daemon chooses what a request leaves out; a seed of 0 is left out.
        let isAnswered =
            (request.seed == 0 || request.seed == header.seed) && request.timestep.map { $0 == header.timestep } ?? true
            && request.threshold.map { $0 == header.threshold } ?? true
            && (request.recipe.isEmpty || isSame(request.recipe, header.recipe)
                || isSame(request.recipe, String(header.recipe.prefix { $0 != ":" })))
            && request.forwardPrompt.map { asked in header.forwardPrompt.map { isSame(asked, $0) } ?? false } ?? true
            && (request.model.isEmpty
                || ([header.model, header.modelHash] + header.modelAliases).contains { isSame(request.model, $0) })
        guard isAnswered else { throw .broken("another question's recipe, model or numbers") }
        guard WrittenSetting.areAll(header.settings, among: request.settings) else {
            throw .broken("settings that were not asked for")
        }
    }

    /// Checks that labels are those that were asked for, or were chosen from the vocabulary that was.
    private func checkLabels(_ header: Header) throws(RPCStatus) {
        guard let vocabulary = request.vocabulary else {
            guard header.choice == nil, header.labels.count == request.labels.count,
                zip(header.labels, request.labels).allSatisfy({ $0.answers($1.name, $1.phrases) })
            else { throw .broken("labels that were not asked for") }
            return
        }
        guard let choice = header.choice else { throw .broken("labels without how they were chosen") }
        try vocabulary.check(choice)
        try vocabulary.check(header.labels, of: choice)
    }

    /// Cells of the latent grid: four times those that a daemon reads at most.
    private static let latentLimit: UInt32 = 1024 * 1024

    /// The answer, once the stream has ended.
    ///
    /// - Throws: `dataLoss` if a message is missing
    package func answer() throws(RPCStatus) -> CompleteAnswer {
        guard let header, let mask, let trailer,
            maps.count == (request.maps == .none ? 0 : header.labels.count)
        else { throw .broken("an end before everything was there") }
        return CompleteAnswer(
            header: header, requestedMaps: request.maps, maps: maps, indices: mask.indices, counts: mask.counts,
            trailer: trailer)
    }
}
