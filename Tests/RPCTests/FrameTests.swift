import Limits
import RPC
import Support
import Testing

/// The frame codec against recorded bytes, and its laws over every split of a stream.
struct FrameTests {
    /// A server-streaming request with a timeout of 5 s, a message, the end, an error, and a health
    /// check with its answer, as ttrpc 1.2 writes them.
    static let trace: [(hexadecimal: String, frame: Frame)] = [
        (
            """
            0000002300000001 0101 0a0e647365672e76312e53636f726572 120553636f7265 1a040a026869
            2080e497d012
            """,
            frame(
                .request, [.remoteClosed],
                CallRequest(
                    service: "dseg.v1.Scorer", method: "Score", payload: [0x0a, 2, 0x68, 0x69],
                    timeout: 5_000_000_000
                ).encoded())
        ),
        ("0000000700000001 0300 0801 1203616263", frame(.data, [], [8, 1, 0x12, 3, 97, 98, 99])),
        ("0000000000000001 0305", Frame.end(of: 1)),
        (
            "0000001000000001 0200 0a0e 0808 120a71756575652066756c6c",
            Frame.failure(RPCStatus(.resourceExhausted, "queue full"), stream: 1)
        ),
        (
            "0000001e00000001 0100 0a15677270632e6865616c74682e76312e4865616c7468 1205436865636b",
            frame(
                .request, [],
                CallRequest(
                    service: "grpc.health.v1.Health", method: "Check", payload: [], timeout: 0
                ).encoded())
        ),
        (
            "0000000400000001 0200 1202 0801",
            frame(
                .response, [],
                CallResponse.success(HealthCheckResponse(status: .serving).encoded()).encoded())
        ),
    ]

    static func frame(_ kind: Frame.Kind, _ flags: Frame.Flags, _ payload: [UInt8]) -> Frame {
        do {
            return try Frame(kind, stream: 1, flags: flags, payload: payload)
        } catch {
            preconditionFailure("\(error)")
        }
    }

    static func bytes(_ hexadecimal: String) -> [UInt8] {
        let digits = hexadecimal.filter(\.isHexDigit)
        return stride(from: 0, to: digits.count, by: 2).compactMap {
            UInt8(digits.dropFirst($0).prefix(2), radix: 16)
        }
    }

    /// What a decoder makes of pieces: its events, and its error if it ends in one.
    static func decode(_ pieces: [[UInt8]]) -> ([FrameDecoder.Event], RPCStatus?) {
        var decoder = FrameDecoder()
        var events: [FrameDecoder.Event] = []
        do throws(RPCStatus) {
            for piece in pieces {
                decoder.append(piece)
                while let event = try decoder.next() { events.append(event) }
            }
        } catch {
            return (events, error)
        }
        return (events, nil)
    }

    static func header(_ length: Int, stream: UInt8 = 1, kind: UInt8, flags: UInt8 = 0) -> [UInt8] {
        [24, 16, 8, 0].map { UInt8(truncatingIfNeeded: length >> $0) }
            + [0, 0, 0, stream, kind, flags]
    }

    @Test func `recorded frames are written and read bit for bit`() {
        for (hexadecimal, frame) in Self.trace {
            #expect(frame.encoded() == Self.bytes(hexadecimal))
            let (events, error) = Self.decode([Self.bytes(hexadecimal)])
            #expect(events == [.frame(frame)] && error == nil)
        }
    }

    @Test func `every split of a stream gives the same frames`() {
        let stream = Self.trace.flatMap { Self.bytes($0.hexadecimal) }
        let expected = Self.trace.map { FrameDecoder.Event.frame($0.frame) }
        for first in 0...stream.count {
            let pieces = [Array(stream[..<first]), Array(stream[first...])]
            #expect(Self.decode(pieces).0 == expected)
        }
        #expect(Self.decode(stream.map { [$0] }).0 == expected)
    }

