import Synchronization

/// Why a computation ended early.
package enum Interruption: Error, Equatable {
    case cancelled
    case deadlineExceeded
}

/// A cancellation flag that any thread may set, and a deadline. Networks check both between layers, image decoders
/// while they decode.
package final class Cancellation: Sendable {
    private let requested = Atomic<Bool>(false)
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

    /// Why to stop; `nil`: go on.
    package var interruption: Interruption? {
        if isCancelled { return .cancelled }
        return deadline.flatMap { ContinuousClock.now >= $0 ? .deadlineExceeded : nil }
    }

    package func check() throws(Interruption) {
        if let interruption { throw interruption }
    }
}
