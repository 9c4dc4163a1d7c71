import Glibc
package import RPC

/// How long a question has waited for its turn.
package struct Patience {
    private var policy: RetryPolicy
    private let began = ContinuousClock.now
    private var generator = SystemRandomNumberGenerator()
    private var waited = Duration.zero

    package init(_ budget: RetryBudget) { policy = RetryPolicy(budget) }

    /// As ``RetryPolicy`` says.
    package mutating func pause(after status: RPCStatus, expectsDaemon: Bool = false) -> Duration? {
        let time = began.duration(to: .now)
        let pause = policy.pause(after: status, expectsDaemon: expectsDaemon, at: time, using: &generator)
        waited += pause ?? .zero
        return pause
    }

    /// Tells why, and waits. A signal ends the program meanwhile.
    package func wait(_ pause: Duration, after status: RPCStatus) {
        let reason = status.refusal?.told ?? "the daemon is not back yet"
        ProgressLine.sayAbove("\(Program.name): \(reason); asking again in \(Amount.seconds(pause))")
        let end = ContinuousClock.now + pause
        while case let left = ContinuousClock.now.duration(to: end), left > .zero {
            usleep(useconds_t(min(left / .microseconds(1), 500_000)))
        }
    }

    /// The failure of a question that is not asked again.
    package func ended(_ status: RPCStatus) -> RPCStatus {
        guard waited > .zero || status.refusal != nil else { return status }
        let past = waited > .zero ? "asked again for \(Amount.seconds(waited)); " : ""
        return RPCStatus(
            status.code, "\(status.message) (\(past)--retry SECONDS waits longer)", refusal: status.refusal)
    }
}
