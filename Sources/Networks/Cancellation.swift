import Synchronization

/// Why a computation ended early.
package enum Interruption: Error, Equatable {
    case cancelled
    case deadlineExceeded
}

/// A cancellation flag that any thread may set, and a deadline. Networks check both between layers, image decoders
/// while they decode; that they do is the computation's heartbeat. The deadline is one of the monotonic clock, which
/// nobody sets, and which stands still while the machine sleeps: a call that was caught by that is not late.
package final class Cancellation: Sendable {
    private let requested = Atomic<Bool>(false)
    private let beats = Atomic(0)
    /// Nanoseconds from ``began`` to the last beat.
    private let lastBeat = Atomic<Int64>(0)
    private let stageNumber = Atomic<UInt8>(0)
    private let began = SuspendingClock.now
    private let deadline: SuspendingClock.Instant?

    /// Never cancelled.
    package static let never = Cancellation(deadline: nil)

    package init(deadline: SuspendingClock.Instant?) {
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

    /// When it last did; before the first time, when this was made.
    package var beaten: SuspendingClock.Instant { began + .nanoseconds(lastBeat.load(ordering: .relaxed)) }

    /// What the computation is at, by its owner's numbers; 0: it has not begun.
    package var stage: UInt8 {
        get { stageNumber.load(ordering: .relaxed) }
        set { stageNumber.store(newValue, ordering: .relaxed) }
    }

    /// Why to stop; `nil`: go on.
    package var interruption: Interruption? {
        let now = beat()
        if isCancelled { return .cancelled }
        return deadline.flatMap { now >= $0 ? .deadlineExceeded : nil }
    }

    /// Notes progress where nothing asks whether to stop.
    ///
    /// - Returns: the time
    @discardableResult
    package func beat() -> SuspendingClock.Instant {
        let now = SuspendingClock.now
        lastBeat.store(Int64(began.duration(to: now) / .nanoseconds(1)), ordering: .relaxed)
        beats.add(1, ordering: .relaxed)
        return now
    }

    package func check() throws(Interruption) {
        if let interruption { throw interruption }
    }
}
