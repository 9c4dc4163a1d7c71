import Foundation
import RPC
import Support
import Testing

/// What a daemon's process holds, beside what it says that it remembers.
struct Holdings {
    let resident, descriptors, threads: Int

    /// - Parameter client: the only one there is: its connection is one of the descriptors
    init(_ daemon: Daemon, _ client: Client) throws {
        let remembered = try client.status()
        let status = try String(contentsOfFile: "/proc/\(daemon.child.process)/status", encoding: .utf8)
        func value(_ name: String) -> Int {
            let line = status.split(separator: "\n").first { $0.hasPrefix("\(name):") }
            return line?.split(whereSeparator: { " \t".contains($0) }).dropFirst().first.flatMap { Int($0) } ?? 0
        }
        resident = value("VmRSS") << 10 - Int(remembered.picturesBytes + remembered.wordsBytes)
        threads = value("Threads")
        descriptors = try FileManager.default.contentsOfDirectory(atPath: "/proc/\(daemon.child.process)/fd").count
    }
}

extension Daemon {
    /// What it holds when nobody has asked for longer than the 5 s after which it gives scratch memory back.
    func atRest() throws -> Holdings {
        let client = try client()
        usleep(7_000_000)
        return try Holdings(self, client)
    }

    /// Afterwards everything is given back: within half a minute, and but for 32 MiB.
    func expectRest(_ base: Holdings, sourceLocation: SourceLocation = #_sourceLocation) throws {
        let client = try client()
        var now = base
        let isAtRest = try eventually(within: .seconds(30)) {
            now = try Holdings(self, client)
            return now.resident <= base.resident + 32 << 20 && now.descriptors <= base.descriptors
                && now.threads <= base.threads
        }
        #expect(isAtRest, "\(base), now \(now)", sourceLocation: sourceLocation)
    }
}

extension Watched {
    /// Seconds of processor time so far.
    var processorTime: Double {
        get throws { try Self.time("/proc/\(daemon.child.process)/stat").seconds }
    }

    /// Seconds of processor time of the threads whose names begin so, of which there must be some by each name.
    func processorTime(of names: [String]) throws -> Double {
        let folder = "/proc/\(daemon.child.process)/task"
        let threads = try FileManager.default.contentsOfDirectory(atPath: folder)
            .map { try Self.time("\(folder)/\($0)/stat") }
        return try names.reduce(0) { sum, name in
            let named = threads.filter { $0.name.hasPrefix(name) }
            try #require(!named.isEmpty, "no thread is called \(name)")
            return sum + named.reduce(0) { $0 + $1.seconds }
        }
    }

    private static func time(_ path: String) throws -> (name: Substring, seconds: Double) {
        let text = try String(contentsOfFile: path, encoding: .utf8)
        let name = text.drop { $0 != "(" }.dropFirst().prefix { $0 != ")" }
        let fields = text.split(separator: ")").last?.split(separator: " ") ?? []
        let ticks = fields.dropFirst(11).prefix(2).reduce(0) { $0 + (Double($1) ?? 0) }
        return (name, ticks / Double(sysconf(CInt(_SC_CLK_TCK))))
    }
}
