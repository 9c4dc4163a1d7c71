import FoundationEssentials
import LocalEngine
import RPC
import Results

/// PyTorch on this machine: each stage in each variant is timed in a process of its own, for a limited time.
struct Peer {
    /// A stage of the pipeline in one variant.
    struct Task: Encodable, Equatable {
        let stage: String
        let variant: String

        private static let variants = ["f32", "bf16", "f32-compiled", "bf16-compiled"]

        /// - Parameters:
        ///   - captioner, filter: whether these are timed; a caption in f32 is, as part of the published program
        static func all(captioner: Bool, filter: Bool) -> [Task] {
            let stages =
                [("autoencoder", variants), ("unet", variants), ("text", ["f32", "f32-compiled"])]
                + [("explicit", ["f32"]), ("caption", captioner ? variants : ["f32"])]
                + (filter ? [("picture", variants), ("texts", variants)] : [])
            return stages.flatMap { stage, variants in variants.map { Task(stage: stage, variant: $0) } }
        }
    }

    /// The outcome of timing a task.
    enum Outcome {
        case seconds([Double])
        case skipped(String)
        case cutOff(after: Duration)
        case failed(String)

        /// For the table.
        var text: String {
            switch self {
            case .seconds(let times): median(times).map(Figure.time) ?? "no time"
            case .skipped(let reason): "skipped (\(reason))"
            case .cutOff(let limit): "cut off after \(Figure.time(limit.inSeconds))"
            case .failed(let reason): "failed (\(reason))"
            }
        }
    }

    /// A path, or a name that is looked for along PATH.
    let python: String
    /// The model's folder, whose configurations give the networks' sizes.
    let model: String
    /// Folders of a captioner and of a filter; `nil`: not timed.
    let captioner, filter: String?
    /// Tokens of the texts that a filter reads.
    let textLength: Int
    let threads: Int
    let repetitions: Int
    /// Time limit of each task.
    let limit: Duration

    private static var script: String { "\(ShippedFiles.folder(of: "Benchmarks"))/stages.py" }

    /// The Python that was asked for, by option or by `DSEG_PYTHON`; else `python3`.
    static func python(explicit: String?) -> String {
        explicit ?? SocketPath.environment("DSEG_PYTHON").flatMap { $0.isEmpty ? nil : $0 } ?? "python3"
    }

    /// The versions of torch, diffusers and transformers.
    ///
    /// - Throws: `AbsentPeer`
    func libraries() throws(AbsentPeer) -> [String: String] {
        do {
            let child = try ChildProcess(python, as: python, [Self.script, "check"])
            guard let code = child.ending(within: limit) else {
                throw AbsentPeer("\(python) was cut off after \(Figure.time(limit.inSeconds))")
            }
            guard code == 0 else { throw AbsentPeer("\(python): \(child.lastError)") }
            guard let line = child.output.split(separator: "\n").last,
                let versions = try? JSONDecoder().decode([String: String].self, from: Data(line.utf8))
            else { throw AbsentPeer("\(python) did not tell the versions of torch, diffusers and transformers") }
            return versions
        } catch let absent as AbsentPeer {
            throw absent
        } catch {
            throw AbsentPeer("\(error)")
        }
    }

    func time(_ task: Task) -> Outcome {
        do throws(UnstartedChild) {
            let child = try ChildProcess(
                python, as: python,
                [
                    Self.script, task.stage, task.variant, "--model", model, "--threads", "\(threads)",
                    "--repetitions", "\(repetitions)", "--length", "\(max(textLength, 2))",
                ] + (captioner.map { ["--captioner", $0] } ?? []) + (filter.map { ["--filter", $0] } ?? []))
            let code = child.ending(within: limit)
            let lines = child.output.split(separator: "\n").compactMap { line in
                try? JSONDecoder().decode(Line.self, from: Data(line.utf8))
            }
            if let reason = lines.compactMap(\.skipped).first { return .skipped(reason) }
            // Runs that were complete before the child was killed count.
            let times = lines.compactMap(\.seconds)
            if !times.isEmpty { return .seconds(times) }
            guard let code else { return .cutOff(after: limit) }
            return .failed(code == 0 ? "it told no time" : child.lastError)
        } catch {
            return .failed("\(error)")
        }
    }

    /// A line that `stages.py` prints.
    private struct Line: Decodable {
        let seconds: Double?
        let skipped: String?
    }
}

/// Why PyTorch cannot be timed.
struct AbsentPeer: Error {
    let reason: String

    init(_ reason: String) { self.reason = reason }
}

/// The peer's times, and the figures of the table that follow from them.
struct PeerTimes: Encodable {
    private(set) var outcomes: [(task: Peer.Task, outcome: Peer.Outcome)] = []
    var libraries: [String: String] = [:]
    /// Why there are no times.
    var absent: String?

    mutating func add(_ task: Peer.Task, _ outcome: Peer.Outcome) { outcomes.append((task, outcome)) }

    /// The best median over a stage's variants.
    private func best(_ stage: String) -> Double? {
        outcomes.filter { $0.task.stage == stage }.compactMap { median($0.outcome) }.min()
    }

    private func f32(_ stage: String) -> Double? {
        outcomes.first { $0.task == Peer.Task(stage: stage, variant: "f32") }.flatMap { median($0.outcome) }
    }

    private func median(_ outcome: Peer.Outcome) -> Double? {
        if case .seconds(let times) = outcome { Benchmarks.median(times) } else { nil }
    }

    /// The peer's figure for a row; `nil` where it has none.
    ///
    /// The published reference encodes the picture, then makes a pass with explicit attention and a caption for each
    /// word, in f32.
    func seconds(_ stage: Stage) -> Double? {
        switch stage {
        case .autoencoder: return best("autoencoder")
        case .unet: return best("unet")
        case .text: return best("text")
        case .newPicture:
            guard let picture = f32("autoencoder"), let pass = f32("explicit"), let caption = f32("caption") else {
                return nil
            }
            return picture + Double(Stage.words) * (pass + caption)
        case .caption: return best("caption")
        case .embedding: return best("picture")
        case .texts: return best("texts")
        case .newWord, .addedWord, .knownWords, .askedWords, .sameQuery, .health, .start, .rest, .knownPicture,
            .knownTexts, .storedTexts:
            return nil
        }
    }

    private enum CodingKeys: CodingKey {
        case libraries, absent, tasks
    }

    private struct Row: Encodable {
        let stage: String
        let variant: String
        var seconds: [Double] = []
        var note: String?
    }

    func encode(to encoder: any Encoder) throws {
        var container = encoder.container(keyedBy: CodingKeys.self)
        try container.encode(libraries, forKey: .libraries)
        try container.encode(absent, forKey: .absent)
        try container.encode(
            outcomes.map { task, outcome in
                if case .seconds(let times) = outcome {
                    return Row(stage: task.stage, variant: task.variant, seconds: times)
                }
                return Row(stage: task.stage, variant: task.variant, note: outcome.text)
            }, forKey: .tasks)
    }
}
