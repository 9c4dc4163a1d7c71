import ArgumentParser
import Evaluation
import RPC
import Results

struct EvalCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "eval",
        abstract: "Measure on a data set how well words are found.",
        discussion: """
            Looks at each picture once, and prints each class's IoU and their mean: at the fixed threshold, and at the \
            best of the published sweep, beside the figures that are published for the recipe. A run that ends early \
            goes on when it is typed again.
            """)

    @OptionGroup var options: EvalOptions
    @OptionGroup var model: ModelOptions
    @OptionGroup var daemon: Daemon
    @OptionGroup var retrying: Retrying

    func validate() throws {
        try WithoutDaemon.checkAtDaemon(options.filter)
        if let model = model.model { try ModelOptions.check(model) }
    }

    func run() throws {
        let (daemon, retrying) = (daemon, retrying)
        try EvalRun.eval(options, model: model.requested) { daemon.asking(retrying.budget) }
    }
}
