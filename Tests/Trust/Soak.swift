import Foundation
import RPC
import Support
import Testing

/// One daemon under a mixed load, for as long as is asked, in cycles of some seconds: honest callers whose answers are
/// known, and a ``Mob`` of descriptions, of calls that are cancelled, late, abandoned or too many, and of garbage.
///
/// What is to be found is a leak of a few hundred bytes a second, within two minutes. So the daemon is measured only
/// where it holds as little as it can, and the same each time: each cycle ends with all callers gone and the model let
/// go of, upon which the daemon forgets what was computed and gives free pages back (`malloc_trim`) before it answers.
/// Even then its pages wander by some hundred KiB, as blocks that stay lie on other pages each time; so growth is
/// measured by the bytes of the blocks themselves, which a preloaded library counts there (`preloaded/heap.c`), and
/// pages are held to the total alone. The heap keeps no freed blocks for each thread meanwhile (glibc's tcache): it
/// would count them as given out, and they become more for minutes, as threads come to sizes they had not freed yet.
/// Growth is the slope of these measurements from mid-run on, by ``Slope``: it is a fault where it is surely over the
/// limit, not where noise makes it look so. The least leak that a run finds follows from its own noise, and is told.
struct Soak {
    struct Sample {
        /// Seconds since the start.
        let time: Double
        /// Private dirty bytes, and those of blocks that the heap has given out.
        let pages, heap: Int
        let descriptors, threads: Int
    }

    private(set) var samples: [Sample] = []
    private(set) var faults: [String] = []
    private(set) var honest: [Callers.Outcome: Int] = [:]
    private(set) var others: [BusyConnection.Ending: Int] = [:]
    private let library: PreloadedLibrary
    private let daemon: Daemon
    private let client: Client
    private let begin = ContinuousClock.now

    /// MiB an hour, and in all.
    static let steepest = 1.0
    static let most = 32.0
    private static let sureness = 3.0
    /// Of fewer measurements nothing is that sure.
    private static let fewest = 8
    /// Seconds of load in a cycle.
    private static let load = 1.5
    private static let silence = Duration.seconds(20)

    /// Ends early at the first fault of a call: what hangs would only hang longer.
    ///
    /// - Parameter environment: of the daemon, whose `LD_PRELOAD` may name a library
    init(_ options: [String], environment: [String: String], for time: Duration, seed: UInt64) throws {
        library = try PreloadedLibrary("heap")
        let counting = [
            "LD_PRELOAD": library.path, "HEAP_REPORT": library.order, "GLIBC_TUNABLES": "glibc.malloc.tcache_count=0",
        ]
        let all = environment.merging(counting) { "\($0):\($1)" }
        daemon = try Daemon(answering: options, environment: all)
        client = try Client(path: daemon.socket, silenceLimit: Self.silence)
        try warm()
        let questions = try KnownQuestion.six(answeredBy: client)
        var cycle: UInt64 = 0
        while begin.duration(to: .now) < time, faults.isEmpty {
            do { try turn(questions, cycle, seed) } catch { faults.append("cycle \(cycle): \(error)") }
            cycle += 1
        }
        if faults.isEmpty { judge() }
    }

    private func warm() throws {
        let request = WarmRequest(model: "demo", keepAlive: "", requestID: "", deadlineMilliseconds: 0)
        try client.warm(request) { _ in }
    }

    private mutating func turn(_ questions: [KnownQuestion], _ cycle: UInt64, _ seed: UInt64) throws {
        try warm()
        let crowds = [Callers.Habit.connectingEachTime, .keepingConnections].map {
            Callers(1, $0, at: daemon.socket, asking: questions, calls: nil, silence: Self.silence)
        }
        let mob = try Mob(at: daemon.socket, seed: seed + cycle)
        usleep(UInt32(Self.load * 1e6))
        mob.stop()
        for crowd in crowds { crowd.stop() }
        for crowd in crowds { honest.merge(crowd.tally) { $0 + $1 } }
        others.merge(mob.endings) { $0 + $1 }
        let illegal = honest.keys.filter { $0 != .right && !"\($0)".contains("resourceExhausted") }
        faults += illegal.map { "\($0)" } + mob.breaches
        try rest()
    }

    /// Has the daemon let go of all that it can, and measures it.
    private mutating func rest() throws {
        _ = try client.unload(UnloadRequest(model: ""))
        guard try eventually(within: Self.silence, { try client.status().models.isEmpty }) else {
            return faults.append("the model does not leave")
        }
        let heap = try String(contentsOfFile: library.order, encoding: .utf8).prefix { $0 != "\n" }
        let held = try Holdings(daemon, client)
        samples.append(
            Sample(
                time: begin.duration(to: .now) / .seconds(1), pages: try Self.privateDirty(daemon.child.process),
                heap: try #require(Int(heap)), descriptors: held.descriptors, threads: held.threads))
    }

    private static func privateDirty(_ process: pid_t) throws -> Int {
        let text = try String(contentsOfFile: "/proc/\(process)/smaps_rollup", encoding: .utf8)
        let line = text.split(separator: "\n").first { $0.hasPrefix("Private_Dirty:") }
        return (line?.split(separator: " ").dropFirst().first.flatMap { Int($0) } ?? 0) << 10
    }

    /// The samples from mid-run on.
    private var late: ArraySlice<Sample> { samples[(samples.count / 2)...] }

    /// Of the daemon's heap from mid-run on, in MiB an hour.
    var slope: Slope {
        Slope(late.map { ($0.time / 3600, Double($0.heap) / Double(1 << 20)) }, sureness: Self.sureness)
    }

    /// The slowest growth, in MiB an hour, that is found where there is as much noise as in this run.
    var findable: Double { Self.steepest + slope.median - slope.least }

    /// Of pages, in MiB.
    var growth: Double {
        guard let first = samples.first, let last = samples.last else { return 0 }
        return Double(last.pages - first.pages) / Double(1 << 20)
    }

    private mutating func judge() {
        guard late.count >= Self.fewest else {
            return faults.append("\(samples.count) measurements are too few")
        }
        if slope.least > Self.steepest { faults.append("memory grows") }
        if growth > Self.most { faults.append("memory has grown") }
        if grows(\.descriptors) { faults.append("descriptors") }
        if grows(\.threads) { faults.append("threads") }
    }

    /// Whether even the least that is held at the end is more than it was: a connection that has hung up may still be
    /// there in one measurement, what leaks in each.
    private func grows(_ value: KeyPath<Sample, Int>) -> Bool {
        let held = late.map { $0[keyPath: value] }
        let half = held.count / 2
        return held[half...].min() ?? 0 > held[..<half].min() ?? 0
    }

    func report(_ name: String) -> String {
        func text(_ value: Double) -> String { String(format: "%.2f", value) }
        let calls = honest.values.reduce(0, +) + others.values.reduce(0, +)
        let time = samples.last?.time ?? 0
        let told = """
            \(name): \(text(time)) s, \(calls) calls, honest \(honest), others \(others); faults \(faults); \
            \(Machine.description)
            """
        guard late.count >= Self.fewest, let last = samples.last else { return told }
        let bytes = findable * Double(1 << 20) / 3600 / (Double(calls) / time)
        return """
            \(told); \(samples.count) times at rest, with \(text(Double(last.pages) / Double(1 << 20))) MiB of pages; \
            slope \(text(slope.median)) MiB/h, surely over \(text(slope.least)); growth \(text(growth)) MiB; the least \
            leak that is found: \(text(findable)) MiB/h, \(text(bytes)) bytes a call
            """
    }
}
