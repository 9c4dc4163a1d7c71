import Glibc
import NIOCore
import RPC
@testable import Server
import Support
import Testing

/// What callers take, they give back; what there is of it is bounded for each, and for all.
struct ShareTests {
    @Test func `pictures of a connection are bounded in all, and free again with their calls`() throws {
        let file = try Repository.scene(1)
        let server = try TestServer(limits: .with { $0.pictureBytes = file.count })
        let client = try server.client()
        let handle = try client.look(file).handle
        #expect(try client.look(file).handle == handle, "the first is answered and counts no more")
        let refusal = #expect(throws: RPCStatus.self) { try client.look(file + [0]) }
        #expect(refusal?.code == .resourceExhausted)
        #expect(try client.look(file).handle == handle)

        // A second picture beside one whose end has not come.
        let open = try RawConnection(server.path)
        #expect(try open.open(.look, stream: 1, []))
        let piece = try Frame(.data, stream: 1, flags: [], payload: LookRequest(data: file).encoded())
        #expect(open.send(piece.encoded()))
        let inline = SegmentRequest(picture: .image(file), labels: [RPC.Label(name: "dog")])
        #expect(try open.open(.segment, stream: 3, inline.encoded()))
        let frame = try #require(try open.next())
        #expect(frame.stream == 3)
        #expect(try CallResponse(decoding: frame.payload).code == .resourceExhausted)
        #expect(open.send(Frame.end(of: 1).encoded()))
        let answer = try #require(try open.next())
        #expect(answer.stream == 1)
        #expect(try CallResponse(decoding: answer.payload).code == .ok)
    }

    @Test func `a frame that finds no room costs its call, not the connection`() throws {
        let piece = [UInt8](repeating: 0, count: 1 << 16)
        let server = try TestServer(
            limits: .with { $0.incomingBytes = .init(all: 1 << 20, perUser: piece.count + 1000) })
        let data = try Frame(.data, stream: 1, flags: [], payload: LookRequest(data: piece).encoded()).encoded()
        let upload = try RawConnection(server.path)
        let health = HealthCheckRequest(service: "").encoded()
        #expect(try upload.open(.look, stream: 1, []) && upload.send(data) && upload.open(.health, stream: 3, health))
        #expect(try upload.next()?.stream == 3)
        let late = try RawConnection(server.path)
        #expect(try late.open(.look, stream: 1, []))
        // In part: the rest may come when it likes.
        #expect(late.send(Array(data[..<30_000])))
        #expect(try CallResponse(decoding: #require(try late.next()).payload).code == .resourceExhausted)
        #expect(late.send(Array(data[30_000...])))
        #expect(try late.open(.health, stream: 3, health))
        #expect(try late.next()?.stream == 3)
    }

    @Test func `pictures under way are bounded over all connections of a user`() throws {
        let piece = [UInt8](repeating: 0, count: 1 << 16)
        let server = try TestServer(
            limits: .with { $0.incomingBytes = .init(all: 1 << 20, perUser: 3 * piece.count + 1000) })
        let data = try Frame(.data, stream: 1, flags: [], payload: LookRequest(data: piece).encoded()).encoded()
        let uploads = try (0..<3).map { _ in try RawConnection(server.path) }
        for upload in uploads {
            #expect(try upload.open(.look, stream: 1, []) && upload.send(data))
            #expect(try upload.open(.health, stream: 3, HealthCheckRequest(service: "").encoded()))
            #expect(try upload.next()?.stream == 3, "the data before it have come")
        }
        let late = try RawConnection(server.path)
        #expect(try late.open(.look, stream: 1, []) && late.send(data))
        #expect(try CallResponse(decoding: #require(try late.next()).payload).code == .resourceExhausted)
        // Who leaves gives back what they held.
        uploads[0].shutWriting()
        #expect(try uploads[0].next() != nil)
        let file = try Repository.scene(1)
        #expect(try server.client().look(file).handle.utf8.count == 64)
    }

    @Test func `a picture that comes too slowly is refused, and the connection lives`() throws {
        let server = try TestServer(limits: .with { ($0.grace, $0.bytesPerSecond) = (.milliseconds(200), 1 << 20) })
        let slow = try RawConnection(server.path)
        #expect(try slow.open(.look, stream: 1, []))
        let piece = try Frame(.data, stream: 1, flags: [], payload: LookRequest(data: [1, 2, 3]).encoded())
        #expect(slow.send(piece.encoded()))
        let answer = try #require(try slow.next())
        #expect(try CallResponse(decoding: answer.payload).code == .deadlineExceeded)
        #expect(slow.send(piece.encoded()), "too late, and no error")
        #expect(try slow.open(.health, stream: 3, HealthCheckRequest(service: "").encoded()))
        #expect(try slow.next()?.stream == 3)
    }

