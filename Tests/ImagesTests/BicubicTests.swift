import Images
import Support
import Testing

/// A picture as make_images.py draws it.
private func drawn(_ seed: Int, width: Int, height: Int, isHard: Bool = false) -> Image {
    var random = SeededGenerator(seed: UInt64(seed))
    let pixels = (0..<width * height * 3).map { _ in
        let sample = UInt8(truncatingIfNeeded: random.next())
        return isHard ? (sample & 1) * 255 : sample
    }
    return Image(width: width, height: height, pixels: pixels, alpha: nil)
}

/// The definition: one axis at a time, the weights of each output normalised in doubles, rounded to multiples of 2^-22,
/// the sum rounded to eight bits.
private enum Definition {
    /// Rows of `count` pixels are resized to `outCount`.
    private static func alongRows(_ pixels: [UInt8], _ count: Int, to outCount: Int) -> [UInt8] {
        let scale = Double(count) / Double(outCount)
        let stretch = max(scale, 1)
        let outputs = (0..<outCount).map { out in
            let centre = (Double(out) + 0.5) * scale
            let first = max(Int(centre - 2 * stretch + 0.5), 0)
            let weights = (first..<min(Int(centre + 2 * stretch + 0.5), count)).map { i in
                cubic((Double(i) - centre + 0.5) * (1 / stretch))
            }
            let sum = weights.reduce(0, +)
            return (first, weights.map { Int(($0 / sum * 4_194_304).rounded(.toNearestOrAwayFromZero)) })
        }
        return stride(from: 0, to: pixels.count, by: 3 * count).flatMap { row in
            outputs.flatMap { first, coefficients in
                (0..<3).map { c in
                    let sum = coefficients.enumerated().reduce(2_097_152) { sum, tap in
                        sum + tap.element * Int(pixels[row + 3 * (first + tap.offset) + c])
                    }
                    return UInt8(clamping: sum >> 22)
                }
            }
        }
    }

    private static func cubic(_ x: Double) -> Double {
        let x = x.magnitude
        if x < 1 { return (1.5 * x - 2.5) * x * x + 1 }
        return x < 2 ? (((x - 5) * x + 8) * x - 4) * -0.5 : 0
    }

    private static func transposed(_ pixels: [UInt8], width: Int) -> [UInt8] {
        let starts = (0..<width).flatMap { x in stride(from: 3 * x, to: pixels.count, by: 3 * width) }
        return starts.flatMap { pixels[$0..<$0 + 3] }
    }

    static func resized(_ image: Image, width: Int, height: Int) -> [UInt8] {
        func columns(_ pixels: [UInt8], width: Int) -> [UInt8] {
            let turned = alongRows(transposed(pixels, width: width), image.height, to: height)
            return transposed(turned, width: height)
        }
        let lost = (across: image.width - width, down: image.height - height)
        if lost.down > 0 && lost.down > 2 * lost.across {
            return alongRows(columns(image.pixels, width: image.width), image.width, to: width)
        }
        return columns(alongRows(image.pixels, image.width, to: width), width: width)
    }

    /// A window of `[height, width, 3]`.
    static func window(_ pixels: [UInt8], width: Int, rows: Range<Int>, columns: Range<Int>) -> [UInt8] {
        rows.flatMap { y in
            let row = pixels[3 * width * y..<3 * width * (y + 1)]
            return row.dropFirst(3 * columns.lowerBound).prefix(3 * columns.count)
        }
    }
}

@Suite struct BicubicTests {
    @Test(arguments: [false, true])
    func `every small size becomes every small size, as defined`(isHard: Bool) {
        let sizes = [1, 2, 3, 7, 17, 40]
        for width in sizes {
            for height in sizes {
                let image = drawn(width * 100 + height, width: width, height: height, isHard: isHard)
                for outWidth in [1, 2, 7, 19] {
                    for outHeight in [1, 3, 23] {
                        let expected = Definition.resized(image, width: outWidth, height: outHeight)
                        let found = image.bicubic(width: outWidth, height: outHeight)
                        #expect(found == expected, "\(width) x \(height) to \(outWidth) x \(outHeight)")
                    }
                }
            }
        }
    }

