package import RPC
import Texts

/// The whole answer to one `Segment` request.
package struct CompleteAnswer: Sendable {
    package let header: Header
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
        if trailer != nil { throw Self.broken("a message after the trailer") }
        switch reply {
        case .header(let header):
            if self.header != nil { throw Self.broken("a second header") }
            try check(header)
            self.header = header
        case .scoreMap(let map):
            guard let header, request.maps != .none, map.label == maps.count, maps.count < request.labels.count
            else { throw Self.broken("a score map out of its place") }
            let (width, height) =
                request.maps == .sized
                ? (header.width, header.height) : (header.latentWidth, header.latentHeight)
            guard map.width == width, map.height == height, map.encoding == request.encoding
            else { throw Self.broken("a score map of \(map.width) x \(map.height) in place of \(width) x \(height)") }
            // With this bound differences of scores do not overflow f32.
            guard abs(map.scale) <= 1e30, abs(map.offset) <= 1e30 else { throw Self.broken("scores beyond all bounds") }
            maps.append(map)
        case .mask(let mask):
            guard let header, self.mask == nil else { throw Self.broken("a mask out of its place") }
            guard mask.width == header.width, mask.height == header.height,
                mask.counts.count == request.labels.count + 1
            else { throw Self.broken("a mask that does not fit the picture and the labels") }
            self.mask = (try mask.indices(), mask.counts)
        case .trailer(let trailer):
            self.trailer = trailer
        }
    }

    /// Checks that a header repeats what the request says.
    private func check(_ header: Header) throws(RPCStatus) {
        func isSame(_ text: String, _ other: String) -> Bool { ExactString(text) == ExactString(other) }
        guard header.labels.count == request.labels.count else { throw Self.broken("labels that were not asked for") }
        for (label, asked) in zip(header.labels, request.labels) {
            let phrases = asked.phrases.isEmpty ? [Phrase(words: asked.name)] : asked.phrases
            guard isSame(label.name, asked.name), label.phrases.count == phrases.count,
                zip(label.phrases, phrases).allSatisfy({
                    isSame($0.words, $1.words) && ($1.prompt.isEmpty || isSame($0.prompt, $1.prompt))
                })
            else { throw Self.broken("labels that were not asked for") }
        }
        guard header.width > 0, header.height > 0 else { throw Self.broken("an empty picture") }
        guard size.map({ $0.width == Int(header.width) && $0.height == Int(header.height) }) ?? true else {
            throw Self.broken("a picture of another size")
        }
        let latent = header.latentWidth.multipliedReportingOverflow(by: header.latentHeight)
        guard !latent.overflow, (1...Self.latentLimit).contains(latent.partialValue) else {
            throw Self.broken("a latent grid of \(header.latentWidth) x \(header.latentHeight)")
        }
        guard (0...1).contains(header.threshold) else { throw Self.broken("a threshold that is none") }
        // The daemon chooses what a request leaves out; a seed of 0 is left out.
        let isAnswered =
            (request.seed == 0 || request.seed == header.seed) && request.timestep.map { $0 == header.timestep } ?? true
            && request.threshold.map { $0 == header.threshold } ?? true
            && (request.recipe.isEmpty || isSame(request.recipe, header.recipe)
                || isSame(request.recipe, String(header.recipe.prefix { $0 != ":" })))
            && request.forwardPrompt.map { asked in header.forwardPrompt.map { isSame(asked, $0) } ?? false } ?? true
            && (request.model.isEmpty || isSame(request.model, header.model) || isSame(request.model, header.modelHash))
        guard isAnswered else { throw Self.broken("another question's recipe, model or numbers") }
        // A setting of the recipe's own value, which the daemon alone knows, is not told back.
        var asked = request.settings.map(WrittenSetting.init)
        for setting in header.settings.map(WrittenSetting.init) {
            guard let place = asked.firstIndex(where: setting.means)
            else { throw Self.broken("settings that were not asked for") }
            asked.remove(at: place)
        }
    }

    /// Cells of the latent grid: four times those that a daemon reads at most.
    private static let latentLimit: UInt32 = 1024 * 1024

    /// The answer, once the stream has ended.
    ///
    /// - Throws: `dataLoss` if a message is missing
    package func answer() throws(RPCStatus) -> CompleteAnswer {
        guard let header, let mask, let trailer,
            maps.count == (request.maps == .none ? 0 : request.labels.count)
        else { throw Self.broken("an end before everything was there") }
        return CompleteAnswer(
            header: header, requestedMaps: request.maps, maps: maps, indices: mask.indices, counts: mask.counts,
            trailer: trailer)
    }

    private static func broken(_ what: String) -> RPCStatus {
        RPCStatus(.dataLoss, "The answer is broken (\(what)); is the daemon of another version?")
    }
}

/// A setting, `key=value`, as a person or a daemon spells it.
private struct WrittenSetting {
    private let key: ExactString
    /// Numbers have commas between them, or an x.
    private let values: [Substring]

    init(_ text: String) {
        let parts = text.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
        key = ExactString(parts.first.map(String.init) ?? "")
        values = parts.dropFirst().flatMap {
            $0.split(omittingEmptySubsequences: false) { $0 == "," || $0 == "x" }
        }
    }

    /// Whether both have the same key and value: the same text, or other spellings of the same numbers.
    func means(_ other: Self) -> Bool {
        key == other.key && values.count == other.values.count
            && zip(values, other.values).allSatisfy { one, other in
                if ExactString(String(one)) == ExactString(String(other)) { return true }
                guard let one = Float(one), let other = Float(other) else { return false }
                return one == other
            }
    }
}
