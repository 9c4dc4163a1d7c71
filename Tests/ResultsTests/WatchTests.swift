import RPC
import Support
import Testing

@testable import Results

/// What `dseg top` shows, and what `dseg status` adds of who does what.
@Suite struct WatchTests {
    private static let busy = Activity(
        running: RunningCall(
            method: "Segment", user: 1000, requestID: "scan-7", model: "sd15", stage: "unet", ageMilliseconds: 3210,
            stepMilliseconds: 340),
        users: [
            UserStatus(
                user: 1000, standing: "user", connections: 2, calls: 3, incomingBytes: 12 << 20, answerBytes: 3 << 20,
                answered: 40, failed: 2),
            UserStatus(
                user: 0, standing: "administrator", connections: 1, calls: 0, incomingBytes: 0, answerBytes: 0,
                answered: 1, failed: 0),
        ],
        failures: [
            CallFailure(
                ageMilliseconds: 3000, user: 1000, method: "Segment", requestID: "scan-6", code: .resourceExhausted,
                reason: "QUEUE_FULL"),
            CallFailure(
                ageMilliseconds: 61_000, user: 1000, method: "Look", requestID: "", code: .invalidArgument, reason: ""),
        ],
        incomingBytes: 12 << 20, answerBytes: 3 << 20, stuckMilliseconds: 95_000, isAdministrator: true)

    private static func report(
        _ activity: Activity, models: [ModelStatus] = [StatusReportTests.models[0]], uptime: UInt64 = 61_999
    ) -> StatusReport {
        var status = StatusReportTests.status(models)
        (status.activity, status.uptimeMilliseconds) = (activity, uptime)
        return StatusReport(status) { $0 == 0 ? "root" : "ann" }
    }

    private static let people = """

        USER  UID   STANDING       CONNECTIONS  CALLS  PICTURES  ANSWERS  ANSWERED  FAILED
        ann   1000  user           2            3      12.0 MiB  3.0 MiB  40        2
        root  0     administrator  1            0      0.0 MiB   0.0 MiB  1         0

        FAILED         USER  CALL     RESULT             REASON      REQUEST
        3 seconds ago  ann   Segment  resourceExhausted  QUEUE_FULL  scan-6
        1 minute ago   ann   Look     invalidArgument    -           -
        """

    private static let doings = """
        running   Segment of ann for 3.2 s, unet, its last step 340 ms ago, model sd15, request scan-7
        held      12.0 MiB of pictures and questions, 3.0 MiB of answers
        stuck     in one step for 1 minute; where that goes on, restart the daemon
        """

    @Test func `top shows the daemon, its models, and who does what`() {
        #expect(
            Watch(Self.report(Self.busy)).lines.joined(separator: "\n") == """
                dsegd     1.2, up 61 s, 2 threads
                queue     3 of 64, 41 answered, 1 refused
                pictures  3, 12.3 MiB of 1.0 GiB
                words     20, 1.0 of 64.0 MiB
                memory    2.0 of 18.1 GiB
                \(Self.doings)

                NAME  HASH          SIZE     PRECISION  UNTIL               CALLS  REQUESTS  P50    P99
                sd15  0123456789ab  1.9 GiB  int16      4 minutes from now  2      41        1.2 s  9.9 s
                \(Self.people)
                """)
    }

    @Test func `top shows who is no administrator that there may be more, and nothing that is not there`() {
        #expect(
            Watch(Self.report(.none, models: [])).lines.joined(separator: "\n") == """
                dsegd     1.2, up 61 s, 2 threads
                queue     3 of 64, 41 answered, 1 refused
                pictures  3, 12.3 MiB of 1.0 GiB
                words     20, 1.0 of 64.0 MiB
                memory    2.0 of 18.1 GiB

                What other users do is told to administrators.
                """)
    }

    @Test func `status tells the same below its own lines`() {
        #expect(Self.report(Self.busy).summary.hasSuffix("\n\(Self.doings)\n\(Self.people)\n"))
    }

    @Test func `as JSON the activity has numbers, and names of its own`() {
        let json = Self.report(Self.busy).json
        #expect(
            json.contains(
                """
                "activity":{"administrator":true,"answerBytes":3145728,"failures":[{"ageMilliseconds":3000,\
                "code":"resourceExhausted","method":"Segment","reason":"QUEUE_FULL","requestID":"scan-6","user":1000},\
                {"ageMilliseconds":61000,"code":"invalidArgument","method":"Look","requestID":"","user":1000}],\
                "incomingBytes":12582912,"running":{"ageMilliseconds":3210,"method":"Segment","model":"sd15",\
                "requestID":"scan-7","stage":"unet","stepMilliseconds":340,"user":1000},"stuckMilliseconds":95000,\
                "users":[{"answerBytes":3145728,"answered":40,"calls":3,"connections":2,"failed":2,\
                "incomingBytes":12582912,"standing":"user","user":1000},
                """), "\(json)")
    }

    @Test func `a daemon that is gone is told above what it said last, and one that comes again`() {
        let start = ContinuousClock.now
        var watch = Watch(Self.report(.none, models: []))
        let last = watch.lines
        watch.miss(
            RPCStatus(.unavailable, "Nothing answers\u{1B}[2J at \(String(repeating: "x", count: 200))"), at: start)
        watch.miss(RPCStatus(.unavailable, "Nothing answers\u{1B}[2J"), at: start + .milliseconds(2300))
        #expect(
            watch.lines == [
                "The daemon has not answered for 3 s, and is asked again; this is what it said last.",
                "Nothing answers\u{FFFD}[2J", "",
            ] + last)
        watch.see(Self.report(.none, models: [], uptime: 900), at: start + .seconds(4))
        #expect(watch.lines.prefix(3) == ["The daemon has restarted.", "", "dsegd     1.2, up 0 s, 2 threads"])
        watch.see(Self.report(.none, models: [], uptime: 1900), at: start + .seconds(5))
        #expect(watch.lines.first == "The daemon has restarted.")
        watch.see(Self.report(.none, models: [], uptime: 100), at: start + .seconds(6))
        #expect(watch.lines.first == "The daemon has restarted 2 times.")
    }

    @Test func `a daemon that only was slow has not restarted`() {
        var watch = Watch(Self.report(.none))
        watch.miss(RPCStatus(.deadlineExceeded, "silence"), at: .now)
        watch.see(Self.report(.none, uptime: 70_000), at: .now)
        #expect(watch.lines.first == "dsegd     1.2, up 70 s, 2 threads")
    }

    @Test func `nothing from outside is obeyed, nor begins a line`() {
        let orders = "a\u{1B}[2Jb\nc\u{202E}"
        var activity = Self.busy
        activity.running?.requestID = orders
        activity.running?.stage = orders
        activity.users[0].standing = orders
        activity.failures[0].requestID = orders
        activity.failures[0].reason = orders
        var status = StatusReportTests.status([StatusReportTests.model(orders, bytes: 1)])
        (status.activity, status.version) = (activity, orders)
        let lines = Watch(StatusReport(status) { _ in orders }).lines
        #expect(lines.count == Watch(Self.report(Self.busy)).lines.count)
        #expect(!lines.joined().unicodeScalars.contains(where: Streams.isObeyed))
    }

    @Test func `a screen shows the lines that it has room for, and how many there are more`() {
        let lines = (1...10).map { "\($0)" }
        #expect(Screen.fitting(lines, rows: 10) == lines)
        #expect(Screen.fitting(lines, rows: 9) == lines.prefix(8) + ["\u{2026} 2 lines more"])
        #expect(Screen.fitting(lines, rows: 1) == ["\u{2026} 10 lines more"])
    }
}
