import ArgumentParser

@main
struct Dsegd: ParsableCommand {
    static let configuration = CommandConfiguration(commandName: "dsegd", subcommands: [VerifyCommand.self, BenchCommand.self])
}
