import Glibc
import RPC

/// The real `dsegd serve` with the embedded demo model, and the real `dseg` that asks it.
final class Daemon {
    let socket: String
    let program: Program
    private let directory: TemporaryDirectory

    /// Starts it and waits until it answers.
    init(_ options: String...) throws {
        directory = try TemporaryDirectory()
        let socket = "\(directory.path)/dseg.sock"
        program = try Program([Repository.dsegd, "serve", "--socket", socket] + options)
        self.socket = socket
        guard eventually({ program.hasEnded || (try? Client(path: socket).health()) == true }),
            !program.hasEnded
        else { throw RPCStatus(.unavailable, "The daemon does not answer: \(program.errors)") }
    }

    func client() throws(RPCStatus) -> Client { try Client(path: socket) }

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
            case .header, .mask: break
            }
        }
        return (maps, hash)
    }
}
