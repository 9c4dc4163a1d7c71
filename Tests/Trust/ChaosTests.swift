import Foundation
import RPC
import Support
import Synchronization
import Testing

/// Whatever happens to a daemon, each call that it accepted ends once: by its answer, by a status, or with its
/// connection. An answer is the one that it gives at rest, bit for bit.
///
/// What happens is drawn from a seed (`DSEG_CHAOS_SEED`), for so many seconds (`DSEG_CHAOS_SECONDS`).
@Suite(.serialized, .enabled(if: ProcessInfo.processInfo.environment["DSEG_TRUST"] != nil))
struct ChaosTests {
    /// What may happen to the daemon.
    private enum Event: CaseIterable {
        case pause, kill, restart, reload, fullDisk, brokenDisk, slowDisk
    }

    private static func number(_ name: String, or standard: Int) -> Int {
        ProcessInfo.processInfo.environment[name].flatMap { Int($0) } ?? standard
    }

    @Test func `stopped, killed, out of disk, slow, and asked for too much`() throws {
        let length = Self.number("DSEG_CHAOS_SECONDS", or: 60)
        let seed = UInt64(Self.number("DSEG_CHAOS_SEED", or: 20))
        let (disk, trouble) = (try SmallDisk(), try BadDisk())
        var unit = ServiceUnit(
            environment: trouble.environment.merging(["CACHE_DIRECTORY": "\(disk.path)/cache"]) { $1 })
        unit.runner = disk.runner(log: false)
        let supervisor = try ServiceSupervisor(unit)
        let questions = try KnownQuestion.six(answeredBy: supervisor.client())
        let crowds = [Callers.Habit.connectingEachTime, .keepingConnections].map {
            Callers(2, $0, at: supervisor.socket, asking: questions, calls: nil, silence: .seconds(60))
        }
        let mob = try Mob(at: supervisor.socket, seed: seed + 1)
        var generator = SeededGenerator(seed: seed)
        var events: [String: Int] = [:]
        let end = ContinuousClock.now + .seconds(length)
        while ContinuousClock.now < end, let event = Event.allCases.randomElement(using: &generator) {
            events["\(event)", default: 0] += 1
            try happen(event, for: UInt32.random(in: 20_000...800_000, using: &generator), supervisor, disk, trouble)
            usleep(UInt32.random(in: 20_000...500_000, using: &generator))
        }
        for crowd in crowds { crowd.stop() }
        let tallies = crowds.map(\.tally)
        mob.stop()
        print(
            """
            chaos of \(length) s, seed \(seed): \(events.sorted { $0.key < $1.key }.map { "\($1) \($0)" }); \
            honest \(tallies); others \(mob.endings); \(Machine.description)
            """)
        for tally in tallies {
            #expect(tally[.right] ?? 0 > length)
            let illegal = tally.keys.filter { !Self.isLegal($0) }
            #expect(illegal.isEmpty, "\(illegal)")
        }
        #expect(mob.breaches.isEmpty, "\(mob.breaches.prefix(5))")
        #expect((mob.endings[.done] ?? 0) > 0 && mob.endings.count > 3, "\(mob.endings)")
        try supervisor.waitUntilReady(run: supervisor.run)
        let quiet = try KnownQuestion.six(answeredBy: supervisor.client())
        #expect(zip(quiet, questions).allSatisfy { $0.hasSameAnswer(as: $1) })
    }

    /// A call ends rightly, or is told why not.
    private static func isLegal(_ outcome: Callers.Outcome) -> Bool {
        switch outcome {
        case .right, .unavailable, .cut: true
        case .failed(let reason): reason.hasPrefix("resourceExhausted: ")
        case .wrong, .refused: false
        }
    }

    private func happen(
        _ event: Event, for time: UInt32, _ supervisor: ServiceSupervisor, _ disk: SmallDisk, _ trouble: BadDisk
    ) throws {
        switch event {
        case .pause:
            supervisor.signal(SIGSTOP)
            usleep(time)
            supervisor.signal(SIGCONT)
        case .kill:
            let run = supervisor.run
            supervisor.signal(SIGKILL)
            try supervisor.waitUntilReady(run: run + 1)
        case .restart: try supervisor.restart()
        case .reload: supervisor.signal(SIGHUP)
        case .fullDisk:
            guard let process = supervisor.process else { return }
            disk.fill(process)
            usleep(time)
            disk.free(process)
        case .brokenDisk, .slowDisk:
            try trouble.begin(event == .brokenDisk ? .broken : .slow(20), below: disk.path)
            usleep(time)
            trouble.end()
        }
    }
}
