import Images
import Support
import Testing

/// A picture with alpha is looked at as it is seen on white, and keeps its own samples.
@Suite struct TransparencyTests {
    private static func image(alpha: (Int) -> UInt8) -> Image {
        var random = SeededGenerator(seed: 3)
        let pixels = (0..<37 * 23 * 3).map { _ in UInt8.random(in: 0...255, using: &random) }
        return Image(width: 37, height: 23, pixels: pixels, alpha: (0..<37 * 23).map(alpha))
    }

    @Test func `a resized picture is that of the picture on white`() {
        let image = Self.image { UInt8(truncatingIfNeeded: $0 * 7) }
        let alpha = image.alpha ?? []
        let seen = image.pixels.enumerated().map { place, sample in
            let opacity = Double(alpha[place / 3]) / 255
            return UInt8((Double(sample) * opacity + 255 * (1 - opacity)).rounded())
        }
        let onWhite = Image(width: 37, height: 23, pixels: seen, alpha: nil)
        let opaque = Image(width: 37, height: 23, pixels: image.pixels, alpha: nil)
        for resampling in Resampling.allCases {
            let resized = image.resized(width: 8, height: 6, by: resampling)
            #expect(resized == onWhite.resized(width: 8, height: 6, by: resampling))
            #expect(resized != opaque.resized(width: 8, height: 6, by: resampling))
        }
    }

    @Test func `an opaque picture is looked at as one without alpha, bit for bit`() {
        let image = Self.image { _ in 255 }
        let plain = Image(width: 37, height: 23, pixels: image.pixels, alpha: nil)
        #expect(
            image.resized(width: 16, height: 16, by: .bilinear) == plain.resized(width: 16, height: 16, by: .bilinear))
    }

    @Test(arguments: [1, 2, 7, 8, 9, 100, 850])
    func `a mask is background where alpha is 0, and only there`(distance: Int) throws {
        let image = Self.image { $0 % distance == 0 ? 0 : UInt8($0 % 255 + 1) }
        var indices = (0..<37 * 23).map { UInt8($0 % 255 + 1) }
        let expected = indices.enumerated().map { $0.offset % distance == 0 ? 0 : $0.element }
        let transparency = try #require(image.transparency)
        transparency.clear(&indices)
        #expect(indices == expected)
        #expect(transparency.bytes == (37 * 23 + 7) / 8)
    }

    @Test func `where something is to be seen everywhere nothing is kept`() {
        #expect(Self.image { _ in 1 }.transparency == nil)
        #expect(Image(width: 1, height: 1, pixels: [0, 0, 0], alpha: nil).transparency == nil)
    }
}
