import Foundation
import RPC
import Support
import Synchronization
import Testing

/// What a daemon does that has too little of what it needs of the system.
@Suite(.serialized, .enabled(if: ProcessInfo.processInfo.environment["DSEG_TRUST"] != nil))
struct ScarcityTests {
    /// Of so many descriptors the daemon keeps some for itself: of 200 callers it takes in as many as there are places,
    /// and those who are silent make room for those who wait.
    @Test func `sixty-four descriptors for two hundred callers`() throws {
        let watched = try Watched(descriptors: 64)
        let base = try watched.daemon.atRest()
        let before = try watched.processorTime
        var crowd = try (0..<200).map { _ in try Wire(watched.daemon) }
        usleep(3_000_000)
        let share = (try watched.processorTime - before) / 3
        let held = try FileManager.default.contentsOfDirectory(atPath: "/proc/\(watched.daemon.child.process)/fd").count
        crowd.removeAll()
        let time = try seconds {
            let isServed = try watched.daemon.client().health()
            #expect(isServed)
        }
        print(
            """
            64 descriptors, 200 callers: \(held) in use, \(String(format: "%.3f", share)) of a core, served \
            \(String(format: "%.2f", time)) s after they left; \(Machine.description)
            """)
        #expect(held < 64 && share < 0.05 && time < 2)
        try watched.daemon.expectRest(base)
    }

    /// The same where the limit comes later, and the daemon has none left for the next caller.
    @Test func `no descriptors left for two hundred callers`() throws {
        let watched = try Watched()
        let base = try watched.daemon.atRest()
        var (shares, times): ([Double], [Double]) = ([], [])
        for _ in 0..<3 {
            #expect(shell("prlimit --pid \(watched.daemon.child.process) --nofile=64:4096").status == 0)
            var crowd = try (0..<200).map { _ in try Wire(watched.daemon) }
            usleep(500_000)
            let before = try watched.processorTime
            usleep(2_000_000)
            shares.append((try watched.processorTime - before) / 2)
            crowd.removeAll()
            times.append(
                try seconds {
                    let isServed = try watched.daemon.client().health()
                    #expect(isServed)
                })
        }
        func text(_ values: [Double]) -> String { values.map { String(format: "%.3f", $0) }.joined(separator: ", ") }
        print(
            """
            no descriptors for 200 callers: \(text(shares)) of a core, served \(text(times)) s after they left; \
            \(Machine.description)
            """)
        #expect(shares.sorted()[1] < 0.05 && times.allSatisfy { $0 < 2 })
        try watched.daemon.expectRest(base)
    }

    /// A picture of 6 megapixels, of noise, which no encoder makes small: the frames of its upload. 128 of them are
    /// more than a user may have under way. They are encoded once: what so many callers did for themselves would take
    /// longer than what the daemon does for them.
    private func largeUpload() throws -> [UInt8] {
        let place = try TemporaryDirectory()
        let making = shell("pgmnoise 3000 2000 | pnmtopng -compression 1 > '\(place.path)/noise.png' 2> /dev/null")
        try #require(making.status == 0, "\(making.output)")
        let file = try Repository.bytes("\(place.path)/noise.png")
        let call = try ClientCall(.look, stream: 1, payload: [], timeout: nil)
        let length = 1 << 19
        return try call.opening
            + stride(from: 0, to: file.count, by: length).flatMap { start in
                let piece = LookRequest(data: Array(file[start..<min(start + length, file.count)]))
                return try call.message(piece.encoded())
            } + call.halfClose
    }

    /// Sends a large picture and asks for a close look at it; how that ended.
    private static func ask(_ path: String, _ upload: [UInt8], _ number: Int) -> String {
        do {
            let wire = try Wire(to: path, keeping: nil)
            try wire.send(upload)
            while let frame = try wire.next() {
                guard frame.stream == 1, frame.kind == .response else { continue }
                let reply: [UInt8]
                switch try CallResponse(decoding: frame.payload) {
                case .success(let payload): reply = payload
                case .failure(let status): throw status
                }
                let request = SegmentRequest(
                    picture: .handle(try LookReply(decoding: reply).handle),
                    labels: [Label(name: "thing \(number)")], recipe: "best", mask: true, settings: ["detail=2"])
                try Client(path: path).segment(request) { _ in }
                return "answered"
            }
            return "closed"
        } catch {
            return (error as? RPCStatus)?.code == .resourceExhausted ? "refused" : "\(error)"
        }
    }

    /// How each of many callers fared.
    private func crowd(_ count: Int, at path: String, _ upload: [UInt8]) -> [String] {
        let results = Mutex<[String]>([])
        let threads = (0..<count).map { number in
            let isOver = Flag()
            Thread.detachNewThread {
                let result = Self.ask(path, upload, number)
                results.withLock { $0.append(result) }
                isOver.raise()
            }
            return isOver
        }
        for thread in threads { thread.wait() }
        return results.withLock { $0 }
    }

    private func addressSpace(_ daemon: Daemon) throws -> Int {
        let status = try String(contentsOfFile: "/proc/\(daemon.child.process)/status", encoding: .utf8)
        let line = status.split(separator: "\n").first { $0.hasPrefix("VmPeak:") }
        return try #require(line?.split(whereSeparator: { " \t".contains($0) }).dropFirst().first.flatMap { Int($0) })
    }

    @Test func `a hundred and twenty-eight callers, and memory for little more than one`() throws {
        let picture = try largeUpload()
        let scout = try Daemon(answering: [])
        // A few, so that each thread of the daemon has the heap that it will have.
        #expect(crowd(4, at: scout.socket, picture).allSatisfy { $0 == "answered" })
        let limit = try addressSpace(scout) * 13 / 10
        let daemon = try Daemon("--queue", "64", after: "ulimit -v \(limit)")
        let results = crowd(128, at: daemon.socket, picture).reduce(into: [:]) { $0[$1, default: 0] += 1 }
        print("128 callers, \(limit >> 10) MiB of address space: \(results); \(Machine.description)")
        #expect(Set(results.keys) == ["answered", "refused"], "\(results)")
        try #require(!daemon.child.hasEnded, "\(daemon.log)")
        #expect(crowd(1, at: daemon.socket, picture) == ["answered"], "afterwards it does as before")
    }
}
