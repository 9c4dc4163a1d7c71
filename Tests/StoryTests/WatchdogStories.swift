import Glibc
import RPC
import Support
import Testing

/// A daemon whose engine hangs is started again, one that has much to do or nothing is not.
struct WatchdogStories {
    /// A daemon of which a thread can be made to hang.
    private func unit(_ hang: Hang) -> ServiceUnit {
        var unit = ServiceUnit(["--precision", "f32"], environment: hang.environment)
        unit.watchdog = .seconds(2)
        return unit
    }

    private func isRestarted(_ supervisor: ServiceSupervisor) throws -> Bool {
        try supervisor.waitUntilReady(run: 2)
        let words = supervisor.events.filter { $0.run == 1 }.flatMap(\.words)
        return words.contains("watchdog") && words.contains("signal \(SIGABRT)")
            && words.last?.hasPrefix("ended") == true && words.last != "ended 0"
    }

    @Test func `an engine that hangs is ended and started again, though the event loop lives`() throws {
        let hang = try Hang(in: .product)
        let supervisor = try ServiceSupervisor(unit(hang))
        let question = try SegmentRequest.about(1, model: "")
        let expected = try supervisor.client().answer(question).bits
        let polls = try supervisor.client()
        #expect(try polls.health())
        try hang.begin()
        let call = AtOnce(1) { _ in
            try failure { _ = try supervisor.client().answer(.about(2, model: "")) }?.code
        }
        try #require(hang.hasBegun() != nil)
        for _ in 0..<20 {
            #expect(try polls.health(), "it does not know that the engine hangs")
            usleep(10_000)
        }
        #expect(try isRestarted(supervisor))
        #expect(try call.results.map { try $0.get() } == [.unavailable])
        #expect(try supervisor.client().answer(question).bits == expected)
        #expect(try supervisor.client().answer(.about(2, model: "")).maps.count == 2)
    }

    @Test func `a load that hangs is ended and started again`() throws {
        let owner = try ModelOwner()
        try owner.add(.tiny, as: "tiny")
        let hang = try Hang(in: .reading)
        var unit = unit(hang)
        unit.environment.merge(owner.environment) { $1 }
        let supervisor = try ServiceSupervisor(unit)
        try supervisor.waitUntilReady(run: 1)
        try hang.begin()
        let call = AtOnce(1) { _ in try failure { try supervisor.client().warm("tiny") }?.code }
        try #require(hang.hasBegun() != nil)
        #expect(try isRestarted(supervisor))
        #expect(try call.results.map { try $0.get() } == [.unavailable])
        #expect(try supervisor.client().answer(.about(1, model: "tiny")).maps.count == 2)
    }

    @Test func `a call that takes longer than the watchdog waits is not disturbed`() throws {
        var unit = ServiceUnit()
        unit.watchdog = .seconds(2)
        let supervisor = try ServiceSupervisor(unit)
        let client = try supervisor.client()
        let end = ContinuousClock.now + .seconds(7)
        var scene = 0
        while ContinuousClock.now < end {
            scene += 1
            let request = SegmentRequest.long(.image(try Repository.scene(scene)), id: "")
            #expect(try client.answer(request).maps.count == 255)
        }
        #expect(supervisor.run == 1)
        #expect(supervisor.events.flatMap(\.words).contains("WATCHDOG=1"))
    }

    @Test func `a daemon that has nothing to do is left alone`() throws {
        var unit = ServiceUnit()
        unit.watchdog = .seconds(2)
        let supervisor = try ServiceSupervisor(unit)
        try supervisor.waitUntilReady(run: 1)
        usleep(7_000_000)
        #expect(supervisor.run == 1)
        #expect(try supervisor.client().health())
        #expect(supervisor.stop() == 0)
    }

    @Test func `a load that takes longer than the watchdog waits is not disturbed`() throws {
        let owner = try ModelOwner()
        try owner.copy(.tiny, as: "tiny")
        try owner.lengthen("tiny", by: 8 << 30)
        try owner.record("tiny")
        var unit = ServiceUnit([], environment: owner.environment)
        unit.watchdog = .seconds(2)
        let supervisor = try ServiceSupervisor(unit)
        #expect(try supervisor.client().warm("tiny").model.name == "tiny")
        #expect(supervisor.run == 1)
    }

    @Test func `a load at the start may take longer than the manager waits for a start`() throws {
        let owner = try ModelOwner()
        try owner.copy(.demo, as: "demo-long")
        try owner.lengthen("demo-long", by: 1 << 38)
        var unit = ServiceUnit(["--model", owner.path("demo-long")])
        (unit.startLimit, unit.watchdog) = (.seconds(2), .seconds(2))
        let supervisor = try ServiceSupervisor(unit)
        #expect(supervisor.tells("EXTEND_TIMEOUT_USEC=", run: 1), "\(supervisor.log)")
        usleep(7_000_000)
        let told = supervisor.events.compactMap(\.notice)
        #expect(told.filter { $0["EXTEND_TIMEOUT_USEC"].flatMap { Int($0) } ?? 0 > 0 }.count > 1)
        #expect(told.contains { $0["STATUS"]?.contains("%") == true })
        #expect(supervisor.run == 1 && !told.contains { $0["READY"] != nil })
        #expect(supervisor.stop() == 0)
    }
}
