import Foundation
import RPC
import Support
import Testing

/// Messages and maps of few bytes that ask for much memory or time.
@Suite(.serialized, .enabled(if: ProcessInfo.processInfo.environment["DSEG_TRUST"] != nil))
struct MessageBombTests {
    // MARK: Messages to the daemon

    /// Seconds from a bomb's last byte to its refusal, and of processor time.
    private static let limit = 0.02
    private static let workLimit = 0.1

    private static func varint(_ number: Int) -> [UInt8] {
        var (bytes, rest): ([UInt8], UInt) = ([], UInt(bitPattern: number))
        while rest > 0x7F {
            bytes.append(UInt8(rest & 0x7F) | 0x80)
            rest >>= 7
        }
        return bytes + [UInt8(rest)]
    }

    /// A field of bytes.
    private static func field(_ number: Int, _ bytes: [UInt8]) -> [UInt8] {
        varint(number << 3 | 2) + varint(bytes.count) + bytes
    }

    private static func many(_ bytes: [UInt8], _ total: Int = 4_000_000) -> [UInt8] {
        Array(repeatElement(bytes, count: total / bytes.count).joined())
    }

    /// A request, and how it may be refused.
    private struct Bomb {
        let name: String
        let method: RPC.Method
        let payload: [UInt8]
        /// Whether the payload is the whole request of ttrpc, in place of a message of the method.
        var isEnvelope = false
        let codes: Set<RPCStatus.Code>
    }

    private static func floods() -> [Bomb] {
        let methods: [RPC.Method] = [.segment, .describe, .warm, .unload, .cancel, .status, .health]
        let unknown = methods.map { method in
            Bomb(
                name: "unknown fields for \(method.name)", method: method, payload: many([0xF0, 0x01, 0]),
                codes: [.resourceExhausted])
        }
        let bytes = methods.map { method in
            Bomb(
                name: "unknown bytes for \(method.name)", method: method, payload: many([0xF2, 0x01, 0]),
                codes: [.resourceExhausted])
        }
        return unknown + bytes + [
            Bomb(
                name: "unknown fields of the request", method: .health, payload: many([0x30, 0]), isEnvelope: true,
                codes: [.resourceExhausted]),
            Bomb(
                name: "a request of metadata", method: .health, payload: many([0x2A, 0]), isEnvelope: true,
                codes: [.resourceExhausted]),
        ]
    }

    private static func shapes() -> [Bomb] {
        let candidate = field(1, Array("a".utf8))
        let phrase = field(2, field(1, Array("a".utf8)))
        return [
            Bomb(
                name: "two million labels", method: .segment, payload: many(field(3, [])), codes: [.resourceExhausted]),
            Bomb(
                name: "a label of two million phrases", method: .segment,
                payload: field(3, field(1, Array("a".utf8)) + many(field(2, []))), codes: [.resourceExhausted]),
            Bomb(
                name: "a million settings", method: .segment, payload: many(field(17, [])),
                codes: [.resourceExhausted]),
            Bomb(
                name: "a million probes", method: .segment, payload: many(field(21, [])), codes: [.resourceExhausted]),
            Bomb(
                name: "a vocabulary of two million", method: .segment, payload: field(18, many(field(1, []))),
                codes: [.resourceExhausted]),
            Bomb(
                name: "a merge of a vocabulary, a million times", method: .segment, payload: many(field(18, candidate)),
                codes: [.resourceExhausted, .invalidArgument]),
            Bomb(
                name: "a merge of large vocabularies", method: .segment,
                payload: many(field(18, many(field(1, candidate), 60_000))),
                codes: [.resourceExhausted, .invalidArgument]),
            Bomb(
                name: "the same for Describe", method: .describe, payload: many(field(3, field(1, candidate))),
                codes: [.resourceExhausted, .invalidArgument]),
            Bomb(
                name: "a picture a million times", method: .segment, payload: many(field(1, [1])),
                codes: [.resourceExhausted, .invalidArgument]),
            Bomb(
                name: "handle and picture in turns", method: .segment, payload: many(field(1, [1]) + field(2, [65])),
                codes: [.resourceExhausted, .invalidArgument]),
            Bomb(
                name: "groups in groups", method: .segment, payload: [UInt8](repeating: 0xF3, count: 4_000_000),
                codes: [.invalidArgument]),
            Bomb(
                name: "messages in messages", method: .segment,
                payload: (0..<20_000).reduce([]) { inner, _ in inner.count < 60_000 ? field(3, inner) : inner },
                codes: [.invalidArgument]),
            Bomb(
                name: "phrases of one label in pieces", method: .segment, payload: many(field(3, phrase)),
                codes: [.resourceExhausted]),
            Bomb(
                name: "numbers of ten bytes", method: .segment,
                payload: many([0x30] + [UInt8](repeating: 0xFF, count: 9) + [1]),
                codes: [.resourceExhausted, .invalidArgument]),
            Bomb(
                name: "a length of 2^63", method: .segment, payload: [0x1A] + [UInt8](repeating: 0xFF, count: 9) + [1],
                codes: [.invalidArgument]),
        ]
    }

