/// When a client asks again that was refused and may be served later: as a value without clock or connection.
///
/// The daemon's hint is the least that it waits, as it would be refused before. Where several are refused at once,
/// each waits for another part of as long again, so that they do not come back at once; and where the daemon refuses
/// again, its hints were too short, and the next pause is twice as long.
package struct RetryPolicy: Sendable {
    private var budget: RetryBudget
    private var refusals = 0
    /// Whether the daemon has said that it stops: the next one may not listen yet.
    private var isBetweenDaemons = false

    /// How long to wait for a daemon that stops to be replaced; it can give no hint once it is gone.
    private static let restart = Duration.seconds(1)
    /// No hint is leave to ask without end.
    private static let shortest = Duration.milliseconds(50)
    /// A pause is doubled so often at most: beyond, a place that has become free would long be unused.
    private static let mostDoublings = 4

    package init(_ budget: RetryBudget) { self.budget = budget }

    /// How long to wait before a question is asked again; `nil` where it is not: the failure would stay, or
    /// the budget allows no pause that is as long as the daemon's hint.
    ///
    /// - Parameters:
    ///   - status: how the question failed, of which nothing was answered
    ///   - expectsDaemon: whether there has been a daemon, so that one that is lost is waited for
    ///   - time: now, by a clock that does not run backwards
    package mutating func pause(
        after status: RPCStatus, expectsDaemon: Bool = false, at time: Duration,
        using generator: inout some RandomNumberGenerator
    ) -> Duration? {
        guard let hint = hint(status, expectsDaemon), case let left = budget.left(at: time), hint <= left, left > .zero
        else {
            return nil
        }
        let least = hint * (1 << min(refusals, Self.mostDoublings))
        refusals += 1
        // The last question is asked when the budget ends.
        return min(least * Double.random(in: 1...2, using: &generator), left)
    }

    private mutating func hint(_ status: RPCStatus, _ expectsDaemon: Bool) -> Duration? {
        if let refusal = status.refusal {
            isBetweenDaemons = refusal.reason == .stopping
            return max(refusal.delay, Self.shortest)
        }
        return (isBetweenDaemons || expectsDaemon) && status.code == .unavailable ? Self.restart : nil
    }
}

/// How long a question may wait for its turn in all, from its first refusal.
package struct RetryBudget: Sendable {
    private let patience: Duration
    private var end: Duration?

    package init(_ patience: Duration) { self.patience = patience }

    /// What is left of it; the first time that is asked, all.
    fileprivate mutating func left(at time: Duration) -> Duration {
        let end = end ?? time + patience
        self.end = end
        return end - time
    }
}
