import Foundation
import RPC
import Support
import Synchronization
import Testing

/// What restarts cost, under a service manager, in numbers.
@Suite(.serialized, .enabled(if: ProcessInfo.processInfo.environment["DSEG_TRUST"] != nil))
struct RestartTests {
    private static func question(_ scene: Int, _ labels: [Label], recipe: String = "") throws -> SegmentRequest {
        SegmentRequest(
            picture: .image(try Repository.scene(scene)), labels: labels, recipe: recipe, mask: true)
    }

    private static func labels(_ count: Int) -> [Label] { (1...count).map { Label(name: "thing \($0)") } }

    @Test func `ten thousand calls across twenty restarts and reloads: none lost, none wrong`() throws {
        let supervisor = try ServiceSupervisor(ServiceUnit())
        let client = try supervisor.client()
        let questions = try (1...3).map { scene in
            try KnownQuestion(Self.question(scene, Self.labels(2)), answeredBy: client)
        }
        let start = ContinuousClock.now
        let load = try RestartLoad(supervisor, questions, calls: 10_000, restarts: 20)
        print("\(load); \(start.duration(to: .now)); \(Machine.description)")
        #expect(load.connecting == [.right: 5000])
        #expect(Set(load.keeping.keys).isSubset(of: [.right, .unavailable]) && load.keeping[.right] == 5000)
        #expect(supervisor.run == 21)
    }

    /// Of each kill from the next start on, until the daemon has told that it is ready.
    private func timesToReady(_ supervisor: ServiceSupervisor, from run: Int) -> [Double] {
        let events = supervisor.events
        return (run...supervisor.run).compactMap { number in
            let own = events.filter { $0.run == number }
            guard let start = own.first(where: { $0.words == ["started"] }),
                let ready = own.first(where: { $0.words.contains("READY=1") })
            else { return nil }
            return start.time.duration(to: ready.time) / .seconds(1)
        }
    }

    /// With the weights that the service manager keeps, and without.
    @Test(arguments: [true, false])
    func `killed ten times under thirty-two callers`(keepsWeights: Bool) throws {
        var unit = ServiceUnit(["--queue", "64"])
        unit.isActivated = true
        if !keepsWeights { unit.keptAtMost = 0 }
        let supervisor = try ServiceSupervisor(unit)
        let client = try supervisor.client()
        let questions = try (1...3).map { scene in
            try KnownQuestion(Self.question(scene, Self.labels(2)), answeredBy: client)
        }
        // What a start takes that nobody disturbs and that finds no weights.
        let cold = try #require(timesToReady(supervisor, from: 1).first)
        let crowds = [Callers.Habit.connectingEachTime, .keepingConnections].map {
            Callers(16, $0, at: supervisor.socket, asking: questions, calls: nil, silence: .seconds(60))
        }
        for run in 1...10 {
            usleep(300_000)
            supervisor.signal(SIGKILL)
            try supervisor.waitUntilReady(run: run + 1)
        }
        usleep(300_000)
        for crowd in crowds { crowd.stop() }
        let tallies = crowds.map(\.tally)
        let times = timesToReady(supervisor, from: 2)
        let limit = keepsWeights ? 1 : 1 + cold
        print(
            """
            killed ten times under 32 callers, weights \(keepsWeights ? "kept" : "read again"): ready after \
            \(times.map { String(format: "%.2f", $0) }.joined(separator: ", ")) s (the first start \
            \(String(format: "%.2f", cold)) s); \(tallies); \(Machine.description)
            """)
        #expect(times.count == 10 && times.allSatisfy { $0 <= limit })
        for tally in tallies {
            // Those who were waiting, or were being answered, are told once each.
            #expect(Set(tally.keys).isSubset(of: [.right, .unavailable, .cut]))
            #expect(tally[.right] ?? 0 > 10)
            #expect((tally[.unavailable] ?? 0) + (tally[.cut] ?? 0) <= 10 * 16)
        }
    }

