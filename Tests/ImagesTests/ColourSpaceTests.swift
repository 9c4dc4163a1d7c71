import Images
import Support
import Testing

/// What a file says that its colours mean goes on into pictures made of it, and only where it is true of them.
@Suite struct ColourSpaceTests {
    /// The header of an ICC profile (ICC.1, 7.2), its data space as given, and something behind it.
    private static func profile(_ space: String, bytes: Int = 700) -> [UInt8] {
        var profile = (0..<bytes).map { UInt8(truncatingIfNeeded: $0 * $0 / 7) }
        profile.replaceSubrange(12..<24, with: Array("mntr\(space)XYZ ".utf8))
        profile.replaceSubrange(36..<40, with: Array("acsp".utf8))
        return profile
    }

    /// A JPEG fixture with a profile in pieces of `size` bytes, in the order that `order` makes of them.
    private static func jpeg(
        _ name: String, _ profile: [UInt8], size: Int = 300, order: ([[UInt8]]) -> [[UInt8]] = { $0 }
    ) throws -> [UInt8] {
        let starts = Array(stride(from: 0, to: profile.count, by: size))
        let segments = starts.enumerated().map { place, start in
            let piece = profile[start..<min(start + size, profile.count)]
            let payload = Array("ICC_PROFILE\0".utf8) + [UInt8(place + 1), UInt8(starts.count)] + piece
            return [0xFF, 0xE2, UInt8((payload.count + 2) >> 8), UInt8((payload.count + 2) & 0xFF)] + payload
        }
        var bytes = try Fixture.bytes("images/\(name)")
        bytes.insert(contentsOf: order(segments).joined(), at: 2)
        return bytes
    }

    private static func png(_ name: String, _ chunks: [UInt8]) throws -> [UInt8] {
        var bytes = try Fixture.bytes("images/\(name)")
        bytes.insert(contentsOf: chunks, at: PNGBytes.behindHeader)
        return bytes
    }

    /// The chunks of a PNG file between its header and its pixels, each whole.
    private static func chunks(_ bytes: [UInt8]) -> [[UInt8]] {
        var (chunks, at): ([[UInt8]], Int) = ([], PNGBytes.behindHeader)
        while !bytes[(at + 4)...].starts(with: Array("IDAT".utf8)) {
            let length = bytes[at..<at + 4].reduce(0) { $0 << 8 | Int($1) }
            chunks.append(Array(bytes[at..<at + 12 + length]))
            at += 12 + length
        }
        return chunks
    }

    private static func file(of image: Image) throws -> [UInt8] {
        try PNGFile(
            width: image.width, height: image.height, .rgb(image.pixels), colours: image.colours, texts: []
        ).encoded()
    }

    /// What a picture made of this one says of its colours.
    private static func stated(by image: Image) throws -> [[UInt8]] {
        let bytes = try file(of: image)
        let read = try Image(decoding: bytes)
        #expect(read.pixels == image.pixels)
        #expect(try file(of: read) == bytes)
        #expect(try file(of: image.withPackedColours) == bytes)
        return chunks(bytes)
    }

    @Test func `a profile of RGB goes on from JPEG, however it is cut in pieces`() throws {
        let profile = Self.profile("RGB ")
        let whole = try Image(decoding: Self.jpeg("sampling-444.jpg", profile, size: 60_000))
        #expect(try Self.stated(by: whole).map { Array($0[4..<8]) } == [Array("iCCP".utf8)])
        let pieces = try Image(decoding: Self.jpeg("sampling-444.jpg", profile) { $0.reversed() })
        #expect(pieces == whole)
        let turned = try Image(decoding: Self.jpeg("exif-6.jpg", profile))
        #expect(turned.colours == whole.colours)
        let other = try Image(decoding: Self.jpeg("sampling-444.jpg", Self.profile("RGB ", bytes: 701)))
        #expect(other.colours != whole.colours)
    }

