import Foundation
import RPC
import Support
import Testing

/// Whatever one caller does, another's Health stays under 20 ms at the 99th percentile, their question waits for no
/// more than one job of the attacker's, and afterwards the daemon holds what it held before. Of three rounds the median
/// counts.
@Suite(.serialized, .enabled(if: ProcessInfo.processInfo.environment["DSEG_TRUST"] != nil))
struct AttackTests {
    /// Seconds that a question may take longer than it takes alone, beside a job: the attacker, the probes and the
    /// daemon's event loop share two processors with the engine.
    private static let slack = 0.25

    /// - Parameters:
    ///   - job: does what an attacker may have under way when an honest question comes, to its end, and tells the
    ///     seconds; `nil`: nothing of the attack is a job
    ///   - wait: seconds that connections wait for others by the daemon's own rules
    private func judge(
        _ name: String, on watched: Watched, job: ((Watched) throws -> Double)? = nil, wait: Double = 0,
        sourceLocation: SourceLocation = #_sourceLocation, _ attack: (Watched) throws -> Void
    ) throws {
        let job = try job.map { job in try (0..<3).map { _ in try job(watched) }.reduce(0, max) } ?? 0
        let base = try watched.daemon.atRest()
        var sights: [Watched.Sight] = []
        for _ in 0..<3 { sights.append(try watched.during { try attack(watched) }) }
        let health = sights.map(\.healthP99).sorted()
        let slowest = sights.map(\.slowest).sorted()
        print(
            """
            \(name): Health p99 \(health.map { String(format: "%.1f", $0) }) ms, slowest question \
            \(slowest.map { String(format: "%.2f", $0) }) s (alone \(String(format: "%.2f", watched.own)) s, the \
            attacker's job \(String(format: "%.2f", job)) s, by rule \(wait) s); \(Machine.description)
            """)
        #expect(health[1] < 20, sourceLocation: sourceLocation)
        #expect(slowest[1] <= job + wait + watched.own + Self.slack, sourceLocation: sourceLocation)
        try watched.daemon.expectRest(base, sourceLocation: sourceLocation)
    }

    /// A mebibyte of a picture on the first stream.
    private func data() throws -> [UInt8] {
        let piece = LookRequest(data: [UInt8](repeating: 1, count: (1 << 20) - 16))
        return try Frame(.data, stream: 1, flags: [], payload: piece.encoded()).encoded()
    }

    /// With words that nobody has asked for.
    private func newLabels(_ count: Int, _ watched: Watched) -> [Label] {
        (0..<count).map { _ in Label(name: watched.newWord()) }
    }

    private func labels(_ count: Int, _ name: (Int) -> String) -> [Label] {
        (0..<count).map { Label(name: name($0)) }
    }

    @Test func `runs of combining marks wherever there is text`() throws {
        let marks = "a" + String(repeating: "\u{301}\u{323}", count: 250_000)
        try judge("marks", on: Watched()) { watched in
            let wire = try Wire(watched.daemon)
            let calls = [
                CallRequest(service: "dseg.v1.Segmenter", method: marks, payload: [], timeout: 0),
                CallRequest(service: marks, method: "Check", payload: [], timeout: 0),
            ]
            for (index, call) in calls.enumerated() {
                let stream = UInt32(2 * index + 1)
                try wire.send(Frame(.request, stream: stream, flags: [], payload: call.encoded()).encoded())
                #expect(try wire.code(of: stream) == .unimplemented)
            }
            let name = String(marks.unicodeScalars.prefix(2000))
            let handle = String(marks.unicodeScalars.prefix(30_000))
            for (stream, request) in [
                SegmentRequest(picture: .handle(handle), labels: labels(1) { "\($0)" }),
                SegmentRequest(picture: .handle("0"), labels: labels(1) { "\($0)" }, model: marks),
                SegmentRequest(picture: .handle("0"), labels: labels(900) { "\(name)\($0)" }),
            ].enumerated() {
                try wire.open(.segment, stream: UInt32(2 * stream + 5), request.encoded())
                #expect(try wire.code(of: UInt32(2 * stream + 5)) == .invalidArgument)
            }
        }
    }

    @Test func `uploads whose callers hang up`() throws {
        try judge("hung-up uploads, 64 MiB each", on: Watched()) { watched in
            let data = try data()
            for _ in 0..<10 {
                let wire = try Wire(watched.daemon)
                try wire.open(.look, stream: 1, [])
                for _ in 0..<64 { try wire.send(data) }
            }
        }
    }

