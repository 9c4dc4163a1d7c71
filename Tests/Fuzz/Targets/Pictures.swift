import CImages
@testable import Images
import Limits

extension FuzzTarget {
    /// PNG files: as they are, with the CRCs of their chunks mended, and with their pixels deflated, too, since no
    /// mutation finds a checksum.
    ///
    /// 8 KiB: pictures of some thousand pixels with all kinds of chunks; libpng refuses to keep more than 8 MiB.
    static let png = FuzzTarget(
        name: "png", longest: 8192, mebibytes: 1024,
        words: Pictures.chunks,
        seeds: {
            Fixtures.files(in: "Tests/Fixtures/images", ending: ".png", limit: 4096).flatMap(Pictures.seeds)
        },
        run: { bytes in
            guard let mode = bytes.first else { return }
            Pictures.check(Pictures.file(Array(bytes.dropFirst()), mode: mode % 3))
        })

    /// JPEG files, at most 8 KiB: of progressive and arithmetic coding, too.
    static let jpeg = FuzzTarget(
        name: "jpeg", longest: 8192, mebibytes: 1024,
        words: [
            [0xFF, 0xD8], [0xFF, 0xD9], [0xFF, 0xDA], [0xFF, 0xC0], [0xFF, 0xC2], [0xFF, 0xC9], [0xFF, 0xCA],
        ]
            + ["Exif\0\0", "ICC_PROFILE\0", "Adobe", "JFIF"].map { Array($0.utf8) },
        seeds: { Fixtures.files(in: "Tests/Fixtures/images", ending: ".jpg", limit: 4096) },
        run: { Pictures.check($0) })

    /// WebP files, at most 8 KiB: lossy, lossless, with alpha, animated.
    static let webP = FuzzTarget(
        name: "webp", longest: 8192, mebibytes: 1024,
        words: ["VP8X", "VP8 ", "VP8L", "ALPH", "ANIM", "ANMF", "ICCP", "EXIF", "XMP "].map { Array($0.utf8) },
        seeds: { Fixtures.files(in: "Tests/Fixtures/images", ending: ".webp", limit: 4096) },
        run: { Pictures.check($0) })

    /// EXIF blocks, at most 1 KiB: a directory of eighty entries.
    static let orientation = FuzzTarget(
        name: "orientation", longest: 1024, mebibytes: 1024,
        words: [[0x49, 0x49, 0x2A, 0], [0x4D, 0x4D, 0, 0x2A], [0x01, 0x12], [0x12, 0x01], Orientation.exifPrefix],
        seeds: { [EXIF.block(big: true, at: 8, others: 0, 6), EXIF.block(big: false, at: 12, others: 2, 3)] },
        run: { EXIF.check($0) })
}

enum Pictures {
    /// Larger pictures take longer than they are worth: a decoder's rules are met by small ones.
    private static let mostPixels = 1 << 20

    static func check(_ file: [UInt8]) {
        _ = try? PNGFile.texts(in: file)
        let size: ImageSize
        do throws(ImageError) {
            size = try ImageSize(probing: file)
        } catch {
            require(failure(file) == error, "a header is refused for one reason")
            require(!error.description.isEmpty, "a refusal has words")
            return
        }
        require(size.width > 0 && size.height > 0 && size.frames >= 1, "\(size)")
        require(size.width * size.height <= Limit.pixels, "\(size) is over the limit")
        guard size.width * size.height <= mostPixels else { return }
        require(failure(file, while: { false }) != nil, "a picture that nobody wants is not decoded")
        if let indices = try? IndexImage(decoding: file) {
            require(indices.indices.count == indices.width * indices.height, "each pixel has an index")
        }
        guard let image = try? Image(decoding: file) else { return }
        require(image.width == size.width && image.height == size.height, "the header's size is the picture's")
        isWritten(file)
        comesBack(image)
    }

    private static func failure(_ file: [UInt8], while isWanted: () -> Bool = { true }) -> ImageError? {
        do throws(ImageError) {
            _ = try Image(decoding: file, while: isWanted)
            return nil
        } catch {
            return error
        }
    }

    /// A decoder writes each sample: what lay in the memory before does not show.
    private static func isWritten(_ bytes: [UInt8]) {
        guard let file = try? ImageFile(bytes) else { return require(false, "what is decoded has a header") }
        let decode =
            switch file.format {
            case .png: unsafe dseg_png_pixels
            case .jpeg: unsafe dseg_jpeg_pixels
            case .webP: unsafe dseg_webp_pixels
            }
        let results = [UInt8(0), 0xFF].map { before in
            var header = file.header
            var samples = [UInt8](repeating: before, count: header.width * header.height * header.channels)
            let ending = unsafe withReason { reason in
                unsafe withWatch({ true }) { watch in
                    unsafe decode(file.bytes, file.bytes.count, &header, &samples, watch, reason)
                }
            }
            require(ending.verdict == DSEG_DONE, "what was decoded once is decoded again")
            return samples
        }
        require(results[0] == results[1], "each sample is written")
    }

    /// A picture that is written as a PNG file is read as it was.
    private static func comesBack(_ image: Image) {
        let pixels: PNGFile.Pixels =
            if let alpha = image.alpha {
                .rgba(alpha.indices.flatMap { Array(image.pixels[3 * $0..<3 * $0 + 3]) + [alpha[$0]] })
            } else {
                .rgb(image.pixels)
            }
        let texts = [PNGFile.Text(key: "dseg", value: "{}")]
        let written = PNGFile(
            width: image.width, height: image.height, pixels, colours: image.colours, texts: texts)
        guard let file = try? written.encoded(), let back = try? Image(decoding: file) else {
            return require(false, "what is written is read")
        }
        require(back.pixels == image.pixels && back.alpha == image.alpha, "a picture comes back")
        require(back.colours.chunks == image.colours.chunks, "its colours come back")
        require((try? PNGFile.texts(in: file)) == ["dseg": "{}"], "its text comes back")
    }

