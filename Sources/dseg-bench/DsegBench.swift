import ArgumentParser
import Benchmarks
import RPC
import Results
import Verification

@main
struct DsegBench: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "dseg-bench",
        abstract: "Measure the engine, and hold it against reference numbers.",
        version: Version.current,
        subcommands: [BenchCommand.self, VerifyCommand.self],
        defaultSubcommand: BenchCommand.self)

    static func main() {
        Streams.openStandardDescriptors()
        main(Program.arguments)
    }
}
