package import ArgumentParser
import FoundationEssentials
import Glibc
import LocalEngine
import RPC
import Results
import Segmentation
import Server

/// Times the engine of `dsegd serve`: in this process, or a daemon through its socket.
package struct BenchCommand: ParsableCommand {
    package static let configuration = CommandConfiguration(
        commandName: "time",
        abstract: "Time each stage of the engine.",
        discussion: """
            Asks the engine the same question several times, cold each time, then for a new word and for a known one \
            on the known picture. Times are in milliseconds.

            --peer starts a daemon, asks it through its socket, and prints a row for each stage: our figure, that of \
            PyTorch with the same sizes and threads in the same minutes, and what must be reached. Without a python3 \
            that has torch, diffusers and transformers our figures stand alone. With --captioner or --filter it has \
            rows for these networks too, which this process times itself.

            --scaling starts a daemon for each row and prints time and memory over threads, labels, pictures' sizes \
            and clients, one at a time.
            """)

    @Flag(help: "Compare with PyTorch, stage by stage.")
    var peer = false

    @Flag(help: "Show how time and memory grow.")
    var scaling = false

    @Option(help: "The picture (default: a scene of the demo model).", completion: .file())
    var image: String?

    @Option(help: "The words, as dseg mask takes them (default: \(Self.defaultWords)).")
    var words: String?

    @Option(help: "The recipe, as dseg recipes lists them.")
    var recipe = "best"

    @Option(help: "How often to ask.")
    var repetitions = 3

    @Option(help: "With --peer, a Python with torch (default: $DSEG_PYTHON, else python3).", completion: .file())
    var python: String?

    @Option(help: "With --peer, seconds that each of PyTorch's stages may take (default: \(Self.defaultPeerLimit)).")
    var peerLimit: Int?

    @Option(help: "With --scaling, only threads, labels, pictures or clients; may be repeated.")
    var axis: [Scaling.Axis] = []

    @OptionGroup var options: EngineOptions
    @OptionGroup var filterFolder: FilterFolder

    @Flag(help: "Print one JSON object.")
    var json = false

    private static var picture: String { "\(ShippedFiles.folder(of: "Benchmarks"))/bench.jpg" }
    private static let defaultWords = "boat,sheep"
    private static let defaultPeerLimit = 600

    package init() {}

    package func validate() throws {
        guard (1...1000).contains(repetitions) else {
            throw ValidationError("--repetitions \(repetitions): type a number from 1 to 1000")
        }
        if peer && scaling { throw ValidationError("--peer and --scaling are two measurements: type one of them") }
        if words != nil && (peer || scaling) {
            throw ValidationError("--words: --\(peer ? "peer" : "scaling") takes words of its own; leave it out")
        }
        if let words, case .candidates? = try? WordList([words]).sought {
            throw ValidationError("--words \(words): labels are timed; name them without @")
        }
        if scaling && options.threads != nil {
            throw ValidationError("--threads: --scaling takes several numbers of threads; leave it out")
        }
        if !scaling && !axis.isEmpty { throw ValidationError("--axis: type it with --scaling") }
        if !peer && python != nil { throw ValidationError("--python: type it with --peer") }
        if !peer && peerLimit != nil { throw ValidationError("--peer-limit: type it with --peer") }
        for (name, folder) in [("captioner", options.captioner), ("filter", filterFolder.filter)]
        where !peer && folder != nil {
            throw ValidationError("--\(name): only --peer times it; type both or neither")
        }
        if let peerLimit, !(1...86_400).contains(peerLimit) {
            throw ValidationError("--peer-limit \(peerLimit): type a number of seconds from 1 to 86400")
        }
    }

    package func run() throws {
        var picture: [UInt8]?
        try MaskRun.exiting({ picture }) {
            let file = try InputFile.bytes(at: image ?? Self.picture)
            picture = file
            let text =
                if peer {
                    try output(comparison(file), \.table)
                } else if scaling {
                    try output(growth(file), \.table)
                } else {
                    try output(report(file, WordList([words ?? Self.defaultWords]).labels), \.table)
                }
            try Streams.write(Array(text.utf8) + [0x0A])
        }
    }

    private func output<Report: Encodable>(_ report: Report, _ table: KeyPath<Report, String>) throws -> String {
        guard json else { return report[keyPath: table] }
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.prettyPrinted, .sortedKeys]
        return String(decoding: try encoder.encode(report), as: UTF8.self)
    }

    private func comparison(_ file: [UInt8]) throws -> PeerReport {
        Leftovers.clearOnSignals()
        let threads = options.threads ?? Machine.processors
        let words = try WordRounds(
            captioner: options.captioner, filter: filterFolder.filter, precision: options.precision, threads: threads)
        return try PeerRun(
            settings: Daemon.Settings(model: options.model, threads: threads),
            peer: Peer(
                python: Peer.python(explicit: python), model: options.model ?? Resources.demoModel,
                captioner: options.captioner, filter: filterFolder.filter, textLength: words.longestText,
                threads: threads, repetitions: repetitions,
                limit: .seconds(peerLimit ?? Self.defaultPeerLimit)),
            words: words, pictures: NewPictures(file), recipe: recipe, progress: ProgressNote()
        ).report()
    }

    private func growth(_ file: [UInt8]) throws -> ScalingReport {
        Leftovers.clearOnSignals()
        return try Scaling(
            settings: Daemon.Settings(model: options.model, threads: nil),
            axes: axis.isEmpty ? Scaling.Axis.allCases : axis, repetitions: repetitions,
            pictures: NewPictures(file), recipe: recipe, progress: ProgressNote()
        ).report()
    }

    private func report(_ file: [UInt8], _ labels: [RPC.Label]) throws -> StageReport {
        let start = ContinuousClock.now
        let engine = try options.engine(filter: filterFolder.filter)
        var report = StageReport(engine.status)
        report.add("load", start.duration(to: .now))
        let whole = try question(file, labels)
        let new = try question(file, [RPC.Label(name: (labels + [labels[0]]).map(\.name).joined(separator: " "))])
        let known = try question(file, [labels[0]])
        let rounds = try engine.finish { [repetitions] segmenter throws(SegmentationError) in
            var rounds: [Round] = []
            for _ in 0..<repetitions {
                segmenter.workspace.forget()
                segmenter.filter?.forget()
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

    /// Times of a request with empty caches, then of a new word and of a known one on the cached picture.
    private struct Round: Sendable {
        let cold: Report
        let new: Duration
        let known: Duration
    }

    /// The request that a client would send.
    private func question(_ file: [UInt8], _ labels: [RPC.Label]) throws -> SegmentationRequest {
        try SegmentationRequest(
            SegmentRequest(picture: .image(file), labels: labels, recipe: recipe, mask: true))
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

/// Progress on standard error, if that is a terminal.
struct ProgressNote {
    private let isSeen = isatty(STDERR_FILENO) == 1

    func say(_ line: String) {
        if isSeen { Streams.say(line) }
    }
}
