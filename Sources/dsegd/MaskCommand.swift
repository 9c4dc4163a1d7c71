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

    @Option(help: "The model's folder (default: the embedded demo model).", completion: .directory)
    var model: String?

    @Option(help: "Threads that compute (default: as many as there are processors).")
    var threads: Int?

    func run() throws {
        try Questioning.mask(options, ask: ask)
    }

    private func ask(_ request: SegmentRequest, onReply: (SegmentReply) throws -> Void) throws {
        let question = try SegmentationRequest(request)
        let engine = try Engine(serving: model, threads: threads, queueLimit: 1)
        let events = try answered { () throws(SegmentationError) in
            try engine.finish { segmenter throws(SegmentationError) in
                var events: [SegmentationEvent] = []
                try segmenter.answer(question) { events.append($0) }
                return events
            }
        }
        for event in events { try onReply(SegmentReply(event, encoding: request.encoding)) }
    }

    /// Errors as a daemon would send them.
    private func answered<Result>(_ body: () throws(SegmentationError) -> Result) throws(RPCStatus) -> Result {
        do throws(SegmentationError) {
            return try body()
        } catch {
            throw RPCStatus(error)
        }
    }
}