    @Test func `a storm of callers who hang up in mid-upload`() throws {
        let data = try Frame(
            .data, stream: 1, flags: [], payload: LookRequest(data: [UInt8](repeating: 1, count: 65_000)).encoded()
        ).encoded()
        try judge("a storm of hung-up uploads", on: Watched()) { watched in
            for _ in 0..<4000 {
                let wire = try Wire(watched.daemon)
                try wire.open(.look, stream: 1, [])
                try wire.send(data)
            }
        }
    }

    @Test func `pictures of 200 MiB`() throws {
        let data = try data()
        /// Seconds from a picture's end to its refusal.
        func upload(_ watched: Watched) throws -> Double {
            let wire = try Wire(watched.daemon)
            try wire.open(.look, stream: 1, [])
            for _ in 0..<200 { try wire.send(data) }
            return try seconds {
                try wire.send(Frame.end(of: 1).encoded())
                #expect(try wire.code(of: 1) == .invalidArgument)
            }
        }
        try judge("uploads of 200 MiB", on: Watched(), job: upload) { _ = try upload($0) }
    }

    /// A question whose answer is far more than a connection's share of bytes that wait for a reader.
    private func bulky(_ watched: Watched) -> SegmentRequest {
        SegmentRequest(
            picture: .handle(watched.handle), labels: newLabels(300, watched), maps: .sized, mapWidth: 900,
            mapHeight: 900, encoding: .u16)
    }

