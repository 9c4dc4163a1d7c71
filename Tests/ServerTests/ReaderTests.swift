import Glibc
import NIOCore
import RPC
import Server
import Support
import Testing

/// What one connection may cost the others.
struct ReaderTests {
    @Test func `readers that stop hold nobody up, and are cut off`() throws {
        let server = try TestServer(
            limits: .with { ($0.backlogBytes, $0.stall) = (64 << 10, .milliseconds(500)) })
        let file = try Repository.scene(1)
        let idle = try (0..<4).map { _ in try RawConnection(server.path) }
        for wire in idle {
            #expect(try wire.open(.segment, stream: 1, SegmentRequest.bulky(file, labels: 60).encoded()))
        }
        var maps = 0
        try server.client().segment(SegmentRequest(picture: .image(file), labels: [RPC.Label(name: "dog")])) { reply in
            if case .scoreMap = reply { maps += 1 }
        }
        #expect(maps == 1)
        for wire in idle {
            // What it reads then, the socket's buffers held.
            #expect(eventually { wire.isHungUp })
            let frames = try wire.rest()
            #expect(frames.last.map { $0 == .end(of: 1) } != true, "what was cut off does not look whole")
            #expect(frames.count < 60)
        }
    }

    @Test func `a slow reader gets everything`() throws {
        let server = try TestServer(limits: .with { $0.backlogBytes = 64 << 10 })
        let slow = try RawConnection(server.path)
        #expect(try slow.open(.segment, stream: 1, SegmentRequest.bulky(Repository.scene(1), labels: 12).encoded()))
        #expect(try server.client().health())
        usleep(200_000)
        let frames = try slow.rest()
        #expect(frames.count == 15, "header, 12 maps, trailer, end")
        #expect(frames.last == .end(of: 1))
        #expect(frames.reduce(0) { $0 + $1.payload.count } > 1 << 20, "more than the backlog and the socket hold")
    }

    @Test func `nothing is computed far ahead of a reader that has stopped`() throws {
        let server = try TestServer(limits: .with { ($0.backlogBytes, $0.stall) = (64 << 10, .hours(1)) })
        let client = try server.client()
        let slow = try RawConnection(server.path)
        var request = SegmentRequest.bulky(try Repository.scene(1), labels: 1000)
        (request.mapWidth, request.mapHeight) = (128, 128)
        #expect(try slow.open(.segment, stream: 1, request.encoded()))
        #expect(try slow.next()?.kind == .data, "the header: it runs")
        // A standstill: of the prompts no more become known.
        var words = [UInt32.max]
        repeat {
            words.append(try client.status().words)
            usleep(500_000)
        } while words.suffix(2).first != words.last
        #expect(words.last.map { $0 < 1000 } == true)
        #expect(try client.status().queued == 0, "it waits for its reader, not for its turn")
        // Others are answered meanwhile, bit by bit the slow one too.
        let other = SegmentRequest(picture: .image(try Repository.scene(1)), labels: [RPC.Label(name: "dog")])
        try client.segment(other) { _ in }
        var labels: [UInt32] = []
        for frame in try slow.rest() where frame.kind == .data && !frame.payload.isEmpty {
            if case .scoreMap(let map) = try SegmentReply(decoding: frame.payload) { labels.append(map.label) }
        }
        #expect(labels == Array(0..<1000))
    }

