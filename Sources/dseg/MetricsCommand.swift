import ArgumentParser
import RPC
import Results

struct MetricsCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "metrics",
        abstract: "Print what the daemon has counted, for Prometheus.",
        discussion: """
            In Prometheus' text format: calls by method and result, times of each stage, refusals, queue, connections, \
            models, caches, memory, the process. For node_exporter's textfile collector, have a timer run dseg metrics \
            -o DIR/dseg.prom in the collector's folder: the file is replaced as a whole, never read half. A program \
            that scrapes runs dseg metrics and reads standard output.
            """)

    @Option(
        name: .shortAndLong,
        help: ArgumentHelp(
            "The file to write, in place of one that is there; - for standard output.", valueName: "file"),
        completion: .file())
    var output = "-"

    @OptionGroup var daemon: Daemon

    func validate() throws {
        if output.isEmpty { throw ValidationError("-o names no file; type -o - for standard output") }
    }

    func run() throws {
        Interruption.watch()
        try MaskRun.exiting({ nil }) {
            let text = Array(Streams.lines(try daemon.metrics()).utf8)
            if output == "-" { try Streams.write(text) } else { try replaceFile(at: output, with: text) }
        }
    }
}
