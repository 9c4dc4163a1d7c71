import Foundation
import RPC
import Support
import Testing

/// Time that the daemon measures is the monotonic clock's: what happens to the clock that people set, or while the
/// machine is suspended, makes no deadline earlier or later.
@Suite(.serialized, .enabled(if: ProcessInfo.processInfo.environment["DSEG_TRUST"] != nil))
struct ClockTests {
    /// Which clock jumps, see `Tests/Fixtures/preloaded/clock.c`.
    enum Jumping: String, CaseIterable, Sendable, CustomTestStringConvertible {
        case realtime, boottime
        var testDescription: String { rawValue }

        /// As Python's `time` names it.
        var clock: String { "CLOCK_\(rawValue.uppercased())" }
    }

    private let library: PreloadedLibrary

    init() throws { library = try PreloadedLibrary("clock") }

    private func environment(_ jumping: Jumping) -> [String: String] {
        ["LD_PRELOAD": library.path, "CLOCK_JUMPS": jumping.rawValue]
    }

    /// How long something takes, which is to take so many seconds, and is looked for every so many.
    private func expect(
        _ what: String, _ limit: Double, lookedForEvery pause: Double = 0,
        sourceLocation: SourceLocation = #_sourceLocation, _ body: () throws -> Void
    ) rethrows -> String {
        let time = try seconds(body)
        // A late processor, not a clock: jumps are of an hour and more.
        #expect((limit - 0.02..<limit + pause + 1).contains(time), "\(what): \(time) s", sourceLocation: sourceLocation)
        return "\(what) of \(limit) s: \(String(format: "%.2f", time))"
    }

    private func code(_ body: () throws -> Void) -> RPCStatus.Code? {
        do { try body() } catch { return (error as? RPCStatus)?.code }
        return .ok
    }

    @Test(arguments: Jumping.allCases)
    func `deadlines and timeouts while a clock jumps`(jumping: Jumping) throws {
        let jump = shell(
            """
            LD_PRELOAD='\(library.path)' CLOCK_JUMPS=\(jumping) /usr/bin/python3 -c '
            import time
            first = time.clock_gettime(time.\(jumping.clock)); time.sleep(0.06)
            print(abs(time.clock_gettime(time.\(jumping.clock)) - first) > 3000)'
            """)
        try #require(jump.output == "True\n", "the clock jumps: \(jump.output)")
        let daemon = try Daemon(answering: ["--call-limit", "4"], environment: environment(jumping))
        let client = try daemon.client()
        let picture = try client.look(Repository.scene(1)).handle
        var told: [String] = []

        let long = SegmentRequest(
            picture: .handle(picture), labels: (0..<255).map { Label(name: "thing \($0)") }, recipe: "diffsegmenter")
        let wire = try Wire(daemon)
        told.append(
            try expect("a call's deadline", 0.7) {
                try wire.open(.segment, stream: 1, long.encoded(), timeout: .milliseconds(700))
                #expect(try wire.code(of: 1) == .deadlineExceeded)
            })
        told.append(
            try expect("the limit of a call", 4) {
                try wire.open(.look, stream: 3, [])
                // Fast enough for an upload, and without an end.
                let piece = LookRequest(data: [UInt8](repeating: 1, count: 100_000))
                let frame = try Frame(.data, stream: 3, flags: [], payload: piece.encoded()).encoded()
                for _ in 0..<35 {
                    try wire.send(frame)
                    usleep(100_000)
                }
                #expect(try wire.code(of: 3) == .deadlineExceeded)
            })
        let half = try Wire(daemon)
        told.append(
            try expect("half a frame's time", 10) {
                try half.send([0, 0])
                try #require(eventually(within: .seconds(20)) { half.isHungUp })
            })

        told += try idle(jumping)
        print("\(jumping.clock) jumps: \(told.joined(separator: "; ")); \(Machine.description)")
    }

    /// Times that pass while nobody asks for anything.
    private func idle(_ jumping: Jumping) throws -> [String] {
        let daemon = try Daemon(
            answering: ["--keep-alive", "1500ms", "--idle-exit", "2s"], environment: environment(jumping))
        let client = try daemon.client()
        try keep(client, for: "1h")
        usleep(3_000_000)
        #expect(try client.status().models.contains { (3_590_000...3_600_000).contains($0.untilMilliseconds) })
        try keep(client, for: "1500ms")
        var told: [String] = []
        let exit = try expect("idle exit", 2, lookedForEvery: 2) {
            told.append(
                try expect("keep-alive", 1.5) {
                    try #require(eventually(within: .seconds(20)) { try client.status().models.isEmpty })
                })
            #expect(eventually(within: .seconds(20)) { daemon.child.hasEnded })
        }
        return told + [exit]
    }

    private func keep(_ client: Client, for time: String) throws {
        try client.warm(WarmRequest(model: "demo", keepAlive: time, requestID: "", deadlineMilliseconds: 0)) { _ in }
    }

    @Test(arguments: Jumping.allCases)
    func `a watchdog, and a client that waits, while a clock jumps`(jumping: Jumping) throws {
        var unit = ServiceUnit(environment: environment(jumping))
        unit.watchdog = .seconds(2)
        let supervisor = try ServiceSupervisor(unit)
        try supervisor.waitUntilReady(run: 1)
        let end = ContinuousClock.now + .seconds(6)
        var number = 0
        while ContinuousClock.now < end {
            number += 1
            let labels = (0..<20).map { Label(name: "thing \(number) \($0)") }
            try supervisor.client().segment(
                SegmentRequest(picture: .image(Repository.scene(1)), labels: labels, recipe: "diffsegmenter")
            ) { _ in }
        }
        #expect(supervisor.run == 1, "a daemon that works is not ended")
        #expect(try supervisor.client().health())

        let place = try TemporaryDirectory()
        let listener = try listen(at: "\(place.path)/dseg.sock")
        defer { close(listener) }
        let told = try expect("the client's --timeout", 2) {
            let child = try Child(
                [
                    "\(Repository.programs)/dseg", "mask", "--socket", "\(place.path)/dseg.sock", "--timeout", "2",
                    Repository.scenePath(1), "boat", "-o", place.path,
                ], environment: environment(jumping), errors: "\(place.path)/errors")
            #expect(child.exitCode == 75)
        }
        print("\(jumping.clock) jumps: \(number) calls under a watchdog of 2 s; \(told); \(Machine.description)")
    }
}
