import ArgumentParser
import FoundationEssentials
import Kernels
import RPC
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
        for _ in 0..<repetitions {
            let answer = try ask(engine, file, labels, cold: true)
            report.add(answer)
            let other = Segmentation.Label(name: labels.map(\.name).joined(separator: " "), phrases: [])
            report.add("new_word", try timed { try ask(engine, file, [other], cold: false) })
            report.add("known_word", try timed { try ask(engine, file, [labels[0]], cold: false) })
        }
        engine.drain()
        print(json ? try report.encoded() : report.table)
    }

    private func timed(_ body: () throws -> Report) rethrows -> Duration {
        let start = ContinuousClock.now
        _ = try body()
        return start.duration(to: .now)
    }

    /// Waits for the engine's answer.
    private func ask(_ engine: Engine, _ file: [UInt8], _ labels: [Segmentation.Label], cold: Bool) throws -> Report {
        let request = try SegmentationRequest(
            picture: .file(file), labels: labels, recipe: Recipe(named: ""), forwardPrompt: nil, seed: 0,
            timestep: nil, threshold: nil, maps: .latent, wantsMask: true, model: "")
        for case .report(let report) in try engine.answer(request, cold: cold) { return report }
        throw RPCStatus(.internal, "An answer without a report.")
    }
}
