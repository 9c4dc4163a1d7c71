import ArgumentParser
import Glibc
import RPC
import Results

/// The option of commands whose questions a busy daemon may refuse until later.
struct Retrying: ParsableArguments {
    @Option(
        help: ArgumentHelp(
            """
            Seconds that each question may wait for its turn where the daemon is busy or restarts; it is asked again \
            when the daemon says (default: 60; 0: never again).
            """, valueName: "seconds"))
    var retry: Double?

    func validate() throws {
        if let retry, !(0...1e9).contains(retry) {
            throw ValidationError("--retry \(retry): type a number of seconds, 0 for no second time")
        }
    }

    /// As long as one who typed a command goes on looking at it, and short enough for a script that set no bound.
    private static let standard = 60.0

    var budget: RetryBudget { RetryBudget(.seconds(retry ?? Self.standard)) }
}

/// How long a question has waited for its turn.
struct Patience {
    private var policy: RetryPolicy
    private let began = ContinuousClock.now
    private var generator = SystemRandomNumberGenerator()
    private var waited = Duration.zero

    init(_ retrying: Retrying) { policy = RetryPolicy(retrying.budget) }

    /// As ``RetryPolicy`` says.
    mutating func pause(after status: RPCStatus) -> Duration? {
        policy.pause(after: status, at: began.duration(to: .now), using: &generator)
    }

    /// Tells why, and waits. A signal ends the program meanwhile.
    mutating func wait(_ pause: Duration, after status: RPCStatus) {
        let reason = status.refusal?.told ?? "the daemon is not back yet"
        ProgressLine.sayAbove("\(Program.name): \(reason); asking again in \(Amount.seconds(pause))")
        let end = ContinuousClock.now + pause
        while case let left = ContinuousClock.now.duration(to: end), left > .zero {
            usleep(useconds_t(min(left / .microseconds(1), 500_000)))
        }
        waited += pause
    }

    /// The failure of a question that is not asked again.
    func ended(_ status: RPCStatus) -> RPCStatus {
        guard waited > .zero || status.refusal != nil else { return status }
        let past = waited > .zero ? "asked again for \(Amount.seconds(waited)); " : ""
        return RPCStatus(
            status.code, "\(status.message) (\(past)--retry SECONDS waits longer)", refusal: status.refusal)
    }
}
