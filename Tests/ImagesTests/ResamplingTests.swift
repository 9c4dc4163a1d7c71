import Images
import Support
import Testing

/// Samples that differ from their neighbours'.
private func drawn(width: Int, height: Int) -> Image {
    var random = SeededGenerator(seed: 11)
    let pixels = (0..<width * height * 3).map { _ in UInt8(truncatingIfNeeded: random.next()) }
    return Image(width: width, height: height, pixels: pixels, alpha: nil)
}

@Suite struct BilinearTests {
    /// The formula in f64, one output at a time.
    private static func reference(
        _ map: [Float], width: Int, height: Int, channels: Int, to size: (width: Int, height: Int)
    ) -> [Double] {
        func taps(_ out: Int, _ count: Int, _ outCount: Int) -> (Int, Int, Double) {
            let position = max((Double(out) + 0.5) * Double(count) / Double(outCount) - 0.5, 0)
            let first = min(Int(position), count - 1)
            return (first, min(first + 1, count - 1), min(position - Double(first), 1))
        }
        var out: [Double] = []
        for row in 0..<size.height {
            let (y0, y1, v) = taps(row, height, size.height)
            for column in 0..<size.width {
                let (x0, x1, u) = taps(column, width, size.width)
                for c in 0..<channels {
                    func at(_ y: Int, _ x: Int) -> Double {
                        Double(map[(y * width + x) * channels + c])
                    }
                    let upper = at(y0, x0) * (1 - u) + at(y0, x1) * u
                    let lower = at(y1, x0) * (1 - u) + at(y1, x1) * u
                    out.append(upper * (1 - v) + lower * v)
                }
            }
        }
        return out
    }

    private static func resized(
        _ map: [Float], width: Int, height: Int, channels: Int, to size: (width: Int, height: Int)
    ) -> [Float] {
        var out = [Float](repeating: .nan, count: size.width * size.height * channels)
        unsafe Bilinear.resize(
            map, width: width, height: height, channels: channels, to: size, into: &out)
        return out
    }

    /// Two roundings of the weights and three of the sum, each half an ulp of 1.
    private static let limit: Float = 4e-7

    @Test(arguments: [1, 3, 4])
    func `every small size becomes every small size`(channels: Int) {
        var random = SeededGenerator(seed: 7)
        let sizes = [1, 2, 3, 5, 8]
        for height in sizes {
            for width in sizes {
                let map = (0..<height * width * channels).map { _ in
                    Float.random(in: 0...1, using: &random)
                }
                for outHeight in sizes {
                    for outWidth in [1, 2, 4, 7] {
                        let size = (width: outWidth, height: outHeight)
                        let out = Self.resized(
                            map, width: width, height: height, channels: channels, to: size)
                        let expected = Self.reference(
                            map, width: width, height: height, channels: channels, to: size)
                        let errors = zip(out, expected).map { abs(Double($0) - $1) }
                        #expect((errors.max() ?? .infinity) <= Double(Self.limit))
                    }
                }
            }
        }
    }

    @Test func `a map resized to its own size is the map`() {
        let map = (0..<6 * 5 * 2).map { Float($0) / 7 }
        let size = (width: 6, height: 5)
        #expect(Self.resized(map, width: 6, height: 5, channels: 2, to: size) == map)
    }

    @Test func `a constant map stays constant to the bit`() {
        let map = [Float](repeating: 0.3, count: 21)
        let out = Self.resized(map, width: 7, height: 3, channels: 1, to: (width: 64, height: 50))
        #expect(out.allSatisfy { abs($0 - 0.3) <= Float(0.3).ulp })
    }

    @Test func `PyTorch's answers are met`() throws {
        let file = try Fixture.bytes("images/resize.f32")
        var at = 0
        var cases = 0
        while at < file.count {
            let numbers = (0..<5).map { Fixture.int32(file, at: at + 4 * $0) }
            let (height, width, channels) = (numbers[0], numbers[1], numbers[2])
            let size = (width: numbers[4], height: numbers[3])
            let mapEnd = at + 20 + 4 * height * width * channels
            let outEnd = mapEnd + 4 * size.width * size.height * channels
            let map = Fixture.floats(file[at + 20..<mapEnd])
            let expected = Fixture.floats(file[mapEnd..<outEnd])
            let out = Self.resized(map, width: width, height: height, channels: channels, to: size)
            let errors = zip(out, expected).map { abs($0 - $1) }
            #expect((errors.max() ?? .infinity) <= Self.limit, "\(numbers)")
            at = outEnd
            cases += 1
        }
        #expect(cases == 9)
    }

    @Test(arguments: [(190, 150), (17, 3), (1, 1), (20_000, 1), (1, 20_000)])
    func `a picture is resized as a map of its samples`(width: Int, height: Int) {
        let image = drawn(width: width, height: height)
        let map = image.pixels.map { Float($0) / 255 }
        for size in [(width: 24, height: 16), (width: 1, height: 40), (width: 33, height: 1)] {
            let expected = Self.resized(map, width: width, height: height, channels: 3, to: size)
            #expect(image.resized(width: size.width, height: size.height, by: .bilinear) == expected)
        }
    }

