import ArgumentParser
import RPC
import Results

struct ProcessesCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "ps",
        abstract: "List the models in the daemon's memory.",
        discussion: """
            Of each: its size, until when it stays, the calls that use it now, those that it answered, and how long \
            the last of them took (median, and 99 of 100), their waiting included. Below it the networks beside it; at \
            the end what is kept of pictures and words, and the memory that models take. Asking keeps no model longer.
            """)

    @Flag(help: "Print one JSON object instead.")
    var json = false

    @OptionGroup var daemon: Daemon

    func run() throws {
        try MaskRun.exiting({ nil }) {
            let report = StatusReport(try daemon.status(), user: UserName.of)
            try Streams.write(Array((json ? report.json : report.table).utf8))
            if !report.hasModels {
                Streams.say("no model is loaded; the next picture that is asked about loads one, and so does dseg warm")
            }
        }
    }
}