    @Test func `an oversized frame is reported and the next one still decodes`() {
        let end = Frame.end(of: 1).encoded()
        for length in [Limit.frameBytes + 1, (1 << 24) - 1] {
            let stream =
                Self.header(length, stream: 7, kind: 3) + [UInt8](repeating: 9, count: length) + end
            let expected: [FrameDecoder.Event] = [
                .oversized(.data, stream: 7, length: length), .frame(.end(of: 1)),
            ]
            for split in [0, 3, 10, 11, length + 9, length + 10, length + 11] {
                let pieces = [Array(stream[..<split]), Array(stream[split...])]
                #expect(Self.decode(pieces).0 == expected)
            }
        }
    }

    @Test func `a payload that is passed over is not kept`() throws {
        var decoder = FrameDecoder()
        decoder.append(Self.header((1 << 24) - 1, kind: 1))
        _ = try decoder.next()
        for _ in 0..<200 {
            decoder.append([UInt8](repeating: 1, count: 64 << 10))
            #expect(try decoder.next() == nil)
            #expect(decoder.buffered == 0)
        }
    }

    @Test func `nothing of a frame is kept once it has been given out`() throws {
        var decoder = FrameDecoder()
        let frame = try Frame(
            .data, stream: 1, flags: [], payload: [UInt8](repeating: 1, count: 1 << 20))
        decoder.append(frame.encoded() + [0])
        #expect(try decoder.next() == .frame(frame))
        #expect(decoder.buffered == 1)
        decoder.append(frame.encoded().dropFirst())
        #expect(try decoder.next() == .frame(frame))
        #expect(decoder.buffered == 0)
    }