    private static func texts() -> [Bomb] {
        let texts: [(String, [UInt8])] = [
            ("NUL", [65, 0, 65]), ("no UTF-8", [0xC3, 0x28]), ("a surrogate", [0xED, 0xA0, 0x80]),
            ("an overlong", [0xC0, 0x80]), ("4 MB of text", [UInt8](repeating: 65, count: 4_000_000)),
            ("4 MB of bad text", [UInt8](repeating: 0xFF, count: 4_000_000)),
        ]
        return texts.flatMap { name, bytes -> [Bomb] in
            [
                Bomb(name: "\(name) as handle", method: .segment, payload: field(2, bytes), codes: [.invalidArgument]),
                Bomb(
                    name: "\(name) as label", method: .segment, payload: field(3, field(1, bytes)),
                    codes: [.invalidArgument]),
                Bomb(
                    name: "\(name) as model", method: .warm, payload: field(1, bytes),
                    codes: [.invalidArgument, .resourceExhausted]),
                Bomb(
                    name: "\(name) to cancel", method: .cancel, payload: field(1, bytes),
                    codes: [.invalidArgument, .resourceExhausted]),
                Bomb(
                    name: "\(name) as service", method: .health, payload: field(1, bytes), isEnvelope: true,
                    codes: [.invalidArgument, .unimplemented]),
            ]
        }
    }

    /// What a daemon did with a bomb.
    private struct Sight {
        let code: RPCStatus.Code?
        /// Seconds from its last byte to the answer, and of processor time.
        let reply, worked: Double
        /// Bytes of memory at the most, over those before.
        let growth: Int
    }

    private static func send(_ bomb: Bomb, to daemon: Daemon, _ gauge: Gauge) throws -> Sight {
        let wire = try Wire(daemon)
        #expect(try wire.isUsable(stream: 1))
        let head = try ClientCall(bomb.method, stream: 3, payload: [], timeout: nil).opening
        let request = CallRequest(
            service: bomb.method.service, method: bomb.method.name, payload: bomb.payload, timeout: 0)
        let frame = HostileFrames.frame(1, head[9], 3, bomb.isEnvelope ? bomb.payload : request.encoded())
        _ = gauge.secondsToRest()
        let (before, worked) = (try gauge.resident, gauge.worked)
        try gauge.forgetPeak()
        try wire.send(frame)
        var code: RPCStatus.Code?
        let reply = try seconds { code = try wire.code(of: 3) }
        _ = gauge.secondsToRest()
        let sight = Sight(
            code: code, reply: reply, worked: gauge.worked - worked, growth: try gauge.peak - before)
        #expect(try wire.isUsable(stream: 5), "\(bomb.name): the connection goes on")
        return sight
    }

