import ArgumentParser
import RPC
import Results

struct ExplainCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "explain",
        abstract: "Say which labels claim a pixel, and where else it looks.",
        discussion: """
            Prints each label's score at the pixel, the highest first, and the background among them: those above it \
            claim the pixel, and the first has it. Writes IMAGE.X,Y.attention.png: the pixel's self-attention as a \
            heat map, white where it looks most.
            """)

    @OptionGroup var options: ExplainOptions
    @OptionGroup var model: ModelOptions
    @OptionGroup var daemon: Daemon
    @OptionGroup var retrying: Retrying
    @OptionGroup var withoutDaemon: WithoutDaemon

    func validate() throws {
        try withoutDaemon.check(options.filter)
        try model.check(withoutDaemon)
    }

    func run() throws {
        try withoutDaemon.becomeDaemonProgram()
        try ExplainRun.explain(options, model: model.requested, ask: daemon.asking(retrying.budget))
    }
}
