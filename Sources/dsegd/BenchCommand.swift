import ArgumentParser
import RPC
import Results
import Segmentation
import Server

/// Times the engine that `serve` serves with.
struct BenchCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "bench",
        abstract: "Time each stage of the engine.",
        discussion: """
            Asks the engine the same question several times, cold each time, then for a new word and for a known one \
            on the known picture. Times are in milliseconds.
            """)

    @Option(help: "The picture (default: a scene of the demo model).", completion: .file())
    var image: String?

    @Option(help: "The words, as dseg mask takes them.")
    var words = "boat,sheep"

    @Option(help: "How often to ask.")
    var repetitions = 3

    @OptionGroup var computing: Computing

    @Flag(help: "Print one JSON object.")
    var json = false

    func validate() throws {
        guard repetitions > 0 else { throw ValidationError("--repetitions \(repetitions): ask at least once") }
    }

    func run() throws {
        var picture: [UInt8]?
        try Questioning.exiting({ picture }) {
            let labels = try WordList([words]).labels
            let file = try InputFile.bytes(at: image ?? Resources.benchPicture)
            picture = file
            let report = try report(file, labels)
            try Streams.write(Array((json ? try report.encoded() : report.table).utf8) + [0x0A])
        }
    }

    private func report(_ file: [UInt8], _ labels: [RPC.Label]) throws -> BenchReport {
        let start = ContinuousClock.now
        let engine = try computing.engine()
        var report = BenchReport(engine.status)
        report.add("load", start.duration(to: .now))
        let whole = try question(file, labels)
        let new = try question(file, [RPC.Label(name: (labels + [labels[0]]).map(\.name).joined(separator: " "))])
        let known = try question(file, [labels[0]])
        let rounds = try engine.finish { [repetitions] segmenter throws(SegmentationError) in
            var rounds: [Round] = []
            for _ in 0..<repetitions {
                segmenter.forget()
                rounds.append(
                    Round(
                        cold: try Self.answer(segmenter, whole).report, new: try Self.answer(segmenter, new).time,
                        known: try Self.answer(segmenter, known).time))
            }
            return rounds
        }
        for round in rounds {
            report.add(round.cold)
            report.add("new_word", round.new)
            report.add("known_word", round.known)
        }
        return report
    }

    /// A cold question, then a new word and a known one on the known picture.
    private struct Round: Sendable {
        let cold: Report
        let new: Duration
        let known: Duration
    }

    /// What a client would ask.
    private func question(_ file: [UInt8], _ labels: [RPC.Label]) throws -> SegmentationRequest {
        try SegmentationRequest(SegmentRequest(picture: .image(file), labels: labels, mask: true))
    }

    private static func answer(
        _ segmenter: Segmenter, _ request: SegmentationRequest
    ) throws(SegmentationError) -> (report: Report, time: Duration) {
        let start = ContinuousClock.now
        var report = Report()
        try segmenter.answer(request) { event in
            if case .report(let last) = event { report = last }
        }
        return (report, start.duration(to: .now))
    }
}