    /// From the moment at which the engine makes no more progress until the service manager ends it: of five rounds
    /// none takes longer than a second above the watchdog's time.
    @Test(arguments: [2, 4]) func `a hung engine is ended within the watchdog's time and a second`(limit: Int) throws {
        let hang = try Hang(in: .product)
        var unit = ServiceUnit(["--precision", "f32"], environment: hang.environment)
        unit.watchdog = .seconds(limit)
        let supervisor = try ServiceSupervisor(unit)
        var (ends, restarts): ([Double], [Double]) = ([], [])
        for round in 1...5 {
            try supervisor.waitUntilReady(run: round)
            // Hangs begin at another time of the watchdog's pauses in each round.
            usleep(UInt32(round) * 137_000)
            try hang.begin()
            let isOver = Flag()
            Thread.detachNewThread {
                try? supervisor.client().segment(Self.question(round, Self.labels(2))) { _ in }
                isOver.raise()
            }
            let start = try #require(hang.hasBegun())
            try supervisor.waitUntilReady(run: round + 1)
            let ready = ContinuousClock.now
            let end = try #require(
                supervisor.events.first { event in
                    guard case .watchdogPassed = event.kind else { return false }
                    return event.run == round
                })
            ends.append(start.duration(to: end.time) / .seconds(1))
            restarts.append(start.duration(to: ready) / .seconds(1))
            isOver.wait()
        }
        func text(_ times: [Double]) -> String { times.map { String(format: "%.2f", $0) }.joined(separator: ", ") }
        print(
            "WatchdogSec=\(limit): ended after \(text(ends)) s, ready after \(text(restarts)) s; \(Machine.description)"
        )
        #expect(ends.allSatisfy { $0 <= Double(limit) + 1 })
    }

    /// After the last part of it that was read, the daemon has asked for a minute more.
    @Test func `a load at the start that hangs is ended when the start has taken too long`() throws {
        let hang = try Hang(in: .reading)
        var unit = ServiceUnit([], environment: hang.environment)
        (unit.startLimit, unit.stopLimit) = (.seconds(3), .seconds(3))
        try hang.begin()
        let supervisor = try ServiceSupervisor(unit)
        let start = try #require(hang.hasBegun())
        try supervisor.waitUntilReady(run: 2)
        let words = supervisor.events.filter { $0.run == 1 }.flatMap(\.words)
        #expect(words.contains("limit") && words.last?.hasPrefix("ended") == true)
        print("a load that hangs at the start: ready after \(start.duration(to: .now)); \(Machine.description)")
        #expect(start.duration(to: .now) < .seconds(75))
        #expect(try supervisor.client().health())
    }

    @Test func `calls that take longer than the grace are cut, and told so`() throws {
        let supervisor = try ServiceSupervisor(ServiceUnit(["--queue", "64"]))
        let results = Mutex<[String]>([])
        let threads = (1...24).map { scene in
            let isOver = Flag()
            Thread.detachNewThread {
                do {
                    let request = try Self.question(scene % 8 + 1, Self.labels(255), recipe: "diffsegmenter")
                    try supervisor.client().segment(request) { _ in }
                    results.withLock { $0.append("whole") }
                } catch {
                    results.withLock { $0.append("\(error)") }
                }
                isOver.raise()
            }
            return isOver
        }
        let client = try supervisor.client()
        try #require(eventually { (try? client.status().queued) ?? 0 >= 20 })
        let refusal = Mutex<(health: Double, call: RPCStatus?)?>(nil)
        let sawDrain = Flag()
        let begin = ContinuousClock.now
        let path = supervisor.socket
        let other = Flag()
        Thread.detachNewThread {
            // Whoever is connected learns at once that nothing new is taken.
            if let client = try? Client(path: path), (try? client.health()) == true {
                other.raise()
                while (try? client.health()) == true { usleep(1000) }
                let health = begin.duration(to: .now) / .seconds(1)
                do {
                    try client.segment(Self.question(9, Self.labels(1))) { _ in }
                } catch {
                    refusal.withLock { $0 = (health, error as? RPCStatus) }
                }
            }
            other.raise()
            sawDrain.raise()
        }
        other.wait()
        let signalled = begin.duration(to: .now) / .seconds(1)
        let time = seconds { #expect(supervisor.stop() == 0) }
        for thread in threads + [sawDrain] { thread.wait() }
        let all = results.withLock { $0 }
        let seen = try #require(refusal.withLock { $0 })
        print(
            """
            stopped after \(String(format: "%.1f", time)) s: \(Set(all)); NOT_SERVING after \
            \(Int((seen.health - signalled) * 1e3)) ms; \(Machine.description)
            """)
        let told = supervisor.events.drop { $0.words != ["signal \(SIGTERM)"] }.compactMap(\.notice)
        #expect(told.first?["STOPPING"] == "1")
        #expect(seen.health - signalled < 0.1 && seen.call?.code == .unavailable, "\(seen)")
        #expect((25..<28).contains(time))
        #expect(all.contains { $0 != "whole" })
        #expect(all.allSatisfy { $0 == "whole" || $0.hasPrefix("unavailable") || $0.hasPrefix("cancelled") }, "\(all)")
    }
}
