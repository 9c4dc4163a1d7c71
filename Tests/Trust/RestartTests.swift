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
        let time = seconds { #expect(supervisor.stop() == 0) }
        for thread in threads { thread.wait() }
        let all = results.withLock { $0 }
        print("stopped after \(String(format: "%.1f", time)) s: \(Set(all))")
        #expect((25..<28).contains(time))
        #expect(all.contains { $0 != "whole" })
        #expect(all.allSatisfy { $0 == "whole" || $0.hasPrefix("unavailable") || $0.hasPrefix("cancelled") }, "\(all)")
    }
}
