import Limits
import RPC
import Segmentation
import Synchronization

/// The queue between the engine, which appends computed parts of an answer, and the drawing thread, which makes
/// messages of them. Neither waits for the other. Backpressure: the engine stops where ``hasRoom`` is `false`, and a
/// step is made only when the connection's write backlog has room.
final class AnswerDrawing: Sendable {
    private let painter: Mutex<Painter>
    private let parts = Mutex<[AnswerPart]>([])
    private let encoding: Encoding
    private let progress: CallProgress
    private let isStopped = Atomic<Bool>(false)

    /// The output of one step.
    struct Step: Sendable {
        var messages: [[UInt8]] = []
        /// The number of prompts of the answer, and its picture, in the step that made the header.
        var header: (prompts: Int, picture: LookedAt)?
        /// Set in the step whose last message is the trailer: the answer is complete.
        var report: Report?
        /// Whether parts are left that this step did not get to.
        var hasMore = false
    }

    /// A step ends with the message that reaches either limit, so that other connections get their turn.
    static let stepBytes = 1 << 18
    private static let stepTime = Duration.milliseconds(5)

    /// Parts that may be queued before the engine parks this answer's job.
    private static let partRoom = 4

    /// The most score maps in queued parts and in the one that is being drawn.
    static func mapRoom(_ recipe: Recipe) -> Int { (partRoom + 1) * recipe.groupPhrases }

    /// The most maps of probes there.
    static let probedRoom = (partRoom + 1) * Limit.probedLabels

    /// Whether the engine may append another part; `false` while drawing, or the reader, lags behind.
    var hasRoom: Bool { parts.withLock { $0.count < Self.partRoom } }

    /// - Parameter progress: is told how long drawing takes
    init(_ request: SegmentationRequest, encoding: Encoding, telling progress: CallProgress) {
        painter = Mutex(Painter(request))
        self.encoding = encoding
        self.progress = progress
    }

    /// Appends the next part; never waits for a step in progress.
    func add(_ part: AnswerPart) {
        parts.withLock { $0.append(part) }
    }

    /// Cancels the drawing, as the call has ended.
    func stop() {
        isStopped.store(true, ordering: .relaxed)
    }

    private func isWanted() -> Bool { !isStopped.load(ordering: .relaxed) }

    /// Encodes the next messages; called on the drawing thread.
    ///
    /// - Throws: `internal` for a map that cannot be encoded, or whose call ended while it was being encoded
    func step() throws(RPCStatus) -> Step {
        let start = SuspendingClock.now
        defer { progress.addDrawing(start.duration(to: .now)) }
        return try painter.withLock { painter throws(RPCStatus) in
            var step = Step()
            var bytes = 0
            while step.report == nil {
                guard bytes < Self.stepBytes, start.duration(to: .now) < Self.stepTime else {
                    step.hasMore = true
                    break
                }
                if let event = painter.next(while: isWanted) {
                    let message = try SegmentReply(event, encoding: encoding, while: isWanted).encoded()
                    bytes += message.count
                    step.messages.append(message)
                    switch event {
                    case .header(let understanding):
                        step.header = (understanding.promptCount, understanding.picture)
                        progress.note(understanding.picture)
                        progress.note(prompts: understanding.promptCount)
                    case .report(let report):
                        step.report = report
                        // Before the call ends, and is counted by it.
                        progress.note(report)
                    case .scores, .mask, .probed: break
                    }
                } else if let part = parts.withLock({ $0.isEmpty ? nil : $0.removeFirst() }) {
                    painter.add(part)
                } else {
                    break
                }
            }
            return step
        }
    }
}
