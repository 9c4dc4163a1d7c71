import Foundation
import RPC
import Support
import Testing

/// Small files that ask for much: each is refused, or read as what it is, in no time, and the daemon goes on.
@Suite(.serialized, .enabled(if: ProcessInfo.processInfo.environment["DSEG_TRUST"] != nil))
struct PictureBombTests {
    private static let limit = 0.05

    /// A file, and whether it is a picture.
    private struct Bomb {
        let name: String
        let bytes: [UInt8]
        var isPicture = false
    }

    private static func fixture(_ name: String) throws -> [UInt8] {
        try Repository.bytes("\(Repository.root)/Tests/Fixtures/images/\(name)")
    }

    private static func bigEndian(_ value: Int, bytes: Int = 4) -> [UInt8] {
        (0..<bytes).map { UInt8(truncatingIfNeeded: value >> (8 * (bytes - 1 - $0))) }
    }

    /// A zlib stream of zeros, 159 bytes to a byte: after a literal zero it repeats the last byte 258 times, and again.
    ///
    /// - Parameter bytes: of the stream, about
    private static func zeros(_ bytes: Int) -> [UInt8] {
        var bits = 0
        var count = 0
        var stream: [UInt8] = [0x78, 0x01]
        func put(_ code: Int, _ length: Int) {
            // Huffman codes stand with their first bit first, the others with their last.
            for place in (0..<length).reversed() {
                bits |= (code >> place & 1) << count
                count += 1
                if count == 8 {
                    stream.append(UInt8(bits))
                    (bits, count) = (0, 0)
                }
            }
        }
        // The last block, with fixed codes; then 0x00, and the length 258 (code 285) at the distance 1.
        put(0b110, 3)
        put(0b0011_0000, 8)
        for _ in 0..<16 {
            put(0b1100_0101, 8)
            put(0, 5)
        }
        // Eight repetitions are thirteen bytes.
        let cycle = Array(stream.suffix(13))
        while stream.count < bytes { stream += cycle }
        return stream
    }

    /// - Parameters:
    ///   - colours: as IHDR says
    ///   - chunks: behind IHDR
    private static func png(
        _ width: Int, _ height: Int, depth: UInt8 = 8, colours: UInt8 = 2, interlaced: Bool = false, _ chunks: [[UInt8]]
    ) -> [UInt8] {
        let header = bigEndian(width) + bigEndian(height) + [depth, colours, 0, 0, interlaced ? 1 : 0]
        return [0x89, 0x50, 0x4E, 0x47, 0x0D, 0x0A, 0x1A, 0x0A] + PNGBytes.chunk("IHDR", header)
            + chunks.flatMap { $0 } + PNGBytes.chunk("IEND")
    }

    /// The pixels of the fixture rgb-8.png, and what stands before them.
    private static func rgb(behind chunks: [[UInt8]]) throws -> [UInt8] {
        var file = try fixture("rgb-8.png")
        file.insert(contentsOf: chunks.flatMap { $0 }, at: PNGBytes.behindHeader)
        return file
    }

    private static func pngs() throws -> [Bomb] {
        let zeros = zeros(1 << 20)
        let pixel = PNGBytes.chunk("IDAT", zeros)
        let few = PNGBytes.chunk("IDAT", Array(zeros.prefix(60)))
        let text = PNGBytes.chunk("zTXt", Array("key\0\0".utf8) + zeros)
        let animation = PNGBytes.chunk("acTL", bigEndian(0x7FFF_FFFF) + bigEndian(0))
        let control = PNGBytes.chunk(
            "fcTL", bigEndian(0) + bigEndian(0x7FFF_FFFF) + bigEndian(0x7FFF_FFFF) + [UInt8](repeating: 0, count: 14))
        return [
            Bomb(name: "2^31-1 squared", bytes: png(0x7FFF_FFFF, 0x7FFF_FFFF, [few])),
            Bomb(name: "2^31-1 wide", bytes: png(0x7FFF_FFFF, 1, [few])),
            Bomb(name: "2^31-1 high, interlaced", bytes: png(1, 0x7FFF_FFFF, interlaced: true, [few])),
            Bomb(name: "64 MP and a pixel", bytes: png(64_000_001, 1, [few])),
            Bomb(name: "no pixels", bytes: png(0, 0, [few])),
            Bomb(name: "1 MP of 16 bits in 100 bytes", bytes: png(1000, 1000, depth: 16, colours: 6, [few])),
            Bomb(
                name: "the same, interlaced",
                bytes: png(1000, 1000, depth: 16, colours: 6, interlaced: true, [few])),
            Bomb(name: "64 MP in 100 bytes", bytes: png(8000, 8000, [few])),
            Bomb(name: "64 MP of 16 bits, interlaced", bytes: png(8000, 8000, depth: 16, interlaced: true, [few])),
            Bomb(name: "a pixel and 160 MB behind it", bytes: png(1, 1, [pixel]), isPicture: true),
            Bomb(name: "the same, interlaced", bytes: png(1, 1, interlaced: true, [pixel]), isPicture: true),
            Bomb(
                name: "iCCP of 160 MB",
                bytes: try rgb(behind: [PNGBytes.chunk("iCCP", Array("p\0\0".utf8) + zeros)]), isPicture: true),
            Bomb(name: "zTXt of 160 MB", bytes: try rgb(behind: [text]), isPicture: true),
            Bomb(name: "eight zTXt", bytes: try rgb(behind: Array(repeating: text, count: 8)), isPicture: true),
            Bomb(
                name: "iTXt of 160 MB",
                bytes: try rgb(behind: [PNGBytes.chunk("iTXt", Array("key\0\u{1}\0\0\0".utf8) + zeros)]),
                isPicture: true),
            Bomb(
                name: "2^31-1 frames",
                bytes: try rgb(behind: [animation, control]), isPicture: true),
            Bomb(
                name: "2^31-1 frames of 160 MB",
                bytes: try rgb(behind: [animation, control, PNGBytes.chunk("fdAT", bigEndian(1) + zeros)]),
                isPicture: true),
            Bomb(
                name: "a chunk of 2^31-1 bytes",
                bytes: try rgb(behind: [bigEndian(0x7FFF_FFFF) + Array("zTXtkey\0\0".utf8)])),
            Bomb(
                name: "30,000 empty IDAT",
                bytes: png(1, 1, Array(repeating: PNGBytes.chunk("IDAT"), count: 30_000))),
            Bomb(
                name: "30,000 text chunks",
                bytes: try rgb(behind: Array(repeating: PNGBytes.chunk("tEXt", Array("a\0b".utf8)), count: 30_000)),
                isPicture: true),
        ]
    }

