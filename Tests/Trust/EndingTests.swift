import Foundation
import RPC
import Support
import Testing

/// Work that nobody wants any more stops within a layer, whatever ended it, and leaves nothing behind.
@Suite(.serialized, .enabled(if: ProcessInfo.processInfo.environment["DSEG_TRUST"] != nil))
struct EndingTests {
    private let daemon: Daemon
    private let handle: String
    private let gauge: Gauge

    /// Seconds from the end of a call to the moment at which the engine is at rest.
    private static let stopLimit = 0.25
    /// Seconds from what ends a call to its status.
    private static let replyLimit = 0.05

    init() throws {
        daemon = try Daemon("--queue", "64")
        handle = try daemon.client().look(Repository.scene(1)).handle
        gauge = Gauge(daemon)
    }

    /// Keeps the engine at work for seconds: a pass for each of its prompts, which nobody has asked for.
    private func long(_ name: String) -> SegmentRequest {
        SegmentRequest(
            picture: .handle(handle), labels: (0..<255).map { Label(name: "\(name) \($0)") }, recipe: "diffsegmenter",
            requestID: name)
    }

    /// A connection on which a long answer has begun.
    private func begun(_ request: SegmentRequest) throws -> Wire {
        let wire = try Wire(daemon)
        try wire.open(.segment, stream: 1, request.encoded())
        guard try wire.next()?.kind == .data else { throw RPCStatus(.internal, "no header: \(daemon.log)") }
        return wire
    }

    private func expectNothingLeft(_ base: Holdings) throws {
        #expect(try daemon.client().status().queued == 0)
        try daemon.expectRest(base)
    }

    // MARK: Callers who die

    @Test func `a thousand callers die in mid-answer, and each answer stops`() throws {
        let base = try daemon.atRest()
        var stops: [Double] = []
        for number in 0..<900 {
            var wire: Wire? = try begun(long("hung up \(number)"))
            if number % 9 == 0 { usleep(UInt32(number % 100) * 500) }
            withExtendedLifetime(wire) {}
            wire = nil
            if number % 9 == 0 { stops.append(gauge.secondsToRest()) }
        }
        for number in 0..<100 {
            try kill(number)
            stops.append(gauge.secondsToRest())
        }
        let left = daemon.log.components(separatedBy: "client_left=true").count - 1
        print(
            """
            row 6: 900 connections that closed and 100 processes that were killed, \(left) of them in mid-call: the \
            engine is at rest after \(milliseconds(stops.median)), at most \(milliseconds(stops.max() ?? 0)); \
            \(Machine.description)
            """)
        #expect(left >= 950)
        #expect(stops.allSatisfy { $0 <= Self.stopLimit })
        let question = SegmentRequest(picture: .handle(handle), labels: [Label(name: "boat")])
        try daemon.client().segment(question) { _ in }
        try expectNothingLeft(base)
    }

    /// Starts a real client, and kills it at any time of its call.
    private func kill(_ number: Int) throws {
        let words = (0..<200).map { "killed \(number) \($0)" }.joined(separator: ",")
        let directory = try TemporaryDirectory()
        let calls = try daemon.client().status().queued
        let child = try Child(
            [
                "\(Repository.programs)/dseg", "mask", Repository.scenePath(2), words, "--recipe", "diffsegmenter",
                "-o",
                directory.path, "--socket", daemon.socket,
            ], environment: [:], errors: "\(directory.path)/errors")
        #expect(calls == 0)
        let start = gauge.worked
        // Until the engine works for it, and up to 50 ms more.
        #expect(eventually(within: .seconds(10)) { gauge.worked - start > 0.02 })
        usleep(UInt32(number) * 500)
        #expect(!child.hasEnded, "it has nothing to do")
        Glibc.kill(child.process, SIGKILL)
        #expect(child.exitCode == 128 + SIGKILL)
    }

    // MARK: Callers who say so

    /// What ends a call that runs: sends it, and returns the code that is due.
    private enum End: CaseIterable {
        case cancel, dataAfterAll, deadline, timeout

        var code: RPCStatus.Code {
            switch self {
            case .cancel: .cancelled
            case .dataAfterAll: .invalidArgument
            case .deadline, .timeout: .deadlineExceeded
            }
        }
    }

