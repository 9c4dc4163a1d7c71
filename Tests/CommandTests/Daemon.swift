import RPC
import Support

extension Daemon {
    /// Runs `dseg` with this daemon.
    func dseg(_ arguments: [String], input: [UInt8] = []) throws -> Program.Ending {
        try run([Repository.dseg] + arguments + ["--socket", socket], input: input)
    }
}

extension Client {
    /// A question's score maps and the hash of its answer.
    func scores(_ request: SegmentRequest) throws -> (maps: [ScoreMap], hash: String) {
        var maps: [ScoreMap] = []
        var hash = ""
        try segment(request) { reply in
            switch reply {
            case .scoreMap(let map): maps.append(map)
            case .trailer(let trailer): hash = trailer.answerHash
            case .header, .mask, .loading, .probed: break
            }
        }
        return (maps, hash)
    }

    /// A question as it was understood, and by what it was answered.
    func header(_ request: SegmentRequest) throws -> Header {
        var header: Header?
        try segment(request) { if case .header(let first) = $0 { header = first } }
        guard let header else { throw RPCStatus(.dataLoss, "no header") }
        return header
    }
}
