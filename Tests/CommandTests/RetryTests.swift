import FoundationEssentials
import Glibc
import RPC
import Support
import Synchronization
import Testing

/// How `dseg` asks a busy daemon again.
@Suite struct RetryTests {
    private let place: TemporaryDirectory
    private let picture: String

    init() throws {
        place = try TemporaryDirectory()
        picture = "\(place.path)/pond.jpg"
        try copy(Repository.picture, to: picture)
    }

    private static func refusal(
        _ reason: Refusal.Reason, milliseconds: Int = 20, position: Int? = nil
    ) -> RPCStatus {
        let code: RPCStatus.Code = reason == .stopping ? .unavailable : .resourceExhausted
        return RPCStatus(
            code, "not now", refusal: Refusal(reason, delay: .milliseconds(milliseconds), queuePosition: position))
    }

    /// The calls that came, in their order.
    private final class Calls: Sendable {
        let methods = Mutex<[RPC.Method]>([])

        func note(_ method: RPC.Method) -> Int {
            methods.withLock { methods in
                methods.append(method)
                return methods.count
            }
        }

        var count: Int { methods.withLock(\.count) }
    }

    /// Refuses as often as there are statuses, and then for good.
    private func daemon(_ statuses: [RPCStatus], _ calls: Calls) throws -> StandInDaemon {
        try StandInDaemon { call, connection in
            let count = calls.note(call.method)
            let status = count <= statuses.count ? statuses[count - 1] : RPCStatus(.invalidArgument, "now it is asked")
            return [connection.fail(call.stream, with: status)]
        }
    }

    private var commands: [[String]] {
        [
            ["mask", picture, "boat"], ["words", picture], ["explain", picture, "5", "5", "boat"],
            ["figure", "recipes", picture, "boat"],
        ]
    }

