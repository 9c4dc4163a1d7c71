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

    @OptionGroup var engineOptions: EngineOptions

    func run() throws {
        try MaskRun.mask(options, ask: asking())
    }

    /// Loads the model at the first request.
    private func asking() -> Asking {
        var loaded: Engine?
        return { message, onReply in
            let question = try SegmentationRequest(message)
            let engine = try loaded ?? engineOptions.engine()
            loaded = engine
            let events = try engine.perform { segmenter throws(SegmentationError) in
                var events: [SegmentationEvent] = []
                try segmenter.answer(question) { events.append($0) }
                return events
            }
            for event in events { try onReply(SegmentReply(event, encoding: message.encoding)) }
        }
    }
}
