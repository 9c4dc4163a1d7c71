import ArgumentParser
import Results

/// `dseg explain` without a daemon: the same engine, options and answers.
struct ExplainCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "explain",
        abstract: "Do what dseg explain does in this process, without a daemon.")

    @OptionGroup var options: ExplainOptions
    @OptionGroup var networks: LocalNetworks

    func validate() throws { try networks.check(options.filter) }

    func run() throws {
        try ExplainRun.explain(options, model: .unnamed, ask: networks.asking(options.filter))
    }
}
