import Images
import RPC
package import Results
import Synchronization

/// Looks at all pictures of a plan that its journal does not know yet.
///
/// Several threads ask, each on a connection of its own. A map is forgotten as soon as the next has come, unless it is
/// exported.
final class Evaluator: Sendable {
    private struct State {
        /// Pictures in which nothing is looked for, for which nobody need be asked.
        var empty: [Picture] = []
        var hasAnswered = false
    }

    private let plan: EvalPlan
    private let journal: Journal
    private let progress: PictureProgress
    private let connect: @Sendable () -> Asking
    private let crew: Crew<Picture>
    private let state = Mutex(State())

    /// - Parameters:
    ///   - pictures: those to look at
    ///   - connect: makes a connection of its own
    init(
        _ plan: EvalPlan, _ journal: Journal, _ pictures: [Picture], _ progress: PictureProgress,
        connect: @escaping @Sendable () -> Asking
    ) {
        (self.plan, self.journal, self.progress, self.connect) = (plan, journal, progress, connect)
        crew = Crew(pictures)
    }

    /// - Throws: `Crew.Failure` of the first picture that failed for good, once those that were begun are done
    func run(jobs: Int) throws {
        try crew.run(jobs: jobs) { [self] in
            let ask = connect()
            return { [self] picture in
                let subject = try plan.subject(picture)
                if subject.classes?.isEmpty == true {
                    state.withLock { $0.empty.append(picture) }
                } else {
                    try finish(subject, patiently { try sight(of: subject, ask) })
                }
            }
        }
        // What each threshold counts is known by now.
        for picture in state.withLock({ $0.empty }) {
            do {
                let subject = try plan.subject(picture)
                try finish(subject, Sight(of: subject))
            } catch {
                throw Crew.Failure(picture, error)
            }
        }
    }

    // MARK: Asking

    /// What an answer shows of a picture.
    private struct Sight {
        var best: BestScores
        /// Where they are exported.
        var maps: [Export.LabelMap] = []
        /// `nil` where the answer does not depend on it.
        var captioner: String?

        /// Before the first map.
        init(of subject: EvalPlan.Subject) {
            best = BestScores(width: subject.size.width, height: subject.size.height)
        }
    }

    private func sight(of subject: EvalPlan.Subject, _ ask: Asking) throws -> Sight {
        let request = plan.request(about: subject)
        let size = (subject.pictureSize.width, subject.pictureSize.height)
        var checks = AnswerChecks(of: request, size: size)
        var sight = Sight(of: subject)
        var places: [UInt8] = []
        try ask(request) { reply in
            try checks.receive(reply)
            switch reply {
            case .header(let header):
                places = plan.places(of: header)
                sight.captioner = header.captioner?.hash
                try journal.settle(EvaluatedMethod(header), captioner: sight.captioner)
                state.withLock { $0.hasAnswered = true }
                progress.note(header)
            case .scoreMap(let map):
                let scores = try map.scores()
                let label = places[Int(map.label)]
                sight.best.add(scores, label: label)
                if plan.export?.maps != nil { sight.maps.append(Export.LabelMap(label: label, scores: scores)) }
            case .loading(let loading): progress.advance(loading)
            case .probed, .mask, .trailer: break
            }
        }
        _ = try checks.ends()
        return sight
    }

    /// Before a question is asked again, in milliseconds: a daemon that starts anew answers within the sum.
    private static let pauses = [500, 1000, 2000, 4000, 8000, 16_000]

    /// Asks again, after a while, what a daemon broke off because it ended.
    private func patiently(_ ask: () throws -> Sight) throws -> Sight {
        for pause in Self.pauses {
            do {
                return try ask()
            } catch let status as RPCStatus where mayPass(status) {
                guard crew.wait(.milliseconds(pause)) else { throw status }
            }
        }
        return try ask()
    }

    /// A daemon that never answered is not there; for one that says when to ask again, the connection has waited.
    private func mayPass(_ status: RPCStatus) -> Bool {
        status.code == .unavailable && status.refusal == nil && state.withLock { $0.hasAnswered }
    }

    // MARK: Counting

    /// Writes a picture's files, and then its line.
    private func finish(_ subject: EvalPlan.Subject, _ sight: Sight) throws {
        guard let method = journal.method else { throw EvalError.nothingToLookFor }
        let thresholds = Thresholds(fixed: method.threshold)
        if let export = plan.export {
            try export.write(
                subject.picture, labels: sight.best.labels(above: plan.maskThreshold(method)),
                width: sight.best.width, height: sight.best.height, maps: sight.maps)
        }
        let counts = subject.truth.map {
            PictureCounts($0, sight.best, thresholds, shape: CountShape(plan.dataSet, thresholds))
        }
        try journal.add(Journal.Record(picture: subject.picture.id, counts: counts, captioner: sight.captioner))
        progress.advance()
    }
}

extension Crew.Failure where Item == Picture {
    /// Whether it is the picture's own, and not that of the daemon, of the journal, or of a file that it names.
    var isOfPicture: Bool {
        switch reason {
        case let status as RPCStatus: status.code != .unavailable && status.code != .permissionDenied
        case is ImageError: true
        default: false
        }
    }
}

/// Why there is nothing to tell of an evaluation.
package enum EvalError: Error, Equatable, CustomStringConvertible, ReasonedError {
    case nothingToLookFor
    /// The file of the confusion matrix.
    case exists(path: String)

    package var exitReason: ExitReason {
        switch self {
        case .nothingToLookFor: .nothingFound
        case .exists: .cannotWrite
        }
    }

    package var description: String {
        switch self {
        case .nothingToLookFor:
            "nothing is looked for in any of the pictures: each has background alone; take more of them, or --labels "
                + "candidates"
        case .exists(let path):
            "\(Streams.printable(path)) is there already; name another file: --confusion FILE"
        }
    }
}
