import ArgumentParser
import RPC

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
