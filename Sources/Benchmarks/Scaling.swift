import Limits
import ArgumentParser
import RPC
import Results
import Synchronization

/// Measures how time and memory grow along one axis at a time from a base point, with a new daemon for each point.
struct Scaling {
    /// One load: a value for each axis.
    struct Point: Encodable, Equatable {
        var threads = 2
        var labels = 20
        /// The side of the square picture, in pixels.
        var side = 512
        /// Concurrent clients.
        var clients = 1

        static let base = Point()
    }

    /// The one quantity that differs from the base.
    enum Axis: String, CaseIterable, ExpressibleByArgument {
        case threads, labels, pictures, clients

        /// - Parameter processors: the most threads to try
        func points(processors: Int) -> [Point] {
            switch self {
            case .threads:
                let doublings = sequence(first: 1) { $0 * 2 }.prefix { $0 < processors }
                return Set(Array(doublings) + [1, 2, processors]).sorted().map { Point(threads: $0) }
            case .labels: return [1, 5, 20, 100, 1203].map { Point(labels: $0) }
            case .pictures: return [256, 512, 1024, 2048, 4096].map { Point(side: $0) }
            case .clients: return [1, 2, 4, 8].map { Point(clients: $0) }
            }
        }
    }

    let settings: Daemon.Settings
    let axes: [Axis]
    let repetitions: Int
    let pictures: NewPictures
    let recipe: String
    let progress: ProgressNote

    /// The base, then all other points of the axes.
    private var points: [Point] {
        let all = axes.flatMap { $0.points(processors: Machine.processors) }
        return [.base] + all.filter { $0 != .base }
    }

    func report() throws -> ScalingReport {
        var pictures = pictures
        var rows: [ScalingReport.Row] = []
        var model: ModelStatus?
        for point in points {
            progress.say(
                "\(point.threads) threads, \(point.labels) labels, \(point.side) px, \(point.clients) clients")
            let daemon = try Daemon(settings.with(threads: point.threads))
            let (_, status) = try daemon.ready()
            model = status.models.first
            let before = daemon.memory
            var times = Times()
            for repetition in 0..<repetitions {
                let files = try (0..<point.clients).map { _ in try pictures.next(side: point.side) }
                try ask(daemon, point, files, round: repetition, &times)
            }
            rows.append(ScalingReport.Row(point, times, before: before, after: daemon.memory))
        }
        return ScalingReport(
            model: model?.name ?? "", hash: model?.hash ?? "", precision: model?.precision ?? "",
            repetitions: repetitions, rows: rows)
    }

    /// In seconds, a figure for each repetition.
    struct Times {
        /// From asking about new pictures, with new words, to the end of the slowest client's answer.
        var new: [Double] = []
        /// From asking to the first score map of the slowest client.
        var firstMap: [Double] = []
        /// The same words of the same pictures, in another order.
        var again: [Double] = []
    }

    /// All clients at once ask about a picture of their own with words of their own, then again in another order.
    private func ask(
        _ daemon: Daemon, _ point: Point, _ files: [[UInt8]], round: Int, _ times: inout Times
    ) throws {
        let words = files.indices.map { client in
            let first = (round * files.count + client) * point.labels
            return (first..<first + point.labels).map { Label(name: Phrases.phrase($0)) }
        }
        let new = try crowd(daemon, files, words)
        times.new.append(new.whole)
        times.firstMap.append(new.firstMap)
        let turned = words.map { Array($0.dropFirst() + $0.prefix(1)) }
        times.again.append(try crowd(daemon, files, turned).whole)
    }

    private func crowd(
        _ daemon: Daemon, _ files: [[UInt8]], _ words: [[Label]]
    ) throws -> LabelsAnswer {
        let (socket, recipe) = (daemon.socket, recipe)
        let answers = Mutex<[Result<LabelsAnswer, any Error>]>([])
        ClientThread.crowd(files.count) { client in
            let answer = Result { try LabelsAnswer(from: socket, files[client], words[client], recipe) }
            answers.withLock { $0.append(answer) }
        }
        let all = try answers.withLock { try $0.map { try $0.get() } }
        return LabelsAnswer(slowestOf: all)
    }
}

/// Times of a picture's upload and of the answer about it, in seconds.
struct LabelsAnswer: Sendable {
    /// From the upload's start to the answer's last byte.
    let whole: Double
    let firstMap: Double

    init(from socket: String, _ picture: [UInt8], _ labels: [Label], _ recipe: String) throws {
        let client = try Client(path: socket)
        let start = ContinuousClock.now
        // A large file does not fit into one frame, so Look streams it.
        let handle = try client.look(picture).handle
        let looked = start.duration(to: .now)
        let answer = try client.timed(
            SegmentRequest(
                picture: .handle(handle), labels: labels, recipe: recipe,
                mask: labels.count <= Limit.maskedLabels))
        whole = start.duration(to: .now).inSeconds
        firstMap = answer.firstMap.map { (looked + $0).inSeconds } ?? 0
    }

    /// The slowest times of concurrent clients.
    init(slowestOf all: [LabelsAnswer]) {
        whole = all.map(\.whole).max() ?? 0
        firstMap = all.map(\.firstMap).max() ?? 0
    }
}
