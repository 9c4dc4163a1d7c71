import ArgumentParser
import RPC
import Results

struct WordsCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "words",
        abstract: "Say what is in a picture, and why.",
        discussion: """
            Prints a caption, the things that it names, and a line for each candidate, or for each of those things: \
            whether it is in the picture, and what was measured of how much that takes. Those that are come first. \
            Several pictures may be given; the first argument that is no picture begins the words.
            """)

    @OptionGroup var options: WordsOptions
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
        try WordsRun.words(options, model: model.requested, ask: daemon.describing(retrying.budget))
    }
}
