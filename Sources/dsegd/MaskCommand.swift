import ArgumentParser
import LocalEngine
import RPC
import Results
import Segmentation
import Server

/// `dseg mask` without a daemon: the same engine, options and answers.
struct MaskCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "mask",
        abstract: "Do what dseg mask does in this process, without a daemon.")

    @OptionGroup var options: MaskOptions
    @OptionGroup var networks: LocalNetworks

    func validate() throws { try networks.check(options.filter) }

    func run() throws {
        try MaskRun.mask(options, model: .unnamed, ask: asking())
    }

    private func asking() -> Asking {
        let engine = networks.loading(options.filter)
        return { message, onReply in
            let question = try SegmentationRequest(message)
            let replies = try engine().perform { segmenter throws(SegmentationError) in
                var replies: [Result<SegmentReply, RPCStatus>] = []
                // Encoded one by one, for score maps of the picture's size take too much memory as they are.
                try segmenter.answer(question) { event in
                    replies.append(
                        Result { () throws(RPCStatus) in try SegmentReply(event, encoding: message.encoding) })
                }
                return replies
            }
            for reply in replies { try onReply(reply.get()) }
        }
    }
}