    private static func jpegs() throws -> [Bomb] {
        let plain = try fixture("sampling-444.jpg")
        let progressive = try fixture("progressive.jpg")
        func sized(_ file: [UInt8], _ marker: UInt8, _ width: Int, _ height: Int) -> [UInt8] {
            var file = file
            let frame = file.indices.first { file[$0...].starts(with: [0xFF, marker]) } ?? 0
            file.replaceSubrange(frame + 5..<frame + 9, with: bigEndian(height, bytes: 2) + bigEndian(width, bytes: 2))
            return file
        }
        func behindStart(_ segments: [UInt8]) -> [UInt8] { plain.prefix(2) + segments + plain.dropFirst(2) }
        let scan = progressive.indices.last { progressive[$0...].starts(with: [0xFF, 0xDA]) } ?? 0
        let scans = Array(repeating: Array(progressive[scan...].dropLast(2)), count: 4000).flatMap { $0 }
        let large = [0xFF, 0xED, 0xFF, 0xFF] + [UInt8](repeating: 0, count: 0xFFFD)
        // An IFD whose next one is itself.
        let circle: [UInt8] = [0x49, 0x49, 42, 0, 8, 0, 0, 0, 0, 0, 8, 0, 0, 0]
        let exif = Array("Exif\0\0".utf8) + circle
        return [
            Bomb(name: "JPEG of 65,500 squared", bytes: sized(plain, 0xC0, 65_500, 65_500)),
            Bomb(name: "JPEG of 64 MP in few bytes", bytes: sized(plain, 0xC0, 8000, 8000)),
            Bomb(
                name: "JPEG of 64 MP in 4,000 scans",
                bytes: sized(progressive.dropLast(2) + scans + [0xFF, 0xD9], 0xC2, 8000, 8000)),
            Bomb(
                name: "JPEG behind 8 MB of segments", bytes: behindStart((0..<128).flatMap { _ in large }),
                isPicture: true),
            Bomb(
                name: "JPEG whose EXIF leads in a circle",
                bytes: behindStart([0xFF, 0xE1] + bigEndian(exif.count + 2, bytes: 2) + exif), isPicture: true),
            Bomb(
                name: "JPEG of nothing but tables",
                bytes: [0xFF, 0xD8] + (0..<60_000).flatMap { _ in [0xFF, 0xC4, 0, 2] as [UInt8] }),
        ]
    }

    private static func webPs() throws -> [Bomb] {
        func file(_ chunks: [UInt8]) -> [UInt8] {
            let body = Array("WEBP".utf8) + chunks
            return Array("RIFF".utf8) + bigEndian(body.count).reversed() + body
        }
        func lossless(_ width: Int, _ height: Int) -> [UInt8] {
            let size = bigEndian((width - 1) | (height - 1) << 14).reversed()
            return file(Array("VP8L".utf8) + [30, 0, 0, 0, 0x2F] + size + [UInt8](repeating: 0x88, count: 25))
        }
        var canvas = try fixture("animated-corner.webp")
        canvas.replaceSubrange(24..<30, with: [0xFF, 0x3F, 0, 0xFF, 0x3F, 0])
        let profile = try fixture("profile.webp")
        let many = (0..<30_000).flatMap { _ in Array("EXIF\0\0\0\0".utf8) }
        return [
            Bomb(name: "WebP of 16,384 squared", bytes: lossless(16_384, 16_384)),
            Bomb(name: "WebP canvas of 16,384 squared", bytes: canvas),
            Bomb(
                name: "WebP of 4 GiB chunks",
                bytes: Array(profile.prefix(30)) + Array("ICCP".utf8) + [255, 255, 255, 255]),
            Bomb(name: "WebP of 30,000 chunks", bytes: profile + many, isPicture: true),
        ]
    }