    @Test func `each command that asks is told why it waits, and asks again`() throws {
        for command in commands {
            let calls = Calls()
            let busy = try daemon([Self.refusal(.queueFull, position: 17), Self.refusal(.incomingBytes)], calls)
            let ending = try busy.dseg(command)
            #expect(ending.code == 64, "\(command): \(ending.errors)")
            #expect(
                ending.errors.hasPrefix(
                    """
                    dseg: the queue is full, 17 before you; asking again in 1 s
                    dseg: the daemon has no room for another picture; asking again in 1 s
                    dseg: now it is asked
                    """), "\(ending.errors)")
            #expect(calls.count == 3 && ending.text == "")
        }
    }

    @Test func `a file is made again as patiently`() throws {
        let made = try run([Repository.dsegd, "mask", picture, "boat", "-o", "-"])
        try write(made.output, to: "\(place.path)/made.png")
        let calls = Calls()
        let ending = try daemon([Self.refusal(.memory)], calls).dseg(["redo", "\(place.path)/made.png"])
        #expect(calls.count == 2 && ending.errors.contains("leave no room for this one; asking again in 1 s"))
        #expect(try bytes("\(place.path)/made.png") == made.output)
    }

    @Test func `nobody asks again who was told not to, or whose failure would stay`() throws {
        let calls = Calls()
        let never = try daemon([Self.refusal(.queueFull)], calls).dseg(["mask", picture, "boat", "--retry", "0"])
        #expect(never.code == 75 && never.errors == "dseg: not now (--retry SECONDS waits longer)\n")
        #expect(calls.count == 1)
        let plain = Calls()
        let full = try daemon([RPCStatus(.resourceExhausted, "too many labels")], plain).dseg(["mask", picture, "boat"])
        #expect(full.code == 75 && full.errors == "dseg: too many labels\n" && plain.count == 1)
        let long = Calls()
        let far = try daemon([Self.refusal(.queueFull, milliseconds: 5000)], long)
            .dseg(["mask", picture, "boat", "--retry", "4"])
        #expect(far.code == 75 && long.count == 1, "no second time within 4 s would be soon enough")
        for value in ["-1", "nan", "1e10"] {
            let ending = try run([Repository.dseg, "mask", picture, "boat", "--retry=\(value)"])
            #expect(ending.code == 64 && ending.errors.contains("--retry"), "\(ending.errors)")
        }
    }

    @Test func `whoever has waited for long enough is told how long`() throws {
        let calls = Calls()
        let busy = try daemon(Array(repeating: Self.refusal(.queueFull, milliseconds: 200), count: 50), calls)
        let ending = try busy.dseg(["mask", picture, "boat", "--retry", "0.9"])
        #expect(ending.code == 75)
        #expect(ending.errors.hasSuffix("dseg: not now (asked again for 1 s; --retry SECONDS waits longer)\n"))
        #expect((2...5).contains(calls.count), "\(calls.count)")
    }

    /// The first message of an answer, and then a refusal.
    @Test func `what has begun to answer is not asked again, and a model's loading is no answer`() throws {
        let answers: [(reply: SegmentReply, calls: Int)] = [
            (.loading(Loading(model: "m", stage: .waiting, bytes: 0, totalBytes: 0)), 3),
            (.trailer(try #require(try trailer())), 1),
        ]
        for (reply, count) in answers {
            let calls = Calls()
            let daemon = try StandInDaemon { call, connection in
                guard calls.note(call.method) <= 2 else {
                    return [connection.fail(call.stream, with: RPCStatus(.invalidArgument, "now it is asked"))]
                }
                return [
                    try connection.send(reply.encoded(), on: call.stream),
                    connection.fail(call.stream, with: Self.refusal(.displaced)),
                ]
            }
            let script = "'\(Repository.dseg)' mask '\(picture)' boat -o '\(place.path)' --socket '\(daemon.socket)'"
            // On a terminal, where loading is asked for.
            _ = try run(["/usr/bin/script", "-qefc", script, "\(place.path)/seen"], environment: ["TERM": "xterm"])
            #expect(calls.count == count, "\(reply)")
        }
    }

    private func trailer() throws -> Trailer? {
        var trailer: Trailer?
        let file = try bytes(picture)
        let request = SegmentRequest(picture: .image(file), labels: [Label(name: "boat")])
        let daemon = try Daemon()
        try daemon.client().segment(request) { if case .trailer(let last) = $0 { trailer = last } }
        return trailer
    }

    @Test func `a daemon that stops is waited for until the next one listens`() throws {
        let socket = "\(place.path)/dseg.sock"
        let listener = try listen(at: socket)
        let asking = try Program([
            Repository.dseg, "mask", picture, "boat", "-o", place.path, "--socket", socket,
        ])
        let descriptor = accepted(on: listener)
        let first = UnixSocket(adopting: descriptor, path: socket)
        var connection = ServerConnection()
        var isTold = false
        while !isTold {
            for action in connection.receive(try first.read()) {
                guard case .open(let call) = action else { continue }
                try first.write(connection.fail(call.stream, with: Self.refusal(.stopping)) ?? [])
                isTold = true
            }
        }
        close(listener)
        try FileManager.default.removeItem(atPath: socket)
        #expect(
            eventually { asking.errors.contains("the daemon is not back yet; asking again in") }, "\(asking.errors)")
        let next = try Daemon(starting: [], socket: socket)
        let ending = try asking.ending()
        #expect(ending.code == 0, "\(ending.errors)")
        #expect(ending.errors.hasPrefix("dseg: the daemon stops; asking again in 1 s\n"), "\(ending.errors)")
        withExtendedLifetime(next) {}
    }

    @Test func `a question waits for its place in a queue that is full, and is answered`() throws {
        let daemon = try Daemon("--queue", "1")
        let client = try daemon.client()
        var long = SegmentRequest(
            picture: .image(try bytes(picture)), labels: (0..<255).map { Label(name: "thing \($0)") },
            recipe: "diffsegmenter")
        var wires: [Wire] = []
        for (name, queued) in [("running", 0), ("waiting", 1)] {
            long.requestID = name
            let wire = try Wire(daemon)
            try wire.open(.segment, stream: 1, long.encoded())
            let isThere = try queued == 0 ? wire.next()?.kind == .data : eventually { try client.status().queued == 1 }
            try #require(isThere)
            wires.append(wire)
        }
        let asking = try Program([
            Repository.dseg, "mask", picture, "boat", "-o", place.path, "--socket", daemon.socket,
        ])
        #expect(eventually { asking.errors.contains("the queue is full, 1 before you; asking again in") })
        for name in ["waiting", "running"] { #expect(try client.cancel(name) == 1) }
        let ending = try asking.ending()
        #expect(ending.code == 0 && ending.text.contains("boat"), "\(ending.errors)")
        withExtendedLifetime(wires) {}
    }

    @Test func `a signal ends the wait at once`() throws {
        let busy = try daemon(Array(repeating: Self.refusal(.queueFull, milliseconds: 50_000), count: 9), Calls())
        let asking = try Program([Repository.dseg, "mask", picture, "boat", "--socket", busy.socket])
        #expect(eventually { asking.errors.contains("asking again in") })
        asking.signal(SIGINT)
        #expect(try asking.ending().code == 130)
    }

    @Test(.enabled(if: exists("/usr/bin/script"), "script(1) is not installed"))
    func `on a terminal the reason stands above the line that tells of progress`() throws {
        let calls = Calls()
        let daemon = try StandInDaemon { call, connection in
            guard calls.note(call.method) == 1 else {
                return [connection.fail(call.stream, with: RPCStatus(.invalidArgument, "now it is asked"))]
            }
            // Longer than a terminal waits for its line.
            usleep(900_000)
            return [connection.fail(call.stream, with: Self.refusal(.queueFull, milliseconds: 900, position: 2))]
        }
        let script = "'\(Repository.dseg)' mask '\(picture)' boat --socket '\(daemon.socket)'"
        let ending = try run(
            ["/usr/bin/script", "-qefc", script, "\(place.path)/seen"], environment: ["TERM": "xterm"])
        let erased = "\r\u{1B}[Kdseg: the queue is full, 2 before you; asking again in "
        #expect(ending.text.contains(erased), "\(ending.text.debugDescription)")
        let after = try #require(ending.text.components(separatedBy: erased).last)
        #expect(after.contains("\r\u{1B}[Kwaiting for an answer about"), "the line comes back")
    }

    @Test func `without a daemon there is nothing to retry`() throws {
        let mask = ["mask", picture, "boat", "-o", "-"]
        let ending = try run([Repository.dseg] + mask + ["--retry", "5", "--no-daemon"])
        #expect(ending.code == 0, "\(ending.errors)")
        #expect(try ending.output == run([Repository.dsegd] + mask).output)
        #expect(try run([Repository.dseg] + mask + ["--retry=5", "--no-daemon"]).code == 0)
    }
}
