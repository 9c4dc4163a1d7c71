import ServiceManager
import Support
import Testing

/// A service manager and a daemon of two threads, on a clock of their own.
private struct Scene {
    private static let start = SuspendingClock.now

    let limit: Duration
    /// Whether the manager ends what is told to hang, as systemd does.
    let obeys: Bool
    var watchdog: Watchdog<Int>
    /// When the manager was told last.
    var told = Duration.zero
    var now = Duration.zero

    init(limit: Duration, obeys: Bool) {
        self.limit = limit
        self.obeys = obeys
        watchdog = Watchdog(limit: limit, threads: 2)
    }

    /// - Parameter beats: what the threads show at a time; `nil` of one that waits for work
    /// - Returns: when the manager ends the daemon; `nil`: not until `end`
    mutating func ended(by end: Duration, _ beats: (Duration) -> [Int?]) -> Duration? {
        while now < end {
            if told + limit < now { return told + limit }
            switch watchdog.look(at: beats(now), now: Self.start + now) {
            case .alive: told = now
            case .hung where obeys: return now
            case .hung, .waiting: break
            }
            now += watchdog.pause
        }
        return nil
    }
}

struct WatchdogTests {
    static let limits: [Duration] = [.seconds(1), .seconds(2), .seconds(30)]

    @Test(arguments: limits)
    func `an idle daemon lives for ever`(limit: Duration) {
        var scene = Scene(limit: limit, obeys: true)
        #expect(scene.ended(by: limit * 100) { _ in [nil, nil] } == nil)
    }

    /// Work begins at any time and shows progress four times in a limit, on one thread, the other or both.
    @Test(arguments: limits)
    func `a daemon that makes progress lives, however long its work takes`(limit: Duration) {
        var random = SeededGenerator(seed: 11)
        for _ in 0..<50 {
            let start = limit * Double.random(in: 0...3, using: &random)
            let gap = limit / 4 * Double.random(in: 0.001...1, using: &random)
            let which = Int.random(in: 1...3, using: &random)
            var scene = Scene(limit: limit, obeys: true)
            let end = scene.ended(by: limit * 40) { now in
                let isBusy = now >= start && now < limit * 30
                let beat = isBusy ? Int((now - start) / gap) : nil
                return [which & 1 != 0 ? beat : nil, which & 2 != 0 ? beat : nil]
            }
            #expect(end == nil, "work from \(start) on, a beat each \(gap)")
        }
    }

    /// Whatever the other thread does, and also where the work hangs as it begins. A manager that only waits to be told
    /// ends it in time where the other thread has no work.
    @Test(arguments: limits)
    func `a thread that hangs has the daemon ended within the limit and a second`(limit: Duration) throws {
        var random = SeededGenerator(seed: 12)
        for _ in 0..<50 {
            let start = limit * Double.random(in: 0...3, using: &random)
            let hang =
                start + limit * Double.random(in: 0...2, using: &random) * Double(Int.random(in: 0...1, using: &random))
            let gap = limit / 5
            let otherWorks = Bool.random(using: &random)
            var scene = Scene(limit: limit, obeys: otherWorks)
            let end = scene.ended(by: limit * 40) { now in
                let beat = now >= start ? Int((min(now, hang) - start) / gap) : nil
                return [beat, otherWorks ? Int(now / gap) : nil]
            }
            let ended = try #require(end, "work from \(start) on, hung at \(hang)")
            #expect(ended > hang && ended <= hang + limit + .seconds(1), "hung at \(hang), ended at \(ended)")
        }
    }

    @Test func `a first look proves nothing of a thread with work`() {
        var watchdog = Watchdog<Int>(limit: .seconds(30), threads: 2)
        let start = SuspendingClock.now
        let told = [7, 7, 8].map { watchdog.look(at: [$0, nil], now: start) }
        #expect(told == [.waiting, .waiting, .alive])
        #expect(watchdog.pause <= .milliseconds(500))
        let (late, idle) = (
            watchdog.look(at: [8, nil], now: start + .seconds(30)), watchdog.look(at: [nil, nil], now: start)
        )
        #expect(late == .hung && idle == .alive)
        #expect(watchdog.pause > .seconds(5))
    }
}
