import FoundationEssentials

/// The table of `dseg-bench --peer`.
struct PeerReport: Encodable {
    /// A stage, our figure, the peer's, and whether ours is within its limit; `nil` where there is no figure.
    struct Row: Encodable {
        let stage: Stage
        let title: String
        let unit: Stage.Unit
        /// The median of `samples`.
        let ours: Double?
        let samples: [Double]
        let peer: Double?
        /// `ours / peer`.
        let ratio: Double?
        /// The upper limit of `ours`, in the row's unit.
        let must: Double?
        /// The limit as a share of `peer`; `nil` where it is absolute.
        let mustOfPeer: Double?
        let holds: Bool?

        private enum CodingKeys: String, CodingKey {
            case stage, title, unit, ours, samples, peer, ratio, must, holds
            case mustOfPeer = "must_of_peer"
        }

        init(_ stage: Stage, _ samples: [Double], peer: Double?) {
            let ours = median(samples)
            self.ours = ours
            self.samples = samples
            self.stage = stage
            title = stage.title
            unit = stage.unit
            self.peer = peer
            ratio = if let ours, let peer, peer > 0 { ours / peer } else { nil }
            switch stage.limit {
            case .absolute(let limit): (must, mustOfPeer) = (limit, nil)
            case .ofPeer(let share): (must, mustOfPeer) = (peer.map { $0 * share }, share)
            }
            holds = if let ours, let must { ours <= must } else { nil }
        }

        /// Writes every key in every row, `null` for `nil`: the synthesised method leaves those keys out.
        func encode(to encoder: any Encoder) throws {
            var container = encoder.container(keyedBy: CodingKeys.self)
            try container.encode(stage, forKey: .stage)
            try container.encode(title, forKey: .title)
            try container.encode(unit, forKey: .unit)
            try container.encode(ours, forKey: .ours)
            try container.encode(samples, forKey: .samples)
            try container.encode(peer, forKey: .peer)
            try container.encode(ratio, forKey: .ratio)
            try container.encode(must, forKey: .must)
            try container.encode(mustOfPeer, forKey: .mustOfPeer)
            try container.encode(holds, forKey: .holds)
        }

        var cells: [String] {
            let limit = mustOfPeer.map { Figure.ratio($0) + " of it" } ?? must.map(stage.figure) ?? "-"
            return [
                title, ours.map(stage.figure) ?? "-", peer.map(stage.figure) ?? "-",
                ratio.map(Figure.ratio) ?? "-", limit, holds.map { $0 ? "ok" : "no" } ?? "-",
            ]
        }
    }

    private enum CodingKeys: String, CodingKey {
        case schema, machine, threads, model, hash, precision, repetitions, rows, peer, rest
        case pictureSide = "picture_side"
    }

    private let schema = 1
    private let machine = Machine.processor
    let threads: Int
    let model: String
    let hash: String
    let precision: String
    let pictureSide: Int
    let repetitions: Int
    let rows: [Row]
    let peer: PeerTimes
    let rest: Rounds.Rest?

    /// The table as text.
    var table: String {
        var table = Table(["", "dseg", "PyTorch", "ratio", "must", ""])
        for row in rows { table.add(row.cells) }
        var lines = [table.text, ""]
        lines.append("\(threads) threads, \(machine); \(model) (\(precision)), pictures of \(pictureSide) px")
        lines.append("limits are those of Stable Diffusion 1.5; times are medians of \(repetitions) rounds and more")
        if let rest { lines.append(line(rest)) }
        return (lines + peerLines).joined(separator: "\n")
    }

    private func line(_ rest: Rounds.Rest) -> String {
        let (all, own, file) = (rest.memory.resident, rest.memory.anonymous, rest.memory.file)
        return """
            at rest: \(bytes(all)) resident (\(bytes(own)) anonymous, \(bytes(file)) of files), less \
            \(bytes(rest.picturesBytes)) of \(rest.pictures) pictures and \(bytes(rest.wordsBytes)) of words
            """
    }

    private var peerLines: [String] {
        if let absent = peer.absent { return ["no PyTorch to compare with: \(absent)"] }
        let versions = peer.libraries.sorted { $0.key < $1.key }.map { "\($0.key) \($0.value)" }
        return [versions.joined(separator: ", ")]
            + peer.outcomes.map { "  \($0.task.stage) \($0.task.variant): \($0.outcome.text)" }
    }

    private func bytes(_ count: Int) -> String { Figure.bytes(Double(count)) }
}