    @Test(arguments: [1, 9, 10, 500])
    func `a frame that does not come to its end closes its connection`(count: Int) throws {
        let server = try TestServer(limits: .with { ($0.grace, $0.bytesPerSecond) = (.milliseconds(200), 1 << 20) })
        let wire = try RawConnection(server.path)
        let opening = try ClientCall(
            .segment, stream: 1, payload: [UInt8](repeating: 0, count: 1000), timeout: nil
        ).opening
        #expect(wire.send(Array(opening.prefix(count))))
        #expect(try wire.next() == nil)
        #expect(try server.client().health())
    }

    @Test func `what comes fast enough may take longer than the grace`() throws {
        let server = try TestServer(limits: .with { ($0.grace, $0.bytesPerSecond) = (.seconds(1), 1000) })
        let file = try Repository.scene(1)
        let wire = try RawConnection(server.path)
        #expect(try wire.open(.look, stream: 1, []))
        for start in stride(from: 0, to: file.count, by: 500) {
            let message = LookRequest(data: Array(file[start..<min(start + 500, file.count)])).encoded()
            #expect(wire.send(try Frame(.data, stream: 1, flags: [], payload: message).encoded()))
            usleep(100_000)
        }
        #expect(wire.send(Frame.end(of: 1).encoded()))
        #expect(try CallResponse(decoding: #require(try wire.next()).payload).code == .ok)
    }

