import RPC
import Segmentation
import Synchronization

/// An answer between the engine, which gives it parts, and the event loop, which sends its messages. Neither waits for
/// the other: parts are small and kept, messages are made step by step as their reader takes them.
final class AnswerDrawing: Sendable {
    private let painter: Mutex<Painter>
    private let parts = Mutex<[AnswerPart]>([])
    private let encoding: Encoding
    private let isStopped = Atomic<Bool>(false)

    /// What a step has made.
    struct Step: Sendable {
        var messages: [[UInt8]] = []
        /// How many prompts the answer reads, where that has become known.
        var prompts: Int?
        /// The last message tells of it: nothing follows.
        var report: Report?
        /// Whether there may be more to draw of the parts that were given.
        var hasMore = false
    }

    /// A step ends after the message that makes it so large, or take so long: others wait for theirs.
    static let stepBytes = 1 << 18
    private static let stepTime = Duration.milliseconds(5)

    /// Parts that may wait to be drawn before the engine makes no more, and the maps that they hold at most.
    private static let partRoom = 4
    static let mapRoom = (partRoom + 1) * Segmenter.groupPhrases

    /// Whether it takes another part; what draws is behind else, or who reads.
    var hasRoom: Bool { parts.withLock { $0.count < Self.partRoom } }

    init(_ request: SegmentationRequest, encoding: Encoding) {
        painter = Mutex(Painter(request))
        self.encoding = encoding
    }

    /// Takes the next part over; the caller never waits for a step.
    func add(_ part: AnswerPart) {
        parts.withLock { $0.append(part) }
    }

    /// Nobody wants the rest.
    func stop() {
        isStopped.store(true, ordering: .relaxed)
    }

    private func isWanted() -> Bool { !isStopped.load(ordering: .relaxed) }

    /// Makes the next messages.
    ///
    /// - Throws: `internal` for a map that cannot be encoded, or is not wanted in the midst of it
    func step() throws(RPCStatus) -> Step {
        let start = ContinuousClock.now
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
                    case .header(let understanding): step.prompts = understanding.promptCount
                    case .report(let report): step.report = report
                    case .scores, .mask: break
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
