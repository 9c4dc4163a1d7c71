import ArgumentParser
import RPC
import Results

@main
struct Dsegd: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "dsegd",
        abstract: "Find words in pictures: the daemon, and the tools that need its core.",
        version: Version.current,
        subcommands: [ServeCommand.self, MaskCommand.self, VerifyCommand.self, BenchCommand.self])

    static func main() {
        Streams.openStandardDescriptors()
        main(Program.arguments)
    }
}
