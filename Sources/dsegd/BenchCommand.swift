import ArgumentParser
import FoundationEssentials
import Segmentation

/// Times the engine that `serve` serves with.
struct BenchCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "bench",
        abstract: "Time each stage of the engine.",
        discussion: """
            Asks the engine the same question several times, cold each time, then for a new word and for a known one \
            on the known picture. Times are in milliseconds.
            """)

    @Option(help: "The model's folder. Without it: the demo model.", completion: .directory)
    var model: String?

    @Option(help: "The picture. Without it: a scene of the demo model.", completion: .file())
    var image: String?

    @Option(help: "The words, separated by commas.")
    var words = "boat,sheep"

    @Option(help: "How often to ask.")
    var repetitions = 3

    @Option(help: "How many threads compute. Without it: as many as there are processors.")
    var threads: Int?

    @Flag(help: "Print one JSON object.")
    var json = false

    func validate() throws {
        guard repetitions > 0 else { throw ValidationError("--repetitions \(repetitions): ask at least once") }
    }

    func run() throws {
        let start = ContinuousClock.now
        let engine = try Engine(serving: model, threads: threads, queueLimit: 1)
        var report = BenchReport(engine.status)
        report.add("load", start.duration(to: .now))
        let file = [UInt8](try Data(contentsOf: URL(filePath: image ?? Resources.benchPicture)))
        let labels = words.split(separator: ",").map { Segmentation.Label(name: String($0), phrases: []) }
        let joined = Segmentation.Label(name: labels.map(\.name).joined(separator: " "), phrases: [])
        let whole = try question(file, labels)
        let new = try question(file, [joined])
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
        print(json ? try report.encoded() : report.table)
    }

    /// A cold question, then a new word and a known one on the known picture.
    private struct Round: Sendable {
        let cold: Report
        let new: Duration
        let known: Duration
    }

    private func question(_ file: [UInt8], _ labels: [Segmentation.Label]) throws -> SegmentationRequest {
        try SegmentationRequest(
            picture: .file(file), labels: labels, recipe: Recipe(named: ""), forwardPrompt: nil, seed: 0,
            timestep: nil, threshold: nil, maps: .latent, wantsMask: true, model: "")
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
