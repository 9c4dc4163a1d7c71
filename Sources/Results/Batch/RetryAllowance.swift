import Synchronization

/// How many questions a run may ask again, its threads together: a tenth of all, and as many for each thread as it
/// takes to wait for a daemon that restarts. More would be load on a daemon, or a whole fleet, that has too much
/// already (Finagle's and gRPC's retry budgets).
final class RetryAllowance: Sendable {
    private let left: Mutex<Int>

    private static let share = 10
    private static let ofJob = 8

    init(questions: Int, jobs: Int) { left = Mutex(questions / Self.share + jobs * Self.ofJob) }

    /// - Returns: `false` where there is none left
    func take() -> Bool {
        left.withLock { left in
            guard left > 0 else { return false }
            left -= 1
            return true
        }
    }
}