    @Test func `idle connections make room, the oldest first, and those at work keep theirs`() throws {
        let server = try TestServer(
            limits: .with { ($0.connections, $0.idle) = (.init(all: 7, perUser: 7), .milliseconds(100)) })
        let busy = try RawConnection(server.path)
        #expect(try busy.open(.segment, stream: 1, SegmentRequest.long(Repository.scene(1)).encoded()))
        #expect(try busy.next()?.kind == .data, "the header: it runs")
        // One has begun a frame, one a picture, and both are silent.
        let silent = try (0..<2).map { _ in try RawConnection(server.path) }
        #expect(try silent[0].send([0]) && silent[1].open(.look, stream: 1, []))
        let idle = try (0..<4).map { _ in try server.client() }
        for client in idle { #expect(try client.health()) }
        usleep(200_000)
        for client in idle { #expect(try client.health()) }
        let late = try (0..<3).map { _ in try server.client() }
        for client in late {
            #expect(try client.health(), "it waits until the oldest may go")
        }
        for wire in silent { #expect(try wire.next() == nil) }
        #expect(throws: RPCStatus.self) { try idle[0].health() }
        #expect(try idle[3].health())
        #expect(try busy.next()?.kind == .data)
    }

    @Test func `who does not read makes room, too`() throws {
        let server = try TestServer(
            limits: .with { limits in
                limits.connections = .init(all: 3, perUser: 3)
                (limits.backlogBytes, limits.reading, limits.stall) = (64 << 10, .milliseconds(100), .hours(1))
            })
        let file = try Repository.scene(1)
        let stalled = try (0..<3).map { _ in try RawConnection(server.path) }
        for wire in stalled {
            #expect(try wire.open(.segment, stream: 1, SegmentRequest.bulky(file, labels: 60).encoded()))
            #expect(try wire.next()?.kind == .data, "the header: it runs")
        }
        #expect(try server.client().health())
        #expect(try stalled.contains { try $0.rest().last != .end(of: 1) }, "one of them was closed")
    }

    @Test func `a user whose share of connections is at work is refused others`() throws {
        let server = try TestServer(
            limits: .with { ($0.connections, $0.wait) = (.init(all: 8, perUser: 3), .milliseconds(100)) })
        let busy = try (0..<3).map { _ in try RawConnection(server.path) }
        for wire in busy {
            #expect(try wire.open(.segment, stream: 1, SegmentRequest.long(Repository.scene(1)).encoded()))
            // An answer to what came later: it is at work.
            #expect(try wire.open(.health, stream: 3, HealthCheckRequest(service: "").encoded()))
            while let frame = try wire.next(), frame.stream != 3 {}
        }
        let refused = try RawConnection(server.path)
        #expect(try refused.next() == nil)
        busy[0].close()
        #expect(eventually { (try? server.client().health()) == true })
    }

    @Test func `more connections than there is room for wait, and are served as others go`() throws {
        let server = try TestServer(
            limits: .with { limits in
                limits.connections = .init(all: 4, perUser: 3)
                limits.waiting = 2
                limits.idle = .seconds(2)
            })
        // Three are served at once; of the other nine some wait in the server, some in the socket's backlog.
        let crowd = try (0..<12).map { _ in try server.client() }
        #expect(try crowd[0].health(), "nobody who has just come is closed")
        #expect(try server.client().health())
    }

    @Test func `a server that stops sends away who waits for a place`() throws {
        let server = try TestServer(
            limits: .with { ($0.connections, $0.idle) = (.init(all: 2, perUser: 2), .hours(1)) })
        let crowd = try (0..<5).map { _ in try RawConnection(server.path) }
        #expect(try crowd[0].open(.health, stream: 1, HealthCheckRequest(service: "").encoded()))
        #expect(try crowd[0].next()?.stream == 1)
        try server.drain(grace: .zero)
        for wire in crowd { #expect(try wire.next() == nil) }
    }

    @Test func `with little memory less may come and wait, and a picture always may`() {
        func shares(_ room: Int) -> [ServerLimits.Share] {
            let limits = ServerLimits.standard(callSeconds: 1, room: room)
            return [limits.incomingBytes, limits.answerBytes]
        }
        let (most, some, none) = (shares(.max), shares(1 << 30), shares(-1))
        for place in 0..<2 {
            #expect(most[place].all > some[place].all && some[place].all > none[place].all)
            for share in [most, some, none] {
                #expect(share[place].perUser < share[place].all && share[place].perUser >= 64 << 20)
            }
        }
        #expect(some[0].all + some[1].all <= 1 << 30)
    }

    /// As a program has that another thread starts, from its fork to its exec.
    @Test func `a path that was let go of is free, whoever has a copy of its lock's descriptor`() throws {
        let folder = try TemporaryDirectory()
        let path = "\(folder.path)/s"
        let copy: CInt
        do {
            let socket = try ListeningSocket(path: path, .own)
            copy = dup(try descriptor(of: "\(path).lock"))
            #expect(socket.descriptor >= 0)
        }
        defer { close(copy) }
        #expect(copy >= 0)
        #expect(try ListeningSocket(path: path, .own).descriptor >= 0)
    }

    @Test func `a pace bears silence as long from the last bytes as from the first`() {
        let limits = ServerLimits.with { ($0.grace, $0.bytesPerSecond) = (.seconds(10), 1000) }
        let before = NIODeadline.now()
        var pace = Pace(limits)
        let after = NIODeadline.now()
        #expect(pace.deadline >= before + .seconds(10) && pace.deadline <= after + .seconds(10))
        pace.add(1 << 30, limits)
        #expect(pace.deadline <= .now() + .seconds(10), "what came fast is no reserve")
        #expect(pace.bytes == 1 << 30)
        var slow = Pace(ServerLimits.with { ($0.grace, $0.bytesPerSecond) = (.seconds(-5), 1000) })
        let start = slow.deadline
        slow.add(2000, limits)
        #expect(slow.deadline == start + .seconds(2))
    }

    @Test func `a quota takes all of what is asked for or nothing`() {
        var quota = Quota(.init(all: 10, perUser: 6), .answerBytes)
        #expect(quota.take(6, for: 1) && !quota.take(1, for: 1))
        #expect(quota.take(3, for: 2) && !quota.take(2, for: 2) && quota.take(1, for: 2))
        #expect((quota.used, quota.left(for: 1), quota.left(for: 3)) == (10, 0, 0))
        quota.giveBack(6, of: 1)
        quota.giveBack(4, of: 2)
        #expect((quota.used, quota.left(for: 1), quota.left(for: 2)) == (0, 6, 6))
    }

    @Test func `a call of more numbers than the daemon gives is refused with the limit`() throws {
        let server = try TestServer(limits: .with { $0.callPixels = 2 * 192 * 192 })
        let client = try server.client()
        let file = try Repository.scene(1)
        func refusal(_ labels: Int, _ width: UInt32, _ height: UInt32) throws -> RPCStatus? {
            let request = SegmentRequest(
                picture: .image(file), labels: (0..<labels).map { RPC.Label(name: "thing \($0)") }, maps: .sized,
                mapWidth: width, mapHeight: height)
            do { try client.segment(request) { _ in } } catch let status as RPCStatus { return status }
            return nil
        }
        #expect(try refusal(2, 192, 192) == nil && refusal(2, 0, 0) == nil)
        for (labels, side) in [(3, 192), (3, 0)] as [(Int, UInt32)] {
            let status = try #require(try refusal(labels, side, side))
            #expect(status.code == .resourceExhausted)
            #expect(status.message.contains("3 score maps of 192 x 192") && status.message.contains("73728"))
        }
    }

    @Test func `a call that takes longer than the daemon gives is told the limit`() throws {
        let server = try TestServer(limits: .with { $0.callTime = .seconds(1) })
        let wire = try RawConnection(server.path)
        #expect(try wire.open(.look, stream: 1, []))
        let answer = try #require(try wire.next())
        let response = try CallResponse(decoding: answer.payload)
        guard case .failure(let status) = response else { throw RPCStatus(.internal, "\(response)") }
        #expect(status.code == .deadlineExceeded && status.message.contains("1 s"))
    }
}
