import Foundation
import RPC
import Support
import Testing

/// Health, Status and Cancel wait for no upload. Of three rounds the median counts.
@Suite(.serialized, .enabled(if: ProcessInfo.processInfo.environment["DSEG_TRUST"] != nil))
struct ControlLaneTests {
    /// Milliseconds of Health's 99th percentile while others work.
    private func health(of daemon: Daemon, _ name: String, during work: (Flag) throws -> Void) throws -> Double {
        var rounds: [Double] = []
        for _ in 0..<3 {
            let (isOver, hasEnded, samples) = (Flag(), Flag(), Samples())
            let path = daemon.socket
            Thread.detachNewThread {
                do { try Watched.probe(Client(path: path), until: isOver, samples) } catch { samples.fail("\(error)") }
                hasEnded.raise()
            }
            usleep(100_000)
            try work(isOver)
            isOver.raise()
            hasEnded.wait()
            #expect(samples.errors.isEmpty, "\(samples.errors)")
            rounds.append(try #require(samples.percentile(0.99)) * 1e3)
        }
        rounds.sort()
        print("\(name): Health p99 \(rounds.map { String(format: "%.1f", $0) }) ms; \(Machine.description)")
        return rounds[1]
    }

    /// Callers who bring 255 MiB each by Look, in messages of 1 MiB, for three seconds.
    private func upload(_ daemon: Daemon, callers: Int) throws {
        let piece = LookRequest(data: [UInt8](repeating: 1, count: (1 << 20) - 16)).encoded()
        let data = try Frame(.data, stream: 1, flags: [], payload: piece).encoded()
        let end = ContinuousClock.now + .seconds(3)
        let flags = (0..<callers).map { _ in Flag() }
        let path = daemon.socket
        for flag in flags {
            Thread.detachNewThread {
                // Refused: it is no picture, or there is no room for so many.
                while ContinuousClock.now < end { try? Self.bring(data, to: path, until: end) }
                flag.raise()
            }
        }
        for flag in flags { flag.wait() }
    }

    private static func bring(_ data: [UInt8], to path: String, until end: ContinuousClock.Instant) throws {
        let socket = UnixSocket(adopting: try connect(to: path), path: path)
        try socket.write(ClientCall(.look, stream: 1, payload: [], timeout: nil).opening)
        for _ in 0..<255 where ContinuousClock.now < end { try socket.write(data) }
        try socket.write(Frame.end(of: 1).encoded())
        _ = try socket.read()
    }

    @Test func `Health is answered beside uploads`() throws {
        let daemon = try Daemon()
        _ = try health(of: daemon, "nobody else") { _ in usleep(3_000_000) }
        let spinners = try (0..<2).map { _ in
            try Child(["/bin/sh", "-c", "while :; do :; done"], environment: [:], errors: "/dev/null")
        }
        _ = try health(of: daemon, "two programs that spin") { _ in usleep(3_000_000) }
        for spinner in spinners { kill(spinner.process, SIGKILL) }
        for callers in [1, 8] {
            let p99 = try health(of: daemon, "\(callers) uploads of 255 MiB") { _ in
                try upload(daemon, callers: callers)
            }
            #expect(p99 < 20)
        }
    }
}
