import Foundation
import RPC
import Support
import Synchronization
import Testing

/// A daemon that is attacked, and what an honest caller sees of it meanwhile and afterwards.
final class Watched {
    let daemon: Daemon
    /// A picture that the honest caller has asked about.
    let handle: String
    private let base: Holdings

    /// What a process holds, beside what it says that it remembers.
    private struct Holdings {
        let resident, descriptors, threads: Int

        init(_ process: pid_t, remembered: Int) throws {
            let status = try String(contentsOfFile: "/proc/\(process)/status", encoding: .utf8)
            func value(_ name: String) -> Int {
                let line = status.split(separator: "\n").first { $0.hasPrefix("\(name):") }
                return line?.split(whereSeparator: { " \t".contains($0) }).dropFirst().first.flatMap { Int($0) } ?? 0
            }
            resident = value("VmRSS") << 10 - remembered
            threads = value("Threads")
            descriptors = try FileManager.default.contentsOfDirectory(atPath: "/proc/\(process)/fd").count
        }
    }

    /// - Parameter limit: of descriptors; `nil`: as these tests have
    init(descriptors limit: Int? = nil) throws {
        daemon = try Daemon(after: limit.map { "ulimit -n \($0)" })
        let client = try daemon.client()
        handle = try client.look(Repository.scene(1)).handle
        _ = try client.segment(Self.question(handle)) { _ in }
        base = try Holdings(daemon.child.process, remembered: Self.remembered(client))
    }

    private static func remembered(_ client: Client) throws -> Int {
        let status = try client.status()
        return Int(status.picturesBytes + status.wordsBytes)
    }

    private static func question(_ handle: String) -> SegmentRequest {
        SegmentRequest(picture: .handle(handle), labels: [Label(name: "boat"), Label(name: "sheep")], mask: true)
    }

    /// Seconds of processor time so far.
    var processorTime: Double {
        get throws { try Self.time("/proc/\(daemon.child.process)/stat").seconds }
    }

    /// Seconds of processor time of the threads whose names begin so.
    func processorTime(of names: [String]) throws -> Double {
        let threads = "/proc/\(daemon.child.process)/task"
        return try FileManager.default.contentsOfDirectory(atPath: threads)
            .map { try Self.time("\(threads)/\($0)/stat") }
            .filter { thread in names.contains { thread.name.hasPrefix($0) } }.reduce(0) { $0 + $1.seconds }
    }

    private static func time(_ path: String) throws -> (name: Substring, seconds: Double) {
        let text = try String(contentsOfFile: path, encoding: .utf8)
        let name = text.drop { $0 != "(" }.dropFirst().prefix { $0 != ")" }
        let fields = text.split(separator: ")").last?.split(separator: " ") ?? []
        let ticks = fields.dropFirst(11).prefix(2).reduce(0) { $0 + (Double($1) ?? 0) }
        return (name, ticks / Double(sysconf(CInt(_SC_CLK_TCK))))
    }

    /// What an honest caller saw during an attack.
    struct Sight {
        /// Milliseconds.
        let healthP99: Double
        /// Seconds that the slowest new question took.
        let slowest: Double
    }

    /// Attacks, and asks honestly meanwhile: Health all the time, and new questions on new connections.
    func during(_ attack: () throws -> Void) throws -> Sight {
        let isOver = Flag()
        let (health, questions) = (Samples(), Samples())
        let (path, handle) = (daemon.socket, handle)
        let threads = [
            thread(until: isOver, every: 5_000, health) {
                let client = try Client(path: path)
                return { _ = try client.health() }
            },
            thread(until: isOver, every: 50_000, questions) {
                var seed: UInt32 = 0
                return {
                    seed += 1
                    var question = Self.question(handle)
                    question.threshold = Float(seed % 1000) / 1000
                    try Client(path: path).segment(question) { _ in }
                }
            },
        ]
        defer {
            isOver.raise()
            for thread in threads { thread.wait() }
        }
        usleep(100_000)
        try attack()
        usleep(100_000)
        isOver.raise()
        for thread in threads { thread.wait() }
        let errors = health.errors + questions.errors
        #expect(errors.isEmpty, "\(errors.first ?? "")")
        return Sight(healthP99: health.percentile(0.99) * 1e3, slowest: questions.percentile(1))
    }

    private func thread(
        until isOver: Flag, every microseconds: UInt32, _ samples: Samples,
        _ prepare: @escaping @Sendable () throws -> () throws -> Void
    ) -> Flag {
        let ended = Flag()
        Thread.detachNewThread {
            do {
                let ask = try prepare()
                while !isOver.isRaised {
                    let start = ContinuousClock.now
                    try ask()
                    samples.add(start.duration(to: .now) / .seconds(1))
                    usleep(microseconds)
                }
            } catch {
                samples.fail("\(error)")
            }
            ended.raise()
        }
        return ended
    }

    /// Afterwards everything is given back: within half a minute, and 32 MiB.
    func expectRest(sourceLocation: SourceLocation = #_sourceLocation) throws {
        let client = try daemon.client()
        var now = base
        let isAtRest = try eventually {
            now = try Holdings(daemon.child.process, remembered: Self.remembered(client))
            // The connection that asks is one descriptor more.
            return now.resident <= base.resident + 32 << 20 && now.descriptors <= base.descriptors + 1
                && now.threads <= base.threads
        }
        #expect(isAtRest, "\(base), now \(now)", sourceLocation: sourceLocation)
    }
}

/// Raised once, waited for by polling: these tests measure, and need no precision.
final class Flag: Sendable {
    private let raised = Atomic<Bool>(false)

    var isRaised: Bool { raised.load(ordering: .acquiring) }
    func raise() { raised.store(true, ordering: .releasing) }
    func wait() { while !isRaised { usleep(1000) } }
}

/// Times that a thread took.
private final class Samples: Sendable {
    private let taken = Mutex<(times: [Double], errors: [String])>(([], []))

    func add(_ time: Double) { taken.withLock { $0.times.append(time) } }
    func fail(_ error: String) { taken.withLock { $0.errors.append(error) } }
    var errors: [String] { taken.withLock(\.errors) }

    func percentile(_ share: Double) -> Double {
        let sorted = taken.withLock(\.times).sorted()
        return sorted.isEmpty ? 0 : sorted[min(sorted.count - 1, Int(Double(sorted.count) * share))]
    }
}

/// Where a figure was taken.
enum Machine {
    static let description: String = {
        let text = (try? String(contentsOfFile: "/proc/cpuinfo", encoding: .utf8)) ?? ""
        func value(_ name: String) -> Substring {
            let line = text.split(separator: "\n").first { $0.hasPrefix(name) }
            return line?.split(separator: ":").last ?? "?"
        }
        let sets = ["avx512_vnni", "avx512f", "avx2"].first { value("flags").contains(" \($0)") } ?? "portable"
        return "\(sysconf(CInt(_SC_NPROCESSORS_ONLN))) x\(value("model name")), \(sets)"
    }()
}
