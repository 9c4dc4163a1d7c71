import RPC
import Support
import Testing

/// When a refused client asks again; the clock is the sum of the pauses.
@Suite struct RetryPolicyTests {
    private static func full(_ delay: Duration) -> RPCStatus {
        RPCStatus(.resourceExhausted, "", refusal: Refusal(.queueFull, delay: delay, queuePosition: 3))
    }

    /// The pauses of a client that is refused as long as it asks.
    private static func pauses(_ patience: Duration, _ statuses: [RPCStatus], seed: UInt64) -> [Duration] {
        var policy = RetryPolicy(RetryBudget(patience))
        var generator = SeededGenerator(seed: seed)
        var (time, pauses) = (Duration.seconds(1000), [Duration]())
        for status in statuses {
            guard let pause = policy.pause(after: status, at: time, using: &generator) else { break }
            pauses.append(pause)
            time += pause
        }
        return pauses
    }

    @Test(arguments: 0..<50 as Range<UInt64>)
    func `no pause is shorter than the hint, and all together fit in the budget`(seed: UInt64) {
        var generator = SeededGenerator(seed: seed)
        let hints = (0..<40).map { _ in Duration.milliseconds(Int.random(in: 50...4000, using: &generator)) }
        let patience = Duration.seconds(Int.random(in: 1...90, using: &generator))
        let pauses = Self.pauses(patience, hints.map(Self.full), seed: seed)
        for (pause, hint) in zip(pauses, hints) { #expect(pause >= hint) }
        #expect(pauses.reduce(.zero, +) <= patience)
        guard pauses.count < hints.count else { return }
        #expect(hints[pauses.count] > patience - pauses.reduce(.zero, +), "it gives up where the hint does not fit")
    }

    @Test(arguments: 0..<50 as Range<UInt64>)
    func `a pause is up to twice as long as it must be, and twice as long each time`(seed: UInt64) {
        let hint = Duration.seconds(1)
        let pauses = Self.pauses(.seconds(1_000_000), Array(repeating: Self.full(hint), count: 8), seed: seed)
        for (pause, doublings) in zip(pauses, [0, 1, 2, 3, 4, 4, 4, 4]) {
            #expect((hint * (1 << doublings)...(hint * (2 << doublings))).contains(pause), "\(pauses)")
        }
        #expect(pauses.count == 8)
    }

    @Test func `those who are refused together come back apart`() {
        let first = (0..<64 as Range<UInt64>).flatMap { Self.pauses(.seconds(60), [Self.full(.seconds(1))], seed: $0) }
        #expect(Set(first).count == 64)
        for eighth in 0..<8 {
            let part = Duration.seconds(1) + .milliseconds(125) * eighth
            #expect(first.contains { part <= $0 && $0 < part + .milliseconds(125) }, "none in eighth \(eighth)")
        }
    }

    @Test func `a daemon that gives no time is not asked in a loop`() {
        let pauses = Self.pauses(.seconds(60), Array(repeating: Self.full(.zero), count: 1000), seed: 6)
        #expect(pauses.count < 100 && pauses.reduce(.zero, +) == .seconds(60))
    }

    @Test func `the last pause is cut to what is left`() {
        let pauses = Self.pauses(.seconds(10), Array(repeating: Self.full(.seconds(1)), count: 9), seed: 1)
        #expect(pauses.reduce(.zero, +) == .seconds(10))
    }

    @Test func `a budget begins with the first refusal, and ends also while nothing is waited for`() {
        var policy = RetryPolicy(RetryBudget(.seconds(10)))
        var generator = SeededGenerator(seed: 2)
        #expect(policy.pause(after: Self.full(.seconds(1)), at: .seconds(500), using: &generator) != nil)
        #expect(policy.pause(after: Self.full(.seconds(1)), at: .seconds(509), using: &generator) == .seconds(1))
        #expect(policy.pause(after: Self.full(.seconds(1)), at: .seconds(509.1), using: &generator) == nil)
        #expect(policy.pause(after: Self.full(.zero), at: .seconds(511), using: &generator) == nil)
    }

    @Test func `a daemon that is lost is waited for where there was one`() throws {
        var generator = SeededGenerator(seed: 4)
        let lost = RPCStatus(.unavailable, "lost")
        for expectsDaemon in [true, false] {
            var policy = RetryPolicy(RetryBudget(.seconds(60)))
            let pauses = (0..<3).map { number in
                policy.pause(after: lost, expectsDaemon: expectsDaemon, at: .seconds(number), using: &generator)
            }
            #expect(pauses.allSatisfy { ($0 != nil) == expectsDaemon }, "\(pauses)")
            let other = RPCStatus(.invalidArgument, "bad")
            #expect(policy.pause(after: other, expectsDaemon: expectsDaemon, at: .zero, using: &generator) == nil)
        }
    }

    @Test func `nothing is waited for without patience, with a hint that is too long, or after another failure`() {
        #expect(Self.pauses(.zero, [Self.full(.zero)], seed: 3) == [])
        #expect(Self.pauses(.seconds(10), [Self.full(.seconds(11))], seed: 3) == [])
        #expect(Self.pauses(.seconds(10), [Self.full(.seconds(10))], seed: 3) == [.seconds(10)])
        #expect(Self.pauses(.seconds(1_000_000_000), [Self.full(.seconds(Int64.max))], seed: 3) == [])
        let codes: [RPCStatus.Code] = [
            .unavailable, .resourceExhausted, .deadlineExceeded, .cancelled, .invalidArgument, .dataLoss, .internal,
        ]
        for code in codes { #expect(Self.pauses(.seconds(10), [RPCStatus(code, "")], seed: 4) == []) }
    }

    @Test func `a daemon that stops is waited for until the next one listens, and not after`() {
        let stops = RPCStatus(
            .unavailable, "", refusal: Refusal(.stopping, delay: .milliseconds(200), queuePosition: nil))
        let gone = RPCStatus(.unavailable, "")
        let bad = RPCStatus(.invalidArgument, "")
        #expect(Self.pauses(.seconds(60), [stops, gone, gone, bad], seed: 5).count == 3)
        #expect(Self.pauses(.seconds(60), [stops, Self.full(.zero), gone], seed: 5).count == 2)
        #expect(Self.pauses(.seconds(60), [gone, stops], seed: 5) == [])
    }
}