    /// Uploads a file; returns the seconds from its end to the answer, and what that is.
    private static func look(_ file: [UInt8], at path: String) throws -> (seconds: Double, code: RPCStatus.Code?) {
        let wire = try Wire(to: path, keeping: nil)
        try wire.open(.look, stream: 1, [])
        for start in stride(from: 0, to: file.count, by: 1_000_000) {
            let piece = LookRequest(data: Array(file[start..<min(start + 1_000_000, file.count)]))
            try wire.send(try Frame(.data, stream: 1, flags: [], payload: piece.encoded()).encoded())
        }
        var code: RPCStatus.Code?
        let time = try seconds {
            try wire.send(Frame.end(of: 1).encoded())
            code = try wire.code(of: 1)
        }
        return (time, code)
    }

    @Test func `bombs of pictures are refused, or read as what they are, within 50 ms`() throws {
        let daemon = try Daemon()
        let gauge = Gauge(daemon)
        let bombs = try Self.pngs() + Self.jpegs() + Self.webPs()
        _ = try gauge.atRest()
        let base = try Holdings(daemon, daemon.client()).resident
        var slowest = (seconds: 0.0, name: "")
        for bomb in bombs {
            // Of three the least: a processor may be somebody else's for a while.
            let looks = try (0..<3).map { _ in try Self.look(bomb.bytes, at: daemon.socket) }
            #expect(looks.allSatisfy { $0.code == (bomb.isPicture ? .ok : .invalidArgument) }, "\(bomb.name): \(looks)")
            let time = looks.map(\.seconds).min() ?? 0
            if time > slowest.seconds { slowest = (time, bomb.name) }
            #expect(time <= Self.limit, "\(bomb.name): \(milliseconds(time))")
        }
        _ = try gauge.atRest()
        let growth = try Holdings(daemon, daemon.client()).resident - base
        print(
            """
            row 13: \(bombs.count) bombs, the slowest \(slowest.name) with \(milliseconds(slowest.seconds)), memory \
            \(mebibytes(growth)); \(Machine.description)
            """)
        #expect(growth <= 32 << 20)
    }

    /// A damaged header may state a large picture, whose decoding is legal: those that state more than a megapixel may
    /// take as long as such a picture takes.
    @Test func `ten thousand damaged pictures are refused or read within 50 ms, and end nothing`() throws {
        let folder = "\(Repository.root)/Tests/Fixtures/images"
        let names = try FileManager.default.contentsOfDirectory(atPath: folder).sorted()
        let files = try names.filter { name in [".png", ".jpg", ".webp"].contains { name.hasSuffix($0) } }
            .map { try Self.fixture($0) }
        let daemon = try Daemon()
        let gauge = Gauge(daemon)
        var random = SeededGenerator(seed: 81)
        let base = try gauge.atRest()
        var codes: [RPCStatus.Code: Int] = [:]
        var times: [Double] = []
        for number in 0..<10_000 {
            let file = files[number % files.count]
            let damaged =
                number % 10 == 0
                ? Array(file.prefix(Int.random(in: 1..<file.count, using: &random)))
                : random.damaged(file, joining: files)
            let (time, code) = try Self.look(damaged, at: daemon.socket)
            codes[code ?? .unknown, default: 0] += 1
            times.append(time)
        }
        #expect(daemon.answers && !daemon.child.hasEnded)
        let now = try gauge.settled(to: base, growth: 64 << 20)
        print(
            """
            row 13: 10,000 damaged pictures: \(codes.map { "\($1) \($0)" }.sorted().joined(separator: ", ")), \
            answered after \(milliseconds(times.median)), p99 \(milliseconds(times.percentile(0.99))), at most \
            \(milliseconds(times.max() ?? 0)), memory \(mebibytes(now.resident - base.resident)); \
            \(Machine.description)
            """)
        #expect(Set(codes.keys).isSubset(of: [.ok, .invalidArgument, .resourceExhausted]))
        #expect(codes[.ok, default: 0] > 500 && codes[.invalidArgument, default: 0] > 500, "too wild or too tame")
        #expect(times.filter { $0 > Self.limit }.count <= 2, "\(times.filter { $0 > Self.limit })")
        #expect(now.descriptors <= base.descriptors)
    }
}
