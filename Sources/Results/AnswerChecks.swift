package import RPC
import Texts

/// Checks that the messages of a `Segment` stream answer its request, each in its place. Keeps none of the maps, so
/// that whoever uses each as it comes needs memory for one.
package struct AnswerChecks: Sendable {
    private let request: SegmentRequest
    private let size: (width: Int, height: Int)?
    private var header: Header?
    /// That came.
    private var maps = 0
    private var hasMask = false
    private var trailer: Trailer?

    /// - Parameter size: the picture's, if known
    package init(of request: SegmentRequest, size: (width: Int, height: Int)?) {
        self.request = request
        self.size = size
    }

    /// Checks the next message.
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
            guard let header, request.maps != .none, map.label == maps, maps < header.labels.count
            else { throw .broken("a score map out of its place") }
            let (width, height) = mapSize(header)
            guard map.width == width, map.height == height
            else { throw .broken("a score map of \(map.width) x \(map.height) in place of \(width) x \(height)") }
            try check(map)
            maps += 1
        case .probed(let probed):
            guard let header, probed.probe < request.probes.count, probed.map.label < header.labels.count
            else { throw .broken("a map that no probe asked for") }
            let cells = probed.map.width.multipliedReportingOverflow(by: probed.map.height)
            guard !cells.overflow, (1...Self.latentLimit).contains(cells.partialValue)
            else { throw .broken("a probed map of \(probed.map.width) x \(probed.map.height)") }
            try check(probed.map)
        case .mask(let mask):
            guard let header, request.mask, !hasMask else { throw .broken("a mask out of its place") }
            guard mask.width == header.width, mask.height == header.height,
                mask.counts.count == header.labels.count + 1
            else { throw .broken("a mask that does not fit the picture and the labels") }
            hasMask = true
        case .trailer(let trailer):
            self.trailer = trailer
        case .loading:
            guard request.progress, header == nil else { throw .broken("a model's loading out of its place") }
        }
    }

    /// The first and the last message, once the stream has ended.
    ///
    /// - Throws: `dataLoss` if a message is missing
    package func ends() throws(RPCStatus) -> (header: Header, trailer: Trailer) {
        guard let header, let trailer, hasMask == request.mask,
            maps == (request.maps == .none ? 0 : header.labels.count)
        else { throw .broken("an end before everything was there") }
        return (header, trailer)
    }

    /// Of each score map.
    private func mapSize(_ header: Header) -> (width: UInt32, height: UInt32) {
        guard request.maps == .sized else { return (header.latentWidth, header.latentHeight) }
        return request.mapWidth > 0 ? (request.mapWidth, request.mapHeight) : (header.width, header.height)
    }

    private func check(_ map: ScoreMap) throws(RPCStatus) {
        guard map.encoding == request.encoding else { throw .broken("scores in another encoding") }
        // With this bound differences of scores do not overflow f32.
        guard abs(map.scale) <= 1e30, abs(map.offset) <= 1e30 else { throw .broken("scores beyond all bounds") }
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
}