    static let chunks: [[UInt8]] = [
        "IHDR", "PLTE", "IDAT", "IEND", "tRNS", "iCCP", "sRGB", "gAMA", "cHRM", "cICP", "eXIf", "acTL", "fcTL", "iTXt",
        "CgBI",
    ].map { Array($0.utf8) }

    /// The PNG file that an input stands for.
    static func file(_ bytes: [UInt8], mode: UInt8) -> [UInt8] {
        mode == 0 ? bytes : mended(bytes, deflating: mode == 2)
    }

    static func seeds(_ file: [UInt8]) -> [[UInt8]] {
        var seeds = [[0] + file, [1] + file]
        if let rows = inflated(file) { seeds.append([2] + rows) }
        return seeds
    }

    /// The chunks of a PNG file with their CRCs right; with the pixels deflated where they were not.
    static func mended(_ file: [UInt8], deflating: Bool) -> [UInt8] {
        PNGChunks.signature
            + PNGChunks(PNGChunks.signature + file.dropFirst(8)).flatMap { chunk in
                let payload = Array(chunk.payload)
                let isPixels = deflating && chunk.type == "IDAT"
                return PNGChunk.bytes(chunk.type, isPixels ? Deflation.packed(payload) ?? [] : payload)
            }
    }

    /// A PNG file of one IDAT with its rows as they are; `nil` of another.
    static func inflated(_ file: [UInt8]) -> [UInt8]? {
        guard PNGChunks(file).count(where: { $0.type == "IDAT" }) == 1 else { return nil }
        return PNGChunks.signature
            + PNGChunks(file).flatMap { chunk in
                PNGChunk.bytes(
                    chunk.type,
                    chunk.type == "IDAT" ? Deflation.unpacked(chunk.payload, most: 4096) : Array(chunk.payload))
            }
    }
}

enum EXIF {
    /// What a block says, it says in each format, and a well-formed one says what was written.
    static func check(_ block: [UInt8]) {
        let found = Orientation(exif: block[...])
        let prefixed = Orientation.exifPrefix + block
        let files: [(file: [UInt8], says: Orientation)] = [
            (png(block), found), (webP(block), found), (jpeg(prefixed), Orientation(exif: prefixed[...])),
        ]
        for (file, says) in files where !file.isEmpty {
            let size = try? ImageSize(probing: file)
            require(size?.orientation == says.rawValue, "\(size as Any) of a block that says \(says)")
        }
        var input = Input(block)
        let (place, others) = (8 + Int(input.byte()), Int(input.byte() % 8))
        let written = input.byte()
        let expected = Orientation(rawValue: written) ?? .upright
        for big in [false, true] {
            require(
                Orientation(exif: Self.block(big: big, at: place, others: others, written)[...]) == expected,
                "\(expected) is read")
        }
    }

    /// A TIFF structure whose directory has `others` entries before the orientation.
    static func block(big: Bool, at place: Int, others: Int, _ orientation: UInt8) -> [UInt8] {
        func number(_ value: Int, _ bytes: Int) -> [UInt8] {
            let digits = (0..<bytes).map { UInt8(truncatingIfNeeded: value >> (8 * $0)) }
            return big ? digits.reversed() : digits
        }
        let entries = (0..<others).flatMap { number(0x0100 + $0, 2) + number(4, 2) + number(1, 4) + number(9, 4) }
        return (big ? [0x4D, 0x4D] : [0x49, 0x49]) + number(42, 2) + number(place, 4)
            + [UInt8](repeating: 0, count: place - 8) + number(others + 1, 2) + entries
            + number(0x0112, 2) + number(3, 2) + number(1, 4) + number(Int(orientation), 2) + [0, 0]
    }

    private static let pngFile = Fixtures.file("Tests/Fixtures/images/exif-6.png")
    private static let webPFile = Fixtures.file("Tests/Fixtures/images/exif-6.webp")
    private static let jpegFile = Fixtures.file("Tests/Fixtures/images/exif-1.jpg")

    private static func png(_ block: [UInt8]) -> [UInt8] {
        PNGChunks.signature
            + PNGChunks(pngFile).flatMap { PNGChunk.bytes($0.type, $0.type == "eXIf" ? block : Array($0.payload)) }
    }

    private static func webP(_ block: [UInt8]) -> [UInt8] {
        func little(_ value: Int) -> [UInt8] { UInt32(value).bigEndianBytes.reversed() }
        let chunks = WebPChunks(webPFile).flatMap { type, payload in
            let content = type == "EXIF" ? block : Array(payload)
            return Array(type.utf8) + little(content.count) + content + [UInt8](repeating: 0, count: content.count % 2)
        }
        return Array("RIFF".utf8) + little(chunks.count + 4) + Array("WEBP".utf8) + chunks
    }

    /// The block as the first segment, before which no other EXIF block comes.
    private static func jpeg(_ block: [UInt8]) -> [UInt8] {
        let length = block.count + 2
        return Array(jpegFile.prefix(2)) + [0xFF, 0xE1, UInt8(length >> 8), UInt8(length & 0xFF)] + block
            + jpegFile.dropFirst(2)
    }
}
