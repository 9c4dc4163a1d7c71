import Synchronization

/// Why a computation ended early.
package enum Interruption: Error, Equatable {
    case cancelled
    case deadlineExceeded
}

/// A cancellation flag that any thread may set, and a deadline. Networks check both between layers, image decoders
/// while they decode; that they do is the computation's heartbeat.
package final class Cancellation: Sendable {
    private let requested = Atomic<Bool>(false)
    private let beats = Atomic(0)
    private let deadline: ContinuousClock.Instant?

    /// Never cancelled.
    package static let never = Cancellation(deadline: nil)

    package init(deadline: ContinuousClock.Instant?) {
        self.deadline = deadline
    }

    /// - Returns: whether this was the first request
    @discardableResult
    package func cancel() -> Bool {
        !requested.exchange(true, ordering: .relaxed)
    }

    package var isCancelled: Bool { requested.load(ordering: .relaxed) }

    /// How often the computation passed a point where it might have stopped: as long as this grows, it makes progress.
    package var heartbeats: Int { beats.load(ordering: .relaxed) }

    /// Why to stop; `nil`: go on.
    package var interruption: Interruption? {
        beat()
        if isCancelled { return .cancelled }
        return deadline.flatMap { ContinuousClock.now >= $0 ? .deadlineExceeded : nil }
    }

    /// Notes progress where nothing asks whether to stop.
    package func beat() { beats.add(1, ordering: .relaxed) }

    package func check() throws(Interruption) {
        if let interruption { throw interruption }
    }
}
