import ArgumentParser
import Results

struct RedoCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "redo",
        abstract: "Recreate a file that dseg wrote, bit for bit.",
        discussion: """
            Every PNG and JSON that dseg writes says how it was made: picture, words, prompts, recipe, seed, model. \
            The file is computed and written anew; a different version or model is reported on standard error.
            """)

    @Argument(help: "A PNG or JSON file that dseg wrote.", completion: .file())
    var file: String

    @OptionGroup var kept: KeepAliveOption
    @OptionGroup var daemon: Daemon
    @OptionGroup var retrying: Retrying

    func run() throws {
        try MaskRun.redo(file, keepAlive: kept.keepAlive, ask: daemon.asking(retrying.budget))
    }
}