    @Test func `bombs of messages are refused within 20 ms, for no more memory than their budget`() throws {
        let daemon = try Daemon()
        let gauge = Gauge(daemon)
        let bombs = Self.floods() + Self.shapes() + Self.texts()
        // What the heaps of its threads keep, they keep from here on.
        for bomb in bombs { _ = try Self.send(bomb, to: daemon, gauge) }
        let base = try gauge.atRest()
        var (reply, worked, growth) = ((0.0, ""), (0.0, ""), (0, ""))
        for bomb in bombs {
            // A processor may be somebody else's for a while: once in three times counts.
            var sights: [Sight] = []
            repeat {
                sights.append(try Self.send(bomb, to: daemon, gauge))
            } while sights.count < 3
                && (sights.last?.reply ?? 0 > Self.limit || sights.last?.worked ?? 0 > Self.workLimit)
            let (time, work) = (sights.map(\.reply).min() ?? 0, sights.map(\.worked).min() ?? 0)
            let most = sights.map(\.growth).max() ?? 0
            if time > reply.0 { reply = (time, bomb.name) }
            if work > worked.0 { worked = (work, bomb.name) }
            if most > growth.0 { growth = (most, bomb.name) }
            #expect(sights.allSatisfy { $0.code.map(bomb.codes.contains) ?? false }, "\(bomb.name): \(sights)")
            #expect(time <= Self.limit && work <= Self.workLimit, "\(bomb.name): \(sights)")
            // Reading may take 4 MiB and twice the message; the frame is held twice beside it.
            #expect(most <= (4 << 20) + 5 * bomb.payload.count, "\(bomb.name): \(sights)")
        }
        let now = try gauge.settled(to: base, growth: 4 << 20)
        print(
            """
            row 15: \(bombs.count) bombs: refused at most \(milliseconds(reply.0)) after the last byte (\(reply.1)), \
            \(milliseconds(worked.0)) of a processor (\(worked.1)), \(mebibytes(growth.0)) (\(growth.1)), memory \
            afterwards \(mebibytes(now.resident - base.resident)); \(Machine.description)
            """)
        #expect(now.resident - base.resident <= 4 << 20)
    }

    // MARK: Maps to the client

    /// A zstd frame of blocks of one repeated byte, 128 KiB from four bytes each; the checksum is wrong.
    ///
    /// - Parameters:
    ///   - declared: the size of its content; `nil`: none is declared
    ///   - windowLog: `nil`: the window is the content
    private static func zstd(
        declared: UInt64?, blocks: Int, windowLog: UInt8? = nil, hasChecksum: Bool = true
    ) -> [UInt8] {
        var frame: [UInt8] = [0x28, 0xB5, 0x2F, 0xFD]
        frame.append((declared == nil ? 0 : 0xC0) | (windowLog == nil ? 0x20 : 0) | (hasChecksum ? 0x04 : 0))
        if let windowLog { frame.append((windowLog - 10) << 3) }
        if let declared { frame += (0..<8).map { UInt8(truncatingIfNeeded: declared >> (8 * $0)) } }
        for block in 1...blocks {
            // Whether it is the last, its kind (repeated), its size.
            let head = (block == blocks ? 1 : 0) | 1 << 1 | (128 << 10) << 3
            frame += (0..<3).map { UInt8(truncatingIfNeeded: head >> (8 * $0)) } + [7]
        }
        return frame + (hasChecksum ? [1, 2, 3, 4] : [])
    }

    /// Data that are no map of `pixels` bytes.
    private static func bombs(of pixels: Int) -> [(name: String, data: [UInt8])] {
        let right = zstd(declared: UInt64(pixels), blocks: max(1, pixels >> 17))
        return [
            ("a gigabyte behind the right size", zstd(declared: UInt64(pixels), blocks: 8192)),
            ("a gigabyte, declared", zstd(declared: 1 << 30, blocks: 8192)),
            ("2^62 declared", zstd(declared: 1 << 62, blocks: 1)),
            ("2^64-1 declared", zstd(declared: .max, blocks: 1)),
            ("no size", zstd(declared: nil, blocks: 8192, windowLog: 20)),
            ("a window of 2 GiB", zstd(declared: UInt64(pixels), blocks: 8192, windowLog: 31)),
            ("a window of 16 MiB", zstd(declared: UInt64(pixels), blocks: 8192, windowLog: 24)),
            ("no checksum", zstd(declared: UInt64(pixels), blocks: 8192, hasChecksum: false)),
            ("a wrong checksum", right), ("two frames", right + right),
            ("a frame to skip of 4 GiB", [0x50, 0x2A, 0x4D, 0x18, 0xFF, 0xFF, 0xFF, 0xFF] + right),
        ]
    }

