import ArgumentParser
import RPC
import Results

struct StatusCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "status",
        abstract: "Show the daemon's model, queue and caches.")

    @OptionGroup var daemon: Daemon

    func run() throws {
        try MaskRun.exiting({ nil }) {
            let status = try daemon.status()
            try Streams.write(Array(lines(status).map { Streams.printable($0) + "\n" }.joined().utf8))
        }
    }

    private func lines(_ status: StatusReply) -> [String] {
        let models = status.models.map { model in
            let role = ["", "segmenter"].contains(model.role) ? "model" : model.role
            let gap = String(repeating: " ", count: max(1, 10 - role.count))
            return "\(role)\(gap)"
                + "\(model.name), \(mebibytes(model.bytes)), \(model.precision), \(model.hash.prefix(12))"
        }
        let seconds = status.uptimeMilliseconds / 1000
        return ["dsegd     \(status.version), up \(seconds) s, \(status.threads) threads"] + models + [
            "queue     \(status.queued) of \(status.queueLimit), "
                + "\(status.answered) answered, \(status.refused) refused",
            "pictures  \(status.pictures), \(mebibytes(status.picturesBytes)) of \(mebibytes(status.picturesLimit))",
            "words     \(status.words), \(mebibytes(status.wordsBytes)) of \(mebibytes(status.wordsLimit))",
        ]
    }

    private func mebibytes(_ bytes: UInt64) -> String {
        let tenths = bytes / (1 << 20) * 10 + bytes % (1 << 20) * 10 / (1 << 20)
        return "\(tenths / 10).\(tenths % 10) MiB"
    }
}
