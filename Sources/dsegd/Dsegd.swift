import ArgumentParser

@main
struct Dsegd: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "dsegd",
        abstract: "Find words in pictures: the daemon, and the tools that need its core.",
        subcommands: [ServeCommand.self, VerifyCommand.self, BenchCommand.self])
}