    @Test func `Pillow's bytes are met`() throws {
        let file = try Fixture.bytes("images/bicubic.u32")
        let numbers = stride(from: 0, to: file.count, by: 4).map { Fixture.int32(file, at: $0) }
        let cases = stride(from: 0, to: numbers.count, by: 10).map { Array(numbers[$0..<$0 + 10]) }
        #expect(cases.count == 70)
        for (number, sizes) in cases.enumerated() {
            let image = drawn(number, width: sizes[1], height: sizes[2], isHard: sizes[0] == 1)
            let window = image.bicubic(
                width: sizes[3], height: sizes[4], rows: sizes[6]..<sizes[6] + sizes[8],
                columns: sizes[5]..<sizes[5] + sizes[7])
            #expect(window.map(PNGBytes.crc) == UInt32(sizes[9]), "\(sizes)")
        }
    }

    @Test(arguments: [(37, 23, 16, 11), (9, 60, 30, 12), (60, 9, 25, 70), (12, 90, 12, 31), (5, 5, 5, 5)])
    func `a window is what it is in the whole`(width: Int, height: Int, outWidth: Int, outHeight: Int) throws {
        let image = drawn(3, width: width, height: height)
        let whole = try #require(image.bicubic(width: outWidth, height: outHeight))
        for rows in [0..<1, outHeight - 1..<outHeight, 2..<outHeight - 1, 0..<outHeight] {
            for columns in [0..<1, outWidth - 1..<outWidth, 1..<outWidth - 2, 0..<outWidth] {
                let expected = Definition.window(whole, width: outWidth, rows: rows, columns: columns)
                let found = image.bicubic(width: outWidth, height: outHeight, rows: rows, columns: columns)
                #expect(found == expected, "\(rows), \(columns)")
            }
        }
    }

    /// The whole would have a thousand million pixels. Far from the ends, each of 224 rows lies between the same two.
    @Test func `a window of a resized picture that is too large to be made is made`() throws {
        let image = drawn(4, width: 1, height: 20_000)
        let rows = 2_239_888..<2_240_112
        let window = try #require(image.bicubic(width: 224, height: 4_480_000, rows: rows, columns: 0..<224))
        let part = Image(width: 1, height: 200, pixels: Array(image.pixels[9900 * 3..<10_100 * 3]), alpha: nil)
        let near = try #require(part.bicubic(width: 224, height: 44_800, rows: 22_288..<22_512))
        #expect(window == near && window.count == 224 * 224 * 3)
    }

    @Test func `a picture of its own size is itself, and one colour stays that colour`() {
        let image = drawn(5, width: 31, height: 12)
        #expect(image.bicubic(width: 31, height: 12) == image.pixels)
        for colour: [UInt8] in [[0, 0, 0], [255, 255, 255], [3, 90, 254], [128, 1, 127]] {
            for (width, height) in [(1, 1), (2, 300), (300, 2), (101, 63)] {
                let pixels = [[UInt8]](repeating: colour, count: width * height).joined()
                let plain = Image(width: width, height: height, pixels: Array(pixels), alpha: nil)
                for (outWidth, outHeight) in [(1, 1), (20, 20), (63, 7), (7, 163)] {
                    let found = plain.bicubic(width: outWidth, height: outHeight)
                    #expect(found == Array([[UInt8]](repeating: colour, count: outWidth * outHeight).joined()))
                }
            }
        }
    }

    @Test func `what is transparent is white`() {
        let opaque = drawn(6, width: 20, height: 15)
        let alpha = (0..<300).map { UInt8($0 % 256) }
        let image = Image(width: 20, height: 15, pixels: opaque.pixels, alpha: alpha)
        let seen = Image(width: 20, height: 15, pixels: image.seen, alpha: nil)
        #expect(image.bicubic(width: 9, height: 9) == seen.bicubic(width: 9, height: 9))
        #expect(image.bicubic(width: 9, height: 9) != opaque.bicubic(width: 9, height: 9))
    }

    @Test(arguments: [(2000, 1500), (500, 6000), (6000, 500)])
    func `a resize ends wherever the word arrives`(width: Int, height: Int) {
        let pixels = [UInt8](repeating: 7, count: width * height * 3)
        let image = Image(width: width, height: height, pixels: pixels, alpha: nil)
        for limit in [1, 2, 7, 20] {
            var questions = 0
            let resized = image.bicubic(width: 224, height: 224) {
                questions += 1
                return questions < limit
            }
            #expect(resized == nil && questions == limit)
        }
    }
}
