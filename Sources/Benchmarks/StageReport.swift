import FoundationEssentials
import Glibc
import Segmentation

/// Times of each stage of an engine in this process, with machine, model and memory.
struct StageReport: Encodable {
    struct Times: Encodable {
        private(set) var milliseconds: [Float] = []

        private enum Keys: String, CodingKey {
            case min, median, count
        }

        mutating func add(_ time: Float) { milliseconds.append(time) }

        var least: Float { milliseconds.min() ?? 0 }
        var median: Float { milliseconds.sorted()[milliseconds.count / 2] }

        func encode(to encoder: any Encoder) throws {
            var container = encoder.container(keyedBy: Keys.self)
            try container.encode(least, forKey: .min)
            try container.encode(median, forKey: .median)
            try container.encode(milliseconds.count, forKey: .count)
        }
    }

    private enum CodingKeys: String, CodingKey {
        case schema, model, hash, precision, threads, machine, blas
        case instructionSet = "instruction_set"
        case weightBytes = "weight_bytes"
        case peakBytes = "peak_bytes"
        case answerHash = "answer_hash"
        case stages
    }

    private let schema = 1
    private let model: String
    private let hash: String
    private let precision: String
    private let threads: Int
    private let machine = Machine.processor
    private let instructionSet: String
    private let blas: String
    private let weightBytes: Int
    private var peakBytes = 0
    private var answerHash = ""
    private var stages: [String: Times] = [:]

    init(_ engine: EngineStatus) {
        threads = engine.threads
        instructionSet = engine.instructionSet
        blas = engine.blas
        let loaded = engine.models.first?.networks.first
        model = loaded?.name ?? ""
        hash = loaded?.hash ?? ""
        precision = loaded?.precision ?? ""
        weightBytes = loaded?.bytes ?? 0
    }

    mutating func add(_ stage: String, _ time: Duration) {
        stages[stage, default: Times()].add(time.milliseconds)
    }

    mutating func add(_ report: Report) {
        for (stage, time) in [
            ("decode", report.decode), ("autoencoder", report.autoencoder), ("text", report.text),
            ("unet", report.unet), ("maps", report.maps),
        ] {
            stages[stage, default: Times()].add(time)
        }
        answerHash = report.answerHash
        var usage = rusage()
        unsafe getrusage(__rusage_who_t(RUSAGE_SELF.rawValue), &usage)
        peakBytes = usage.ru_maxrss * 1024
    }

    /// The report as text: a line for each stage, then the machine.
    var table: String {
        let lines = stages.sorted { $0.key < $1.key }.map { stage, times in
            stage + String(repeating: " ", count: 12 - stage.count) + "\(times.least) ms min, \(times.median) ms median"
        }
        return
            (lines + [
                "\(threads) threads, \(instructionSet), \(blas), \(machine)",
                "peak memory \(peakBytes >> 20) MiB, weights \(weightBytes >> 20) MiB (\(precision))",
                "answer \(answerHash)",
            ]).joined(separator: "\n")
    }
}