    @Test func `readers who stop`() throws {
        try judge(
            "stalled readers", on: Watched(),
            job: { watched in
                try seconds { try watched.daemon.client().segment(bulky(watched)) { _ in } }
            }
        ) { watched in
            let wires = try (0..<4).map { _ in try Wire(watched.daemon) }
            for (index, wire) in wires.enumerated() {
                var request = bulky(watched)
                request.requestID = "slow \(index)"
                try wire.open(.segment, stream: 1, request.encoded())
            }
            usleep(2_000_000)
            let client = try watched.daemon.client()
            for index in wires.indices { #expect(try client.cancel("slow \(index)") == 1) }
        }
    }

    /// They keep what waits for them, and their connection, until 30 s have passed without a byte.
    @Test func `readers who never read`() throws {
        var cuts: [Double] = []
        try judge(
            "readers who never read", on: Watched(),
            job: { watched in
                try seconds { try watched.daemon.client().segment(bulky(watched)) { _ in } }
            }
        ) { watched in
            let wire = try Wire(watched.daemon)
            try wire.open(.segment, stream: 1, bulky(watched).encoded())
            cuts.append(seconds { #expect(eventually { wire.isHungUp }) })
        }
        print("cut after \(cuts.map { String(format: "%.1f", $0) }) s")
        #expect((30..<34).contains(cuts.sorted()[1]))
    }

    /// Of 256 descriptors 130 are for one user's connections, which a half second of silence costs them. Whoever comes
    /// after 377 waits until all places have been given away twice.
    @Test func `silent connections, more than there are descriptors`() throws {
        try judge("377 silent connections", on: Watched(descriptors: 256), wait: 2 * 0.5) { watched in
            let wires = try (0..<377).map { _ in try Wire(watched.daemon) }
            for (index, wire) in wires.enumerated() where index % 2 == 0 { try? wire.send([0, 0]) }
            usleep(2_000_000)
        }
    }

    @Test func `thirty open calls on one connection`() throws {
        func call(_ watched: Watched) -> SegmentRequest {
            SegmentRequest(
                picture: .handle(watched.handle), labels: newLabels(30, watched), recipe: "diffsegmenter")
        }
        try judge(
            "30 open calls", on: Watched(),
            job: { watched in
                try seconds { try watched.daemon.client().segment(call(watched)) { _ in } }
            }
        ) { watched in
            let client = try watched.daemon.client()
            let wire = try Wire(watched.daemon)
            for stream in stride(from: 1, to: 61, by: 2) as StrideTo<UInt32> {
                _ = try client.look(Repository.scene(2))
                try wire.open(.segment, stream: stream, call(watched).encoded())
            }
            usleep(2_000_000)
        }
    }

    @Test func `a PNG of five million chunks`() throws {
        // Empty chunks of a private kind: length, type, and the type's CRC.
        let chunk: [UInt8] = [0, 0, 0, 0] + Array("teSt".utf8) + [0x4D, 0xFB, 0x5A, 0xAE]
        var file = try Repository.bytes("\(Repository.root)/Tests/Fixtures/images/rgb-8.png")
        file.insert(contentsOf: (0..<5_000_000).flatMap { _ in chunk }, at: 33)
        let bomb = file
        func look(_ watched: Watched) -> Double {
            seconds {
                let refusal = #expect(throws: RPCStatus.self) { try watched.daemon.client().look(bomb) }
                #expect(refusal?.code == .invalidArgument)
            }
        }
        try judge("five million chunks", on: Watched(), job: look) { _ = look($0) }
    }

    /// A crowd comes, of whom one gets the last descriptor; there are others again at the end.
    private func withoutDescriptors(_ watched: Watched, _ meanwhile: () throws -> Void) throws {
        let process = watched.daemon.child.process
        let used = try FileManager.default.contentsOfDirectory(atPath: "/proc/\(process)/fd").count
        #expect(shell("prlimit --pid \(process) --nofile=\(used + 1):4096").status == 0)
        let crowd = try (0..<20).map { _ in try Wire(watched.daemon) }
        usleep(200_000)
        try meanwhile()
        #expect(shell("prlimit --pid \(process) --nofile=4096:4096").status == 0)
        let isServed = try withExtendedLifetime(crowd) { try watched.daemon.client().health() }
        #expect(isServed)
    }

    /// A connection that cannot be accepted stays readable: the loop must not look at it all the time, but every
    /// second. Whoever comes meanwhile waits until it finds descriptors.
    @Test func `no descriptors for those who wait`() throws {
        let watched = try Watched()
        var shares: [Double] = []
        for _ in 0..<3 {
            try withoutDescriptors(watched) {
                let before = try watched.processorTime
                usleep(2_000_000)
                shares.append((try watched.processorTime - before) / 2)
            }
        }
        print("no descriptors: \(shares.map { String(format: "%.3f", $0) }) of a core; \(Machine.description)")
        #expect(shares.sorted()[1] < 0.05)
        try judge("no descriptors", on: watched, wait: 2.2 + 1) { watched in
            try withoutDescriptors(watched) { usleep(2_000_000) }
        }
    }

    /// Whoever waits does nothing: the event loop and the drawing thread are at rest while the engine computes.
    @Test func `an answer under way keeps nobody but the engine at work`() throws {
        func long(_ watched: Watched) -> SegmentRequest {
            SegmentRequest(picture: .handle(watched.handle), labels: newLabels(255, watched), recipe: "diffsegmenter")
        }
        let watched = try Watched()
        var shares: [Double] = []
        for _ in 0..<3 {
            let wire = try Wire(watched.daemon)
            try wire.open(.segment, stream: 1, long(watched).encoded())
            usleep(200_000)
            let (before, all) = try (watched.processorTime(of: ["NIO-ELT", "TP-#"]), watched.processorTime)
            usleep(1_000_000)
            let (after, total) = try (watched.processorTime(of: ["NIO-ELT", "TP-#"]), watched.processorTime)
            shares.append((after - before) / (total - all))
        }
        print("event loop and drawing thread: \(shares.map { String(format: "%.3f", $0) }); \(Machine.description)")
        #expect(shares.sorted()[1] < 0.05)
        try judge(
            "an answer under way", on: watched,
            job: { watched in
                try seconds { try watched.daemon.client().segment(long(watched)) { _ in } }
            }
        ) { watched in
            let wire = try Wire(watched.daemon)
            try wire.open(.segment, stream: 1, long(watched).encoded())
            usleep(2_000_000)
        }
    }

    /// Constant time for each new label, however full the caches are.
    @Test func `more labels than are remembered`() throws {
        func ask(_ watched: Watched) throws -> Double {
            let request = SegmentRequest(
                picture: .handle(watched.handle), labels: newLabels(2000, watched), maps: .none)
            return try seconds { try watched.daemon.client().segment(request) { _ in } }
        }
        let watched = try Watched()
        var times: [Double] = []
        for _ in 0..<7 {
            let before = try watched.processorTime
            _ = try ask(watched)
            times.append(try watched.processorTime - before)
        }
        print("2,000 new labels: \(times.map { String(format: "%.2f", $0) }) s; \(Machine.description)")
        let (first, last) = (times.prefix(3).sorted()[1], times.suffix(3).sorted()[1])
        #expect(last < 1.3 * first)
        try judge("2,000 new labels", on: watched, job: ask) { _ = try ask($0) }
    }
}
