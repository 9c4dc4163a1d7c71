import ArgumentParser
import RPC
import Results

@main
struct Dsegd: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "dsegd",
        abstract: "Find words in pictures: the daemon, and one question without it.",
        version: Version.current,
        subcommands: [ServeCommand.self, MaskCommand.self])

    static func main() {
        Streams.openStandardDescriptors()
        main(Program.arguments)
    }
}
