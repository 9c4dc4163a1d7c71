import Foundation
import RPC
import Support
import Testing

/// Callers who send or read too slowly are cut off in time, and cost the others nothing.
@Suite(.serialized, .enabled(if: ProcessInfo.processInfo.environment["DSEG_TRUST"] != nil))
struct SlowPeerTests {
    /// A connection on which a byte comes each second: of a frame's header and body, of the body alone, or of the body
    /// of a message in an upload.
    private final class Slow {
        private let wire: Wire
        private var rest: ArraySlice<UInt8>
        /// When its first byte was sent: before, it is idle.
        private var start: ContinuousClock.Instant?

        init(to path: String, number: Int) throws {
            wire = try Wire(to: path, keeping: nil)
            let isUpload = number % 3 == 2
            if isUpload { try wire.open(.look, stream: 1, []) }
            rest = HostileFrames.frame(isUpload ? 3 : 1, 0, 1, [UInt8](repeating: 9, count: 100))[...]
            if number % 3 > 0 {
                start = .now
                try wire.send(Array(rest.prefix(Frame.headerLength)))
                rest = rest.dropFirst(Frame.headerLength)
            }
        }

        func sendByte() {
            start = start ?? .now
            if let byte = rest.popFirst() { try? wire.send([byte]) }
        }

        /// Seconds after which the daemon hung up; `nil`: it has not.
        var end: Double? { wire.isHungUp ? start.map { $0.duration(to: .now) / .seconds(1) } : nil }
    }

    private static let count = 500

    /// Five hundred of them. Each sends a byte a second, one after the other.
    ///
    /// - Parameters:
    ///   - comeAgain: whether another comes for each on whom the daemon hung up
    ///   - isComplete: raised when all have come
    /// - Returns: seconds after which the daemon hung up on each
    private static func crowd(
        at path: String, comeAgain: Bool, isComplete: Flag, until isOver: Flag
    ) throws -> [Double] {
        var slow = try (0..<count).map { Optional(try Slow(to: path, number: $0)) }
        isComplete.raise()
        var ends: [Double] = []
        var next = ContinuousClock.now
        while !isOver.isRaised, ends.count < count || comeAgain {
            for number in 0..<count where !isOver.isRaised {
                if number % 50 == 0 {
                    let early = ContinuousClock.now.duration(to: next) / .microseconds(1)
                    if early > 0 { usleep(UInt32(early)) }
                    next += .milliseconds(100)
                }
                slow[number]?.sendByte()
                guard number % 50 == 49 else { continue }
                for place in 0..<count {
                    guard let end = slow[place]?.end else { continue }
                    ends.append(end)
                    slow[place] = comeAgain ? try Slow(to: path, number: place) : nil
                }
            }
        }
        return ends
    }

    @Test func `five hundred callers who send a byte a second are cut off after ten seconds`() throws {
        let watched = try Watched()
        let base = try watched.daemon.atRest()
        var ends: [Double] = []
        let sight = try watched.during {
            ends = try Self.crowd(at: watched.daemon.socket, comeAgain: false, isComplete: Flag(), until: Flag())
        }
        print(
            """
            row 4: \(ends.count) slow headers and bodies, cut after \(Self.text(ends)) s; meanwhile Health p99 \
            \(String(format: "%.1f", sight.healthP99)) ms, slowest question \(String(format: "%.2f", sight.slowest)) s \
            (alone \(String(format: "%.2f", watched.own)) s); \(Machine.description)
            """)
        // A tenth passes between two looks at all.
        #expect(ends.count == Self.count && ends.allSatisfy { (10..<10.5).contains($0) })
        try watched.daemon.expectRest(base)
    }

    private static func text(_ times: [Double]) -> String {
        "\(String(format: "%.1f", times.min() ?? 0)) to \(String(format: "%.1f", times.max() ?? 0))"
    }

    /// Questions with a new word each, on new connections.
    private func ask(_ watched: Watched, for time: Duration) throws -> [Double] {
        let end = ContinuousClock.now + time
        var times: [Double] = []
        while .now < end {
            let request = SegmentRequest(
                picture: .handle(watched.handle), labels: [Label(name: "boat"), Label(name: watched.newWord())],
                mask: true)
            times.append(try seconds { try watched.daemon.client().segment(request) { _ in } })
        }
        return times
    }

