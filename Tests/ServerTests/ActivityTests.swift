import Glibc
import Limits
import NIOCore
import RPC
import Segmentation
@testable import Server
import Support
import Testing

/// What Status and Health tell of what the daemon does.
struct ActivityTests {
    @Test func `an engine that is stuck in a step is no engine that serves`() throws {
        let server = try TestServer(limits: .with { $0.stuck = .milliseconds(300) })
        let client = try server.client()
        #expect(try client.health() && client.status().activity.stuckMilliseconds == 0)
        let gate = try Gate(server.engine)
        let isTold = try eventually { try !client.health() }
        #expect(isTold)
        let activity = try client.status().activity
        #expect(activity.stuckMilliseconds >= 300)
        #expect(activity.running?.user == geteuid() && activity.running?.stage == "decode")
        #expect(
            activity.running.map { $0.stepMilliseconds >= 300 && $0.ageMilliseconds >= $0.stepMilliseconds } == true)
        gate.open()
        let isBack = try eventually { try client.health() }
        #expect(isBack)
        #expect(try client.status().activity.stuckMilliseconds == 0)
    }

    @Test func `a call is told while it runs, and how it ended`() throws {
        let server = try TestServer()
        let client = try server.client()
        #expect(try client.status().activity.running == nil)
        let wire = try RawConnection(server.path)
        var request = SegmentRequest.long(try Repository.scene(1))
        request.requestID = "the long one"
        #expect(try wire.open(.segment, stream: 1, request.encoded()))
        var told: RunningCall?
        let isTold = try eventually {
            told = try client.status().activity.running
            return told?.stage == "unet"
        }
        #expect(isTold)
        let running = try #require(told)
        #expect((running.method, running.requestID, running.model) == ("Segment", "the long one", "demo"))
        #expect(running.user == geteuid() && running.stepMilliseconds <= running.ageMilliseconds)
        let activity = try client.status().activity
        #expect(activity.isAdministrator && activity.users.map(\.user) == [geteuid()])
        let user = try #require(activity.users.first)
        #expect((user.standing, user.connections, user.calls) == ("administrator", 2, 1))
        #expect(user.incomingBytes > 0 && user.answerBytes > 0 && activity.incomingBytes == user.incomingBytes)
        #expect(user.answered == 0 && user.failed == 0)
        #expect(try client.cancel("the long one") == 1)
        let after = try client.status().activity
        #expect(after.incomingBytes == 0 && after.answerBytes == 0)
        #expect(after.users.first?.failed == 1 && after.users.first?.calls == 0)
        let failure = try #require(after.failures.first)
        #expect((failure.method, failure.requestID, failure.code) == ("Segment", "the long one", .cancelled))
        #expect(failure.user == geteuid() && failure.reason.isEmpty)
    }

    @Test func `the last failures are told by code and reason alone`() throws {
        let server = try TestServer()
        let client = try server.client()
        for number in 0..<40 {
            var request = SegmentRequest(
                picture: .handle("secret \(number)"), labels: [RPC.Label(name: "a secret \(number)")])
            request.requestID = "call \(number)"
            #expect(throws: RPCStatus.self) { try client.segment(request) { _ in } }
        }
        _ = try client.look(Repository.scene(1))
        let activity = try client.status().activity
        #expect(activity.failures.map(\.requestID) == (8..<40).reversed().map { "call \($0)" })
        #expect(activity.failures.allSatisfy { $0.code == .notFound && $0.reason.isEmpty && $0.method == "Segment" })
        #expect(!"\(activity)".contains("secret"))
        #expect(activity.users.first?.failed == 40 && activity.users.first?.answered == 1)
    }

    @Test func `a user's failures push out nobody else's`() {
        var users = UserRecords()
        func failure(_ name: String) -> UserRecords.Failure {
            UserRecords.Failure(time: .now(), method: "", requestID: name, code: .internal, reason: nil)
        }
        users.note(failure("mine"), of: 1) { _ in true }
        for number in 0..<100 { users.note(failure("\(number)"), of: 2) { _ in true } }
        users.note(nil, of: 1) { _ in true }
        #expect(users.failures(of: [1]).map(\.failure.requestID) == ["mine"])
        #expect(users.failures(of: users.owners).count == Limit.failures)
        #expect((users[1].answered, users[1].failed, users[2].failed, users[3].failed) == (1, 1, 100, 0))
        // However many users there are, little is kept, and of those who are there all.
        for owner in 10..<5000 as Range<UInt32> { users.note(failure("\(owner)"), of: owner) { $0 > 2 } }
        #expect(users.owners.count <= Limit.users && users[1].failed == 1 && users[2].failed == 100)
    }

    /// In the middle of a large frame, between two, and while one is read.
    @Test(arguments: [100_000, 1 << 20, 3 << 20, (3 << 20) + 1]) func `an upload that ends early leaves nothing`(
        count: Int
    ) throws {
        let server = try TestServer()
        let client = try server.client()
        let piece = LookRequest(data: [UInt8](repeating: 1, count: (1 << 20) - 16)).encoded()
        let data = try Frame(.data, stream: 1, flags: [], payload: piece).encoded()
        let bytes = Array((data + data + data + data).prefix(count))
        for _ in 0..<5 {
            let late = try RawConnection(server.path)
            #expect(late.send(try ClientCall(.look, stream: 1, payload: [], timeout: .milliseconds(100)).opening))
            #expect(late.send(bytes))
            let frame = try #require(try late.next())
            #expect(try CallResponse(decoding: frame.payload).code == .deadlineExceeded)
            let left = try RawConnection(server.path)
            #expect(try left.open(.look, stream: 1, []) && left.send(bytes))
            late.close()
            left.close()
        }
        let isClean = try eventually {
            let activity = try client.status().activity
            return activity.incomingBytes == 0
                && activity.users.first.map { ($0.calls, $0.connections) == (0, 1) } == true
        }
        #expect(isClean)
    }
}
