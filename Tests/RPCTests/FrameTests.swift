import RPC
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
        for length in [Frame.longestPayload + 1, (1 << 24) - 1] {
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
        let largest = [UInt8](repeating: 5, count: Frame.longestPayload)
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
}
