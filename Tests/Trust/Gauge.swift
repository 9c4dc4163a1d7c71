import Foundation
import Support

/// What the kernel says of a process.
struct Gauge {
    private let process: pid_t

    init(_ daemon: Daemon) { process = daemon.child.process }

    /// Of the tests' own process.
    static let own = Gauge(process: getpid())

    private init(process: pid_t) { self.process = process }

    /// Bytes in memory.
    var resident: Int { get throws { try bytes("VmRSS:") } }

    /// Bytes in memory at the most since ``forgetPeak()``.
    var peak: Int { get throws { try bytes("VmHWM:") } }

    func forgetPeak() throws {
        try Data("5".utf8).write(to: URL(filePath: "/proc/\(process)/clear_refs"))
    }

    private func bytes(_ name: String) throws -> Int {
        let status = try String(contentsOfFile: "/proc/\(process)/status", encoding: .utf8)
        let line = status.split(separator: "\n").first { $0.hasPrefix(name) }
        let words = line?.split(whereSeparator: { " \t".contains($0) }) ?? []
        return words.dropFirst().first.flatMap { Int($0) }.map { $0 << 10 } ?? 0
    }

    var descriptors: Int {
        get throws { try FileManager.default.contentsOfDirectory(atPath: "/proc/\(process)/fd").count }
    }

    /// Seconds of processor time of all threads so far, to the nanosecond.
    var worked: Double {
        var clock = clockid_t()
        var time = timespec()
        guard unsafe clock_getcpuclockid(process, &clock) == 0, unsafe clock_gettime(clock, &time) == 0 else {
            return 0
        }
        return Double(time.tv_sec) + Double(time.tv_nsec) * 1e-9
    }

    /// A time of processor, beside which a process is at rest: what timers and a question of its state take.
    private static let restShare = 0.1
    private static let restTime = 0.03

    /// Waits until the process is at rest for 30 ms.
    ///
    /// - Returns: seconds until the first of these
    func secondsToRest() -> Double {
        let start = ContinuousClock.now
        func now() -> Double { start.duration(to: .now) / .seconds(1) }
        var last = (time: 0.0, worked: worked)
        while now() < 60 {
            usleep(2000)
            let worked = worked
            if worked - last.worked > Self.restTime * Self.restShare { last = (now(), worked) }
            if now() - last.time >= Self.restTime { break }
        }
        return last.time
    }

    /// Waits until the process has as many descriptors as before, and no more than so many bytes more in memory.
    ///
    /// - Returns: what it has at the end
    func settled(to base: (resident: Int, descriptors: Int), growth: Int) throws -> (resident: Int, descriptors: Int) {
        var now = base
        _ = try eventually(within: .seconds(30)) {
            now = (try resident, try descriptors)
            return now.resident <= base.resident + growth && now.descriptors <= base.descriptors
        }
        return now
    }

    /// What it holds once it has given back what it keeps for five seconds.
    func atRest() throws -> (resident: Int, descriptors: Int) {
        usleep(7_000_000)
        return (try resident, try descriptors)
    }
}

extension [Double] {
    /// The value that so large a share of all does not exceed; 0 where there are none.
    func percentile(_ share: Double) -> Double {
        isEmpty ? 0 : sorted()[Swift.min(count - 1, Int(Double(count) * share))]
    }

    var median: Double { percentile(0.5) }
}

/// Megabytes of 2^20 bytes, with their sign.
func mebibytes(_ bytes: Int) -> String { String(format: "%+.2f MiB", Double(bytes) / Double(1 << 20)) }

func milliseconds(_ seconds: Double) -> String { String(format: "%.1f ms", seconds * 1e3) }
