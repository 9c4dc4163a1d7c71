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
    /// Seconds that the slowest of some new questions took with nobody else there.
    let own: Double
    private let words = Words()

    /// - Parameters:
    ///   - options: the daemon's
    ///   - limit: of descriptors; `nil`: as these tests have
    init(_ options: [String] = [], descriptors limit: Int? = nil) throws {
        daemon = try Daemon(answering: options, after: limit.map { "ulimit -n \($0)" })
        handle = try daemon.client().look(Repository.scene(1)).handle
        let (path, handle, words) = (daemon.socket, handle, words)
        own = try (0..<20).map { _ in
            try seconds { try Self.ask(path, handle, words) }
        }.reduce(0, max)
    }

    /// A word that nobody has asked this daemon for.
    func newWord() -> String { words.next() }

    /// A question with a new word, which no memory answers, on a new connection.
    private static func ask(_ path: String, _ handle: String, _ words: Words) throws {
        let labels = [Label(name: "boat"), Label(name: words.next())]
        try Client(path: path).segment(SegmentRequest(picture: .handle(handle), labels: labels, mask: true)) { _ in }
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
        let (path, handle, words) = (daemon.socket, handle, words)
        let threads = [
            thread(health) { try Self.probe(Client(path: path), until: isOver, health) },
            thread(questions) {
                repeat {
                    questions.add(try seconds { try Self.ask(path, handle, words) })
                    usleep(50_000)
                } while !isOver.isRaised
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
        return Sight(
            healthP99: try #require(health.percentile(0.99)) * 1e3, slowest: try #require(questions.percentile(1)))
    }

    /// Asks for Health every 5 ms. A probe's time counts from when it was due: those that an answer delays are late
    /// too, and those that were due before the end are asked after it.
    static func probe(_ client: Client, until isOver: Flag, _ samples: Samples) throws {
        let clock = ContinuousClock()
        var due = clock.now
        while !isOver.isRaised || due < clock.now {
            let early = clock.now.duration(to: due) / .microseconds(1)
            if early > 0 { usleep(UInt32(early)) }
            _ = try client.health()
            samples.add(due.duration(to: clock.now) / .seconds(1))
            due += .milliseconds(5)
        }
    }

    private func thread(_ samples: Samples, _ work: @escaping @Sendable () throws -> Void) -> Flag {
        let ended = Flag()
        Thread.detachNewThread {
            do { try work() } catch { samples.fail("\(error)") }
            ended.raise()
        }
        return ended
    }
}

/// How long something takes, in seconds.
func seconds(_ body: () throws -> Void) rethrows -> Double {
    let start = ContinuousClock.now
    try body()
    return start.duration(to: .now) / .seconds(1)
}

/// Words that never come again.
private final class Words: Sendable {
    private let count = Atomic<Int>(0)

    func next() -> String { "word \(count.add(1, ordering: .relaxed).newValue)" }
}

/// Raised once, waited for by polling: these tests measure, and need no precision.
final class Flag: Sendable {
    private let raised = Atomic<Bool>(false)

    var isRaised: Bool { raised.load(ordering: .acquiring) }
    func raise() { raised.store(true, ordering: .releasing) }
    func wait() { while !isRaised { usleep(1000) } }
}

/// Times that a thread took.
final class Samples: Sendable {
    private let taken = Mutex<(times: [Double], errors: [String])>(([], []))

    func add(_ time: Double) { taken.withLock { $0.times.append(time) } }
    func fail(_ error: String) { taken.withLock { $0.errors.append(error) } }
    var errors: [String] { taken.withLock(\.errors) }

    /// `nil` where nothing was taken.
    func percentile(_ share: Double) -> Double? {
        let sorted = taken.withLock(\.times).sorted()
        return sorted.isEmpty ? nil : sorted[min(sorted.count - 1, Int(Double(sorted.count) * share))]
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
