import ArgumentParser
import RPC
import Results
import Segmentation
import Server

/// `dseg mask` without a daemon: the same core, options and answers.
struct MaskCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "mask",
        abstract: "Answer one question in process: what dseg mask does, without a daemon.")

    @OptionGroup var options: MaskOptions

    @OptionGroup var computing: Computing

    func run() throws {
        try Questioning.mask(options, ask: ask)
    }

    private func ask(_ request: SegmentRequest, onReply: (SegmentReply) throws -> Void) throws {
        let question = try SegmentationRequest(request)
        let events = try computing.engine().finish { segmenter throws(SegmentationError) in
            var events: [SegmentationEvent] = []
            try segmenter.answer(question) { events.append($0) }
            return events
        }
        for event in events { try onReply(SegmentReply(event, encoding: request.encoding)) }
    }
}
