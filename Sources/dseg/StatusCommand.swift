import ArgumentParser
import RPC
import Results

struct StatusCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "status",
        abstract: "Show the daemon's models, queue and caches.")

    @Flag(help: "Print one JSON object instead.")
    var json = false

    @OptionGroup var daemon: Daemon

    func run() throws {
        try MaskRun.exiting({ nil }) {
            let report = StatusReport(try daemon.status(), user: UserName.of)
            try Streams.write(Array((json ? report.json : report.summary).utf8))
        }
    }
}