    /// make_images.py wrote littleCMS's sRGB profile into profile.webp, whose chunk ICCP is the first behind VP8X.
    @Test func `a profile goes on from WebP as from JPEG`() throws {
        let bytes = try Fixture.bytes("images/profile.webp")
        let at = try #require(bytes.first(Array("ICCP".utf8)))
        let length = Int(bytes[at + 4]) | Int(bytes[at + 5]) << 8
        let profile = Array(bytes[at + 8..<at + 8 + length])
        let (webP, jpeg) = (try Image(decoding: bytes), try Image(decoding: Self.jpeg("progressive.jpg", profile)))
        #expect(webP.colours == jpeg.colours && webP.colours != .unstated)
    }

    @Test(arguments: ["rgb-8.png", "rgba-16.png", "palette-4.png", "palette-trns-8.png"])
    func `what a PNG says goes on as it stands`(name: String) throws {
        let plain = try Image(decoding: Fixture.bytes("images/\(name)"))
        #expect(plain.colours == .unstated)
        let profile = try Self.stated(by: Image(decoding: Self.jpeg("sampling-444.jpg", Self.profile("RGB "))))[0]
        let all = [
            profile, PNGBytes.chunk("gAMA", [0, 0, 0xB1, 0x8F]), PNGBytes.chunk("sRGB", [1]),
            PNGBytes.chunk("cHRM", (0..<32).map { UInt8($0) }), PNGBytes.chunk("cICP", [12, 13, 0, 1]),
        ]
        #expect(try Self.stated(by: Image(decoding: Self.png(name, Array(all.joined())))) == all)
        for chunk in all { #expect(try Self.stated(by: Image(decoding: Self.png(name, chunk + chunk))) == [chunk]) }
    }

    @Test func `a chunk that is broken, or stands behind the pixels, says nothing`() throws {
        var broken = PNGBytes.chunk("gAMA", [0, 0, 0xB1, 0x8F])
        broken[9] ^= 1
        #expect(try Image(decoding: Self.png("rgb-8.png", broken)).colours == .unstated)
        let bytes = try Fixture.bytes("images/rgb-8.png")
        let late = bytes.dropLast(12) + PNGBytes.chunk("gAMA", [0, 0, 0xB1, 0x8F]) + bytes.suffix(12)
        #expect(try Image(decoding: Array(late)).colours == .unstated)
        #expect(try Image(decoding: Fixture.bytes("images/gamma-profile.png")).colours != .unstated)
    }

    @Test func `a profile of other data says nothing of RGB`() throws {
        for space in ["CMYK", "GRAY", "Lab "] {
            for name in ["cmyk.jpg", "ycck.jpg", "grey.jpg", "sampling-444.jpg"] {
                #expect(try Image(decoding: Self.jpeg(name, Self.profile(space))).colours == .unstated)
            }
        }
        for name in ["cmyk.jpg", "ycck.jpg", "grey.jpg"] {
            #expect(try Image(decoding: Self.jpeg(name, Self.profile("RGB "))).colours == .unstated)
        }
        let profile = try Self.stated(by: Image(decoding: Self.jpeg("sampling-444.jpg", Self.profile("RGB "))))[0]
        let gamma = PNGBytes.chunk("gAMA", [0, 0, 0xB1, 0x8F])
        for name in ["grey-8.png", "grey-alpha-8.png"] {
            #expect(try Self.stated(by: Image(decoding: Self.png(name, profile + gamma))) == [gamma])
        }
        let nonsense = PNGBytes.chunk("iCCP", Array("name\0\0".utf8) + [1, 2, 3])
        #expect(try Image(decoding: Self.png("rgb-8.png", nonsense)).colours == .unstated)
    }

    @Test func `a profile that is not whole says nothing`() throws {
        let profile = Self.profile("RGB ")
        let lacking = try Self.jpeg("sampling-444.jpg", profile) { Array($0.dropLast()) }
        #expect(try Image(decoding: lacking).colours == .unstated)
        for count in [0, 16, 127] {
            let short = try Self.jpeg("sampling-444.jpg", Array(profile.prefix(count)))
            #expect(try Image(decoding: short).colours == .unstated)
        }
        let huge = try Self.jpeg("sampling-444.jpg", Self.profile("RGB ", bytes: 5 << 20), size: 60_000)
        #expect(try Image(decoding: huge).colours == .unstated)
    }
}