    @Test func `Cancel and deadlines end a call whose reader has stopped, at once`() throws {
        let server = try TestServer(limits: .with { ($0.backlogBytes, $0.stall) = (64 << 10, .hours(1)) })
        let file = try Repository.scene(1)
        var request = SegmentRequest.bulky(file, labels: 100)
        request.requestID = "slow"
        let cancelled = try RawConnection(server.path)
        #expect(try cancelled.open(.segment, stream: 1, request.encoded()))
        #expect(try cancelled.next()?.kind == .data)
        (request.requestID, request.deadlineMilliseconds) = ("", 4000)
        let late = try RawConnection(server.path)
        #expect(try late.open(.segment, stream: 1, request.encoded()))
        // The header, or on a busy machine the deadline already.
        let first = try #require(try late.next())
        let client = try server.client()
        #expect(try client.cancel("slow") == 1)
        #expect(try client.cancel("slow") == 0)
        // Beyond the deadline: who reads meanwhile may get the whole answer first.
        usleep(4_500_000)
        let ends = try [cancelled.rest().last, first.kind == .data ? late.rest().last : first]
        for (end, code) in zip(ends, [RPCStatus.Code.cancelled, .deadlineExceeded]) {
            #expect(try CallResponse(decoding: #require(end).payload).code == code)
        }
    }

    @Test func `who asks and never reads is not listened to, and is closed in the end`() throws {
        let server = try TestServer(limits: .with { $0.stall = .milliseconds(300) })
        let greedy = try RawConnection(server.path)
        var stream: UInt32 = 1
        // A blocking send ends with the connection; 2^20 answers of a hundred bytes fit no buffer.
        while stream < 1 << 21, try greedy.open(.status, stream: stream, []) { stream += 2 }
        #expect(stream < 1 << 21)
        #expect(try server.client().health())
    }

    @Test func `a client that shuts its side still gets its answer, then the connection ends`() throws {
        let server = try TestServer()
        let half = try RawConnection(server.path)
        let request = SegmentRequest(picture: .image(try Repository.scene(1)), labels: [RPC.Label(name: "dog")])
        #expect(try half.open(.segment, stream: 1, request.encoded()))
        half.shutWriting()
        let frames = try half.rest()
        #expect(frames.last == .end(of: 1))
        #expect(try half.next() == nil)
    }

    @Test func `a client that shuts its side before its picture's end is told so`() throws {
        let server = try TestServer()
        let half = try RawConnection(server.path)
        #expect(try half.open(.look, stream: 1, []))
        half.shutWriting()
        let frame = try #require(try half.next())
        #expect(throws: RPCStatus.self) {
            if case .failure(let status) = try CallResponse(decoding: frame.payload) { throw status }
        }
        #expect(try half.next() == nil)
    }

    @Test func `what was sent in one go before a client shuts its side is all answered`() throws {
        let server = try TestServer()
        let asking = try RawConnection(server.path)
        let streams = (0..<1000).map { UInt32(2 * $0 + 1) }
        let questions = try streams.flatMap { stream in
            try ClientCall(.health, stream: stream, payload: [], timeout: nil).opening
        }
        #expect(asking.send(questions))
        asking.shutWriting()
        var answers: [UInt32] = []
        while let frame = try asking.next() { answers.append(frame.stream) }
        #expect(answers == streams)

        let looking = try RawConnection(server.path)
        let call = try ClientCall(.look, stream: 1, payload: [], timeout: nil)
        var pieces = call.opening
        for byte in try Repository.scene(1) { pieces += try call.message(LookRequest(data: [byte]).encoded()) }
        #expect(looking.send(pieces + call.halfClose))
        looking.shutWriting()
        let answer = try #require(try looking.next())
        #expect(try CallResponse(decoding: answer.payload).code == .ok)
        #expect(try looking.next() == nil)
    }

    @Test func `draining cuts what outlasts its grace`() throws {
        let server = try TestServer()
        let file = try Repository.scene(1)
        let wire = try RawConnection(server.path)
        #expect(try wire.open(.segment, stream: 1, SegmentRequest.long(file).encoded()))
        #expect(try wire.next()?.kind == .data, "the header: it runs")
        try server.drain(grace: .zero)
        let last = try #require(try wire.rest().last)
        #expect(try CallResponse(decoding: last.payload).code == .cancelled)
        #expect(try wire.next() == nil)
    }
}

extension CallResponse {
    var code: RPCStatus.Code {
        switch self {
        case .success: .ok
        case .failure(let status): status.code
        }
    }
}