    @Test func `a square is what PyTorch makes of Pillow's pixels`() throws {
        let expected = Fixture.floats(try Fixture.bytes("images/square.f32"))
        let names = ["exif-6.jpg", "rgb-8.png", "one.png"]
        for (i, name) in names.enumerated() {
            let square = try Image(decoding: Fixture.bytes("images/\(name)")).resized(
                width: 16, height: 16, by: .bilinear)
            #expect(square.count == 768)
            // A JPEG sample may be one off.
            let limit: Float = name.hasSuffix(".jpg") ? 1.01 / 255 : Self.limit
            let errors = zip(square, expected[(768 * i)...]).map { abs($0 - $1) }
            #expect((errors.max() ?? .infinity) <= limit)
        }
    }

    @Test(arguments: ["tiny", "tiny-odd"])
    func `the golden square is met`(checkpoint: String) throws {
        let folder = "\(checkpoint)/golden"
        let rgb = try GoldenTensor("rgb", in: "\(folder)/resize.safetensors")
        let golden = try GoldenTensor("square", in: "\(folder)/resize.safetensors")
        let image = try Image(decoding: Fixture.bytes("\(folder)/image.png"))
        try #require(image.width == rgb.width && image.height == rgb.height)
        let side = golden.height
        let square = image.resized(width: side, height: side, by: .bilinear)
        var (decoding, resizing): (Float, Float) = (0, 0)
        for channel in 0..<3 {
            for y in 0..<image.height {
                for x in 0..<image.width {
                    let sample = Float(image.pixels[(y * image.width + x) * 3 + channel]) / 255
                    decoding = max(decoding, abs(sample - rgb(channel, y, x)))
                }
            }
            for y in 0..<side {
                for x in 0..<side {
                    let value = square[(y * side + x) * 3 + channel]
                    resizing = max(resizing, abs(value - golden(channel, y, x)))
                }
            }
        }
        #expect(decoding == 0)
        #expect(resizing < 1e-6)
    }
}

@Suite struct NearestTests {
    /// PyTorch's choice along one axis: of `length` samples `choice[i]` for output i.
    private struct Axis: CustomStringConvertible {
        let length: Int
        let choice: [Int]

        var description: String { "\(length) to \(choice.count)" }
    }

    /// The axes of nearest.u32.
    private static func axes() throws -> [Axis] {
        let file = try Fixture.bytes("images/nearest.u32")
        let numbers = stride(from: 0, to: file.count, by: 4).map { Fixture.int32(file, at: $0) }
        var (axes, at): ([Axis], Int) = ([], 0)
        while at < numbers.count {
            let choice = numbers[(at + 2)...].prefix(numbers[at + 1])
            axes.append(Axis(length: numbers[at], choice: Array(choice)))
            at = choice.endIndex
        }
        return axes
    }

    private static func expectChoices(down rows: Axis, across columns: Axis) {
        let image = drawn(width: columns.length, height: rows.length)
        let expected = rows.choice.flatMap { y in
            columns.choice.flatMap { x in (0..<3).map { Float(image.pixels[(y * image.width + x) * 3 + $0]) / 255 } }
        }
        let resized = image.resized(width: columns.choice.count, height: rows.choice.count, by: .nearest)
        #expect(resized == expected, "\(rows), \(columns)")
    }

    @Test func `PyTorch's samples are taken, down and across, exact positions or not`() throws {
        let axes = try Self.axes()
        #expect(axes.count == 16 && axes.contains { $0.length == 20_000 })
        let isRounded = axes.map { axis in
            axis.choice.enumerated().contains { $0.element != $0.offset * axis.length / axis.choice.count }
        }
        #expect(isRounded.count { $0 } == 5)
        for axis in axes {
            for other in axes.prefix(5) {
                Self.expectChoices(down: axis, across: other)
                Self.expectChoices(down: other, across: axis)
            }
        }
    }

    @Test(arguments: Resampling.allCases)
    func `a picture of its own size is itself, and one pixel is everywhere`(resampling: Resampling) throws {
        let image = drawn(width: 17, height: 5)
        let samples = image.pixels.map { Float($0) / 255 }
        #expect(image.resized(width: 17, height: 5, by: resampling) == samples)
        let grown = Image(width: 1, height: 1, pixels: [3, 90, 255], alpha: nil)
            .resized(width: 9, height: 4, by: resampling)
        let pixel: [Float] = [3 / 255, 90 / 255, 1]
        try #require(grown.count == 9 * 4 * 3)
        #expect(grown.indices.allSatisfy { abs(grown[$0] - pixel[$0 % 3]) <= pixel[$0 % 3].ulp })
    }
}
