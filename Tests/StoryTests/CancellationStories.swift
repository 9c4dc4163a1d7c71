import RPC
import Support
import Testing

/// Work that nobody wants is not done, and work that nobody can do is refused at once.
struct CancellationStories {
    @Test func `Cancel ends the call of that name, and no other`() throws {
        let daemon = try Daemon()
        let (client, other) = try (daemon.client(), daemon.client())
        let picture = SegmentRequest.Picture.image(try Repository.scene(1))
        var cancelled: [Int] = []
        let refusal = try client.refusal(.long(picture, id: "first")) { reply in
            guard case .header = reply else { return }
            cancelled = [try other.cancel("second"), try other.cancel("first")]
        }
        #expect(cancelled == [0, 1])
        #expect(refusal?.code == .cancelled)
        #expect(try other.cancel("first") == 0)
        #expect(try client.answer(SegmentRequest(picture, ["boat"])).maps.count == 1)
        #expect(try client.status().words < 255, "the rest was not computed")
    }

    @Test func `closing a connection cancels its calls`() throws {
        let daemon = try Daemon()
        let picture = SegmentRequest.Picture.image(try Repository.scene(1))
        var wire: Wire? = try Wire(daemon)
        try wire?.open(.segment, stream: 1, SegmentRequest.long(picture, id: "").encoded())
        #expect(try wire?.next()?.kind == .data, "the header: it has begun")
        wire = nil
        let client = try daemon.client()
        #expect(try client.answer(SegmentRequest(picture, ["boat"])).maps.count == 1)
        #expect(try client.status().words < 255, "the rest was not computed")
        #expect(daemon.log.contains("Segment cancelled in "))
    }

    @Test func `a full queue refuses, and what never waits for the engine is answered meanwhile`() throws {
        let daemon = try Daemon("--queue", "1")
        let client = try daemon.client()
        let file = try Repository.scene(1)
        let looked = try client.look(file)
        let short = SegmentRequest(.handle(looked.handle), ["boat"])
        let wire = try Wire(daemon)
        try wire.open(.segment, stream: 1, SegmentRequest.long(.image(file), id: "long").encoded())
        #expect(try wire.next()?.kind == .data, "the header: it runs")
        let waiting = try Wire(daemon)
        try waiting.open(.segment, stream: 1, short.encoded())
        let isQueued = try eventually { try client.status().queued == 1 }
        #expect(isQueued)

        #expect(try client.refusal(short)?.code == .resourceExhausted)
        #expect(throws: RPCStatus.self) { try client.look(file) }
        #expect(try client.health())
        #expect(try client.status().refused == 2)
        #expect(try client.cancel("long") == 1)
        #expect(try wire.code(of: 1) == .cancelled)
        var frames: [Frame] = []
        while let frame = try waiting.next() {
            frames.append(frame)
            if frame.flags.contains(.remoteClosed) { break }
        }
        #expect(frames.count == 4, "header, map, trailer, end")
        #expect(frames.last == .end(of: 1))
    }

    @Test func `a call that waits is told when its deadline passes`() throws {
        let daemon = try Daemon()
        let picture = SegmentRequest.Picture.image(try Repository.scene(1))
        let wire = try Wire(daemon)
        try wire.open(.segment, stream: 1, SegmentRequest.long(picture, id: "long").encoded())
        #expect(try wire.next()?.kind == .data, "the header: it runs")
        let client = try daemon.client()
        var late = SegmentRequest(picture, ["boat"])
        late.deadlineMilliseconds = 50
        #expect(try client.refusal(late)?.code == .deadlineExceeded)
        #expect(try client.cancel("long") == 1, "the long one has run all the time")
    }
}