    /// Of pairs of rounds, without the crowd and with it, the median counts.
    @Test func `five hundred slow callers change an honest one's times by less than a tenth`() throws {
        let watched = try Watched()
        let path = watched.daemon.socket
        _ = try ask(watched, for: .seconds(2))
        var (alone, beside): ([Double], [Double]) = ([], [])
        for _ in 0..<9 {
            alone.append(try ask(watched, for: .seconds(2)).percentile(0.99))
            let (isComplete, isOver, hasLeft) = (Flag(), Flag(), Flag())
            Thread.detachNewThread {
                _ = try? Self.crowd(at: path, comeAgain: true, isComplete: isComplete, until: isOver)
                hasLeft.raise()
            }
            isComplete.wait()
            beside.append(try ask(watched, for: .seconds(2)).percentile(0.99))
            isOver.raise()
            hasLeft.wait()
            usleep(300_000)
        }
        let change = zip(alone, beside).map { $1 / $0 - 1 }.median
        print(
            """
            row 4: honest p99 \(milliseconds(alone.median)), beside 500 slow callers \(milliseconds(beside.median)), \
            median change \(String(format: "%+.1f %%", change * 100)); \(Machine.description)
            """)
        #expect(change < 0.1)
    }

    /// Seconds and code with which an upload ends that sends so many bytes a second for a time.
    private func upload(_ daemon: Daemon, bytesPerSecond: Int, for time: Int) throws -> (Double, RPCStatus.Code?) {
        let wire = try Wire(daemon)
        try wire.open(.look, stream: 1, [])
        let piece = try Frame(
            .data, stream: 1, flags: [],
            payload: LookRequest(data: [UInt8](repeating: 1, count: bytesPerSecond / 10))
                .encoded()
        ).encoded()
        let start = ContinuousClock.now
        for tenth in 1...(10 * time) {
            try wire.send(piece)
            let left = ContinuousClock.now.duration(to: start + .milliseconds(100 * tenth)) / .microseconds(1)
            if left > 0 { usleep(UInt32(left)) }
            if wire.hasInput { break }
        }
        let end = start.duration(to: .now) / .seconds(1)
        if !wire.hasInput { try wire.send(Frame.end(of: 1).encoded()) }
        return (end, try wire.code(of: 1))
    }

    /// The bytes are no picture, so that whoever is not late is told that.
    @Test func `an upload is late below 64 KiB a second, and not above`() throws {
        let daemon = try Daemon()
        let (late, lateCode) = try upload(daemon, bytesPerSecond: 32 << 10, for: 30)
        let (whole, wholeCode) = try upload(daemon, bytesPerSecond: 72 << 10, for: 13)
        print(
            """
            row 4: an upload of 32 KiB/s is refused after \(String(format: "%.1f", late)) s, one of 72 KiB/s goes on \
            for \(String(format: "%.1f", whole)) s; \(Machine.description)
            """)
        // Ten seconds of grace, which drain at half their pace.
        #expect(lateCode == .deadlineExceeded && (19..<22).contains(late))
        #expect(wholeCode == .invalidArgument && whole >= 13)
    }

    /// A question whose answer is far more than a connection's share of bytes that wait for a reader.
    private func bulky(_ watched: Watched) -> SegmentRequest {
        SegmentRequest(
            picture: .handle(watched.handle), labels: (0..<300).map { _ in Label(name: watched.newWord()) },
            maps: .sized, mapWidth: 900, mapHeight: 900, encoding: .u16)
    }

    @Test func `readers who never read cost two mebibytes each, and are cut off after thirty seconds`() throws {
        let watched = try Watched()
        let readers = 16
        let base = try watched.daemon.atRest()
        let gauge = Gauge(watched.daemon)
        var wires: [Wire] = []
        for _ in 0..<readers {
            let wire = try Wire(watched.daemon)
            try wire.open(.segment, stream: 1, bulky(watched).encoded())
            wires.append(wire)
        }
        // Each answer is parked, or all of it is computed, and scratch memory is given back.
        _ = gauge.secondsToRest()
        let parked = ContinuousClock.now
        let sight = try watched.during { usleep(6_500_000) }
        // What is computed and waits is charged to the user, and no connection's buffer.
        let answers = try Int(watched.daemon.client().status().activity.answerBytes)
        let held = try Holdings(watched.daemon, watched.daemon.client()).resident - base.resident - answers
        var ends: [Double] = []
        for wire in wires {
            #expect(eventually(within: .seconds(60)) { wire.isHungUp })
            ends.append(parked.duration(to: .now) / .seconds(1))
        }
        print(
            """
            row 5: \(readers) readers who never read hold \(mebibytes(held / readers)) each beside their answers, are \
            cut \(Self.text(ends)) s after their answers stopped; meanwhile Health p99 \
            \(String(format: "%.1f", sight.healthP99)) ms, slowest question \(String(format: "%.3f", sight.slowest)) s \
            (alone \(String(format: "%.3f", watched.own)) s); \(Machine.description)
            """)
        #expect(held <= readers * 2 << 20)
        #expect(ends.allSatisfy { (25..<34).contains($0) })
        #expect(sight.healthP99 < 20 && sight.slowest <= watched.own + 0.25)
        try watched.daemon.expectRest(base)
    }
}
