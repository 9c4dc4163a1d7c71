import Glibc
import NIOCore
import RPC
import Server
import Testing

/// What one connection may cost the others.
struct ReaderTests {
    @Test func `a reader that stops is cut off, and the next user is served`() throws {
        let bench = try Bench(limits: .with(backlogBytes: 256 << 10, patience: .milliseconds(100)))
        let file = try Bench.scene()
        let idle = try RawConnection(bench.path)
        #expect(try idle.open(.segment, stream: 1, SegmentRequest.bulky(file, labels: 40).encoded()))
        var maps = 0
        try bench.client().segment(SegmentRequest(picture: .image(file), labels: [RPC.Label(name: "dog")])) { reply in
            if case .scoreMap = reply { maps += 1 }
        }
        #expect(maps == 1)
        let frames = try idle.rest()
        #expect(frames.last.map { $0 == .end(of: 1) } != true, "what was cut off does not look whole")
        #expect(frames.count < 40)
    }

    @Test func `a slow reader within its patience gets everything`() throws {
        let bench = try Bench(limits: .with(backlogBytes: 256 << 10, patience: .seconds(600)))
        let slow = try RawConnection(bench.path)
        #expect(try slow.open(.segment, stream: 1, SegmentRequest.bulky(Bench.scene(), labels: 12).encoded()))
        // Health is answered while the engine waits for the slow one.
        #expect(try bench.client().health())
        let frames = try slow.rest()
        #expect(frames.count == 15, "header, 12 maps, trailer, end")
        #expect(frames.last == .end(of: 1))
        #expect(frames.reduce(0) { $0 + $1.payload.count } > 1 << 20, "more than the backlog and the socket hold")
    }

    @Test func `the engine waits with the many maps of a reader that has stopped`() throws {
        let bench = try Bench(limits: .with(backlogBytes: 64 << 10, patience: .seconds(600)))
        let client = try bench.client()
        let slow = try RawConnection(bench.path)
        var request = SegmentRequest.bulky(try Bench.scene(), labels: 300)
        (request.mapWidth, request.mapHeight) = (128, 128)
        #expect(try slow.open(.segment, stream: 1, request.encoded()))
        #expect(try slow.next()?.kind == .data, "the header: it runs")
        // A standstill: of the prompts no more become known.
        var words = [UInt32.max]
        repeat {
            words.append(try client.status().words)
            usleep(500_000)
        } while words.suffix(2).first != words.last
        #expect(words.last.map { $0 < 300 } == true)
        var labels: [UInt32] = []
        for frame in try slow.rest() where frame.kind == .data && !frame.payload.isEmpty {
            if case .scoreMap(let map) = try SegmentReply(decoding: frame.payload) { labels.append(map.label) }
        }
        #expect(labels == Array(0..<300))
    }

    @Test func `who asks and never reads is not listened to, and is closed in the end`() throws {
        let bench = try Bench(limits: .with(stall: .milliseconds(300)))
        let greedy = try RawConnection(bench.path)
        var stream: UInt32 = 1
        // A blocking send ends with the connection; 2^20 answers of a hundred bytes fit no buffer.
        while stream < 1 << 21, try greedy.open(.status, stream: stream, []) { stream += 2 }
        #expect(stream < 1 << 21)
        #expect(try bench.client().health())
    }

    @Test func `a client that shuts its side still gets its answer, then the connection ends`() throws {
        let bench = try Bench()
        let half = try RawConnection(bench.path)
        let request = SegmentRequest(picture: .image(try Bench.scene()), labels: [RPC.Label(name: "dog")])
        #expect(try half.open(.segment, stream: 1, request.encoded()))
        half.shutWriting()
        let frames = try half.rest()
        #expect(frames.last == .end(of: 1))
        #expect(try half.next() == nil)
    }

    @Test func `a client that shuts its side before its picture's end is told so`() throws {
        let bench = try Bench()
        let half = try RawConnection(bench.path)
        #expect(try half.open(.look, stream: 1, []))
        half.shutWriting()
        let frame = try #require(try half.next())
        #expect(throws: RPCStatus.self) {
            if case .failure(let status) = try CallResponse(decoding: frame.payload) { throw status }
        }
        #expect(try half.next() == nil)
    }

    @Test func `pictures of a connection are bounded in all, and free again with their calls`() throws {
        let file = try Bench.scene()
        let bench = try Bench(limits: .with(pictureBytes: file.count))
        let client = try bench.client()
        let handle = try client.look(file).handle
        #expect(try client.look(file).handle == handle, "the first is answered and counts no more")
        let refusal = #expect(throws: RPCStatus.self) { try client.look(file + [0]) }
        #expect(refusal?.code == .resourceExhausted)
        #expect(try client.look(file).handle == handle)

        // A second picture beside one whose end has not come.
        let open = try RawConnection(bench.path)
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

    @Test func `draining cuts what outlasts its grace`() throws {
        let bench = try Bench()
        let file = try Bench.scene()
        let wire = try RawConnection(bench.path)
        #expect(try wire.open(.segment, stream: 1, SegmentRequest.long(file).encoded()))
        #expect(try wire.next()?.kind == .data, "the header: it runs")
        try bench.drain(grace: .zero)
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