    @Test func `the largest frame survives and a larger one cannot be made`() throws {
        let largest = [UInt8](repeating: 5, count: Limit.frameBytes)
        let frame = try Frame(.data, stream: 3, flags: [], payload: largest)
        #expect(Self.decode([frame.encoded()]).0 == [.frame(frame)])
        #expect(throws: RPCStatus.self) {
            try Frame(.data, stream: 3, flags: [], payload: largest + [0])
        }
    }

    @Test func `frames of unknown kinds are passed over one at a time, whatever their length`() {
        for kind: UInt8 in [0, 4, 255] {
            for length in [0, 1, 5_000_000] {
                let unknown =
                    Self.header(length, kind: kind, flags: 255)
                    + [UInt8](repeating: 1, count: length)
                let (events, error) = Self.decode([unknown + unknown + Frame.end(of: 1).encoded()])
                #expect(events == [.unknown(kind: kind), .unknown(kind: kind), .frame(.end(of: 1))] && error == nil)
            }
        }
    }

    @Test func `a first byte that is not zero ends the connection`() {
        for first: UInt8 in [1, 0x47, 0xff] {
            let garbage = [first] + [UInt8](repeating: 0x20, count: 30)
            let (events, error) = Self.decode([Frame.end(of: 1).encoded(), garbage])
            #expect(events.count == 1)
            #expect(error?.code == .invalidArgument)
        }
    }

    /// Frames about the length from which they are gathered apart, small ones between them.
    private static let large: [Frame] = [
        LargeFrame.least - 1, 3, LargeFrame.least, 0, LargeFrame.least + 1, 300_000, 5, Limit.frameBytes, 7,
    ].enumerated().map { place, length in
        frame(place % 2 == 0 ? .data : .request, [], (0..<length).map { UInt8(truncatingIfNeeded: $0 * 7 + place) })
    }

    @Test(arguments: [1000, 65_535, 65_536, 65_546, 200_000, 9_000_000])
    func `large frames come whole, in whatever pieces, and are handed out apart`(size: Int) throws {
        let stream = Self.large.flatMap { $0.encoded() }
        let pieces = stride(from: 0, to: stream.count, by: size).map {
            Array(stream[$0..<min($0 + size, stream.count)])
        }
        let (events, error) = Self.decode(pieces)
        #expect(events == Self.large.map { .frame($0) } && error == nil)
        var decoder = FrameDecoder()
        var (frames, taken): ([Frame], Int) = ([], 0)
        for piece in pieces {
            decoder.append(piece)
            while let length = decoder.nextBytes {
                if let frame = decoder.takeLarge() {
                    taken += 1
                    frames.append(frame.frame)
                    #expect(length >= LargeFrame.least)
                } else if case .frame(let frame)? = try decoder.next() {
                    frames.append(frame)
                }
            }
            // As the connection does, which by this frees what was decoded.
            #expect(try decoder.next() == nil)
        }
        #expect(frames == Self.large && decoder.buffered == 0 && decoder.count == frames.count)
        #expect(taken == (size < LargeFrame.least ? 4 : taken) && (size < 1 << 20) == (taken > 0), "\(taken)")
    }

    @Test func `a large frame that is refused in the middle is skipped, and its bytes are free`() throws {
        var decoder = FrameDecoder()
        let (frame, next) = (Self.large[5].encoded(), Self.large[6])
        decoder.append(frame[..<100_000])
        #expect(try decoder.next() == nil)
        decoder.append(frame[100_000..<200_000])
        #expect(decoder.buffered == 200_000 && decoder.partialBytes == 200_000 && decoder.takeLarge() == nil)
        #expect(decoder.skip() == .oversized(.request, stream: 1, length: 300_000))
        #expect(decoder.buffered == 0 && decoder.partialBytes == 199_990)
        decoder.append(frame[200_000...] + next.encoded())
        #expect(try decoder.next() == .frame(next))
        #expect(decoder.count == 2)
    }

    /// What comes of a frame, in pieces of a size, the first of another.
    private static func large(_ frame: Frame, first: Int, size: Int) throws -> LargeFrame {
        let bytes = frame.encoded()
        var decoder = FrameDecoder()
        decoder.append(bytes[..<first])
        #expect(try decoder.next() == nil)
        for start in stride(from: first, to: bytes.count, by: size) {
            decoder.append(bytes[start..<min(start + size, bytes.count)])
        }
        let large = decoder.takeLarge()
        return try #require(large)
    }

    /// What is found is what reading the message finds.
    @Test func `a picture's bytes are found where they came, in messages that have nothing else`() throws {
        var generator = SeededGenerator(seed: 9)
        for count in [LargeFrame.least, 70_000, 1 << 17, 2_097_151, 2_097_152, Limit.frameBytes - 5] {
            let request = LookRequest(data: generator.bytes(count))
            let frame = Self.frame(.data, [], request.encoded())
            for first in [10, 11, 12, 14, 15, 16, 60_000] {
                let large = try Self.large(frame, first: first, size: 65_537 - first % 7)
                let found = try #require(large.picture, "\(count) bytes, the first \(first)")
                #expect(Array(found) == request.data && large.frame == frame)
            }
        }
    }

    @Test func `no picture is found where there may be more, or less, or something else`() throws {
        let data = [UInt8](repeating: 10, count: 70_000)
        let whole = LookRequest(data: data).encoded()
        let others: [(Frame.Kind, Frame.Flags, [UInt8])] = [
            (.data, [], LookRequest(data: data, recipe: "best").encoded()), (.data, [], whole + [10, 0]),
            (.data, [], whole.dropLast()), (.data, [], data), (.data, [], [0x12] + whole.dropFirst()),
            (.data, [], [10, 0xFF, 0xFF, 0xFF, 0xFF, 0x01] + data),
            (.data, [], [10, 0x80, 0x80, 0x80, 0x80, 0] + data),
            (.data, .noData, whole), (.request, [], whole),
        ]
        for (kind, flags, payload) in others {
            let large = try Self.large(Self.frame(kind, flags, payload), first: 100, size: 65_536)
            #expect(large.picture == nil && large.frame.payload == payload)
        }
    }
}