    /// - Returns: seconds from the end to its status, and to the engine's rest
    private func endedAnswer(_ end: End, _ number: Int, _ other: Client) throws -> (reply: Double, rest: Double) {
        var request = long("\(end) \(number)")
        let limit = Duration.milliseconds(100 + 2 * number)
        if end == .deadline { request.deadlineMilliseconds = UInt32(100 + 2 * number) }
        let sent = ContinuousClock.now
        let wire = try Wire(daemon)
        try wire.open(.segment, stream: 1, request.encoded(), timeout: end == .timeout ? limit : nil)
        // The header: it has begun, if its time has not passed before.
        _ = try wire.next()
        usleep(UInt32(number) * 300)
        var start = ContinuousClock.now
        switch end {
        case .cancel: #expect(try other.cancel(request.requestID) == 1)
        case .dataAfterAll: try wire.send(Frame.end(of: 1).encoded())
        case .deadline, .timeout: start = sent + limit
        }
        let code = try wire.code(of: 1)
        #expect(code == end.code)
        let reply = start.duration(to: .now) / .seconds(1)
        return (reply, gauge.secondsToRest())
    }

    @Test func `a cancelled, late or spoiled call is answered at once, and stops`() throws {
        let other = try daemon.client()
        let base = try daemon.atRest()
        for end in End.allCases {
            let times = try (0..<50).map { try endedAnswer(end, $0, other) }
            let (replies, rests) = (times.map(\.reply), times.map(\.rest))
            print(
                """
                row 7: \(end) of a running answer: \(end.code) after \(milliseconds(replies.median)), at most \
                \(milliseconds(replies.max() ?? 0)), at rest after \(milliseconds(rests.max() ?? 0)); \
                \(Machine.description)
                """)
            #expect(replies.allSatisfy { $0 <= Self.replyLimit })
            #expect(rests.allSatisfy { $0 <= Self.stopLimit })
        }
        try expectNothingLeft(base)
    }

    /// A picture of which the end never comes, because its caller has shut the connection or half-closed too early.
    @Test func `an upload that is cut short is answered at once`() throws {
        let piece = try Frame(
            .data, stream: 1, flags: [], payload: LookRequest(data: [UInt8](repeating: 1, count: 1 << 16)).encoded()
        ).encoded()
        var times: [Double] = []
        for number in 0..<50 {
            let wire = try Wire(daemon)
            try wire.open(.look, stream: 1, [])
            for _ in 0..<(number % 5) { try wire.send(piece) }
            times.append(
                try seconds {
                    if number % 2 == 0 { wire.shut() } else { try wire.send(Frame.end(of: 1).encoded()) }
                    #expect(try wire.code(of: 1) == .invalidArgument)
                })
        }
        print(
            """
            row 7: an upload that is cut short is refused after \(milliseconds(times.median)), at most \
            \(milliseconds(times.max() ?? 0)); \(Machine.description)
            """)
        #expect(times.allSatisfy { $0 <= Self.replyLimit })
    }

    /// The answer to a question of some passes, bit for bit.
    private static func bits(_ wire: Wire) throws -> [[UInt8]] {
        var maps: [[UInt8]] = []
        while let frame = try wire.next(), !frame.flags.contains(.remoteClosed) {
            guard frame.kind == .data else { throw RPCStatus(.internal, "\(frame)") }
            if case .scoreMap(let map) = try SegmentReply(decoding: frame.payload) { maps.append(map.data) }
        }
        return maps
    }

    @Test func `calls that wait and are ended never end the one that runs`() throws {
        func question() -> SegmentRequest {
            SegmentRequest(
                picture: .handle(handle), labels: (0..<100).map { Label(name: "thing \($0)") }, recipe: "diffsegmenter",
                requestID: "runs")
        }
        let quiet = try Daemon()
        _ = try quiet.client().look(Repository.scene(1))
        let reference = try Wire(quiet)
        try reference.open(.segment, stream: 1, question().encoded())
        let expected = try Self.bits(reference)
        #expect(expected.count == 100)

        let other = try daemon.client()
        let runs = try begun(question())
        var times: [Double] = []
        var victims: [Wire] = []
        for number in 0..<30 {
            let wire = try Wire(daemon)
            try wire.open(.segment, stream: 1, long("victim \(number)").encoded())
            victims.append(wire)
        }
        for number in 0..<20 {
            times.append(
                try seconds {
                    let (count, code) = (try other.cancel("victim \(number)"), try victims[number].code(of: 1))
                    #expect(count == 1 && code == .cancelled)
                })
        }
        // The others hang up.
        victims = []
        for number in 0..<20 {
            var late = long("late \(number)")
            late.deadlineMilliseconds = 5
            let wire = try Wire(daemon)
            try wire.open(.segment, stream: 1, late.encoded())
            let due = ContinuousClock.now + .milliseconds(5)
            #expect(try wire.code(of: 1) == .deadlineExceeded)
            times.append(due.duration(to: .now) / .seconds(1))
        }
        #expect(try Self.bits(runs) == expected, "the call that ran all the time")
        print(
            """
            row 7: 50 calls that waited were cancelled, left or late, answered after \(milliseconds(times.median)), at \
            most \(milliseconds(times.max() ?? 0)); the one that ran is whole; \(Machine.description)
            """)
        #expect(times.allSatisfy { $0 <= Self.replyLimit })
    }
}
