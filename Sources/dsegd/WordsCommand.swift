import ArgumentParser
import LocalEngine
import RPC
import Results
import Segmentation
import Server

/// `dseg words` without a daemon: the same engine, options and answers.
struct WordsCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "words",
        abstract: "Do what dseg words does in this process, without a daemon.")

    @OptionGroup var options: WordsOptions
    @OptionGroup var networks: LocalNetworks

    func validate() throws { try networks.check(options.filter) }

    func run() throws {
        try WordsRun.words(options, model: .unnamed, ask: describing())
    }

    private func describing() -> Results.Describing {
        let engine = networks.loading(options.filter)
        return { message, onReply in
            let request = try DescriptionRequest(message)
            let parts = try engine().perform { segmenter throws(SegmentationError) in try segmenter.answer(request) }
            for part in parts { try onReply(DescribeReply(part)) }
        }
    }
}
