import ArgumentParser
import RPC
import Results

struct FigureCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "figure",
        abstract: "Draw how labels were found in a picture: attention, stages, recipes.",
        discussion: """
            Writes IMAGE.KIND.figure.png: panels in rows, with captions. Maps go from black, their least value, to \
            pale yellow, their greatest; both stand below each. Attention is shown in its own cells, scores and masks \
            at the picture's size.
            """)

    @OptionGroup var options: FigureOptions
    @OptionGroup var model: ModelOptions
    @OptionGroup var daemon: Daemon
    @OptionGroup var retrying: Retrying

    func validate() throws {
        if let model = model.model { try ModelOptions.check(model) }
    }

    func run() throws {
        try FigureRun.figure(options, model: model.requested, ask: daemon.asking(retrying.budget))
    }
}