    /// Masks of one colour are a thousand times larger than their data, so that a ratio says nothing: the size that was
    /// asked for is the limit.
    @Test func `bombs of maps take no more memory than the map that was asked for`() throws {
        var (most, slowest) = ((bytes: 0, name: ""), (seconds: 0.0, name: ""))
        for side in [100, 8000] {
            let pixels = side * side
            for (name, data) in Self.bombs(of: pixels) {
                let size = Self.varint(side)
                let map = try ScoreMap(
                    decoding: [0x10] + size + [0x18] + size + [0x20, UInt8(Encoding.u8.rawValue)] + Self.field(8, data))
                let before = try Gauge.own.resident
                try Gauge.own.forgetPeak()
                let time = seconds {
                    let refusal = #expect(throws: RPCStatus.self, "\(name)") { try map.scores() }
                    #expect(refusal?.code == .dataLoss, "\(name)")
                }
                let growth = try Gauge.own.peak - before
                if growth - pixels > most.bytes { most = (growth - pixels, "\(name), \(side) a side") }
                if time > slowest.seconds { slowest = (time, "\(name), \(side) a side") }
                #expect(growth <= pixels + 16 << 20, "\(name): \(growth) bytes for \(pixels)")
            }
        }
        print(
            """
            row 14: \(Self.bombs(of: 1).count) bombs of two sizes: refused within \(milliseconds(slowest.seconds)) \
            (\(slowest.name)), at most \(mebibytes(most.bytes)) over the map's own size (\(most.name)); \
            \(Machine.description)
            """)
    }

    /// A daemon that answers every question about a scene by this mask.
    private static func daemon(masking data: [UInt8]) throws -> StandInDaemon {
        try StandInDaemon { call, connection in
            let trailer = Trailer(
                queueMilliseconds: 0, decodeMilliseconds: 0, autoencoderMilliseconds: 0, textMilliseconds: 0,
                unetMilliseconds: 0, mapsMilliseconds: 0, unetPasses: 0, featuresCached: 0, phrasesCached: 0,
                latentCached: false, answerHash: "", wordsMilliseconds: 0)
            let counts = [0] + varint(192 * 192)
            let mask = [0x08] + varint(192) + [0x10] + varint(192) + field(3, data) + field(4, counts)
            let replies = [
                SegmentReply.header(.aboutBoat(side: 192)).encoded(), field(3, mask),
                SegmentReply.trailer(trailer).encoded(),
            ]
            return try replies.map { try connection.send($0, on: call.stream) } + [connection.finish(call.stream)]
        }
    }

    /// Of `ulimit -d`, in KiB: what the program takes for an honest answer, and 16 MiB.
    private static let room = 48 << 10

    @Test func `the client refuses bombs of masks in sixteen mebibytes`() throws {
        let honest = try IndexMask(
            indices: [UInt8](repeating: 1, count: 192 * 192), width: 192, height: 192, labels: 1)
        func ask(_ data: [UInt8], room: Int) throws -> (status: CInt, output: String) {
            let place = try TemporaryDirectory()
            let daemon = try Self.daemon(masking: data)
            return withExtendedLifetime(daemon) {
                shell(
                    "ulimit -d \(room); '\(Repository.programs)/dseg' mask '\(Repository.scenePath(1))' boat "
                        + "-o '\(place.path)' --socket '\(daemon.socket)'")
            }
        }
        var least = Self.room
        let first = try ask(honest.data, room: least)
        #expect(first.status == 0, "\(first)")
        while try ask(honest.data, room: least - 1024).status == 0 { least -= 1024 }
        let room = least + 16 << 10
        #expect(room <= Self.room + 16 << 10)
        for (name, data) in Self.bombs(of: 192 * 192) {
            let ending = try ask(data, room: room)
            #expect(ending.status == 1 && ending.output.contains("cannot be read"), "\(name): \(ending)")
        }
        print(
            """
            row 14: \(Self.bombs(of: 1).count) bombs of masks are refused by dseg with 16 MiB of data more than the \
            \(least >> 10) MiB that an honest mask takes; \(Machine.description)
            """)
    }
}
