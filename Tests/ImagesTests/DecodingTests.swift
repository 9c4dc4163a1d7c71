import Images
import Testing

@Suite struct DecodingTests {
    /// Bit for bit, but for JPEG: two versions of libjpeg-turbo may round a sample differently.
    @Test(arguments: Fixture.pictures)
    func `a picture decodes to what Pillow reads`(name: String) throws {
        let expected = try Fixture.expected(name)
        let image = try Image(decoding: Fixture.bytes("images/\(name)"))
        #expect(image.width == expected.width && image.height == expected.height)
        #expect(image.alpha == expected.alpha)
        let errors = zip(image.pixels, expected.pixels).map { abs(Int($0) - Int($1)) }
        #expect(errors.max() ?? 0 <= (name.hasSuffix(".jpg") ? 1 : 0))
    }

    @Test(arguments: Fixture.pictures)
    func `a header promises the size that decoding gives`(name: String) throws {
        let bytes = try Fixture.bytes("images/\(name)")
        let (size, image) = (try ImageSize(probing: bytes), try Image(decoding: bytes))
        #expect(size.width == image.width && size.height == image.height)
    }

    @Test func `every colour type, depth and interlacing has a picture`() {
        #expect(Fixture.pictures.count(where: { $0.hasSuffix(".png") }) == 57)
        #expect(Fixture.pictures.count(where: { $0.hasSuffix(".jpg") }) == 20)
        #expect(Fixture.pictures.count(where: { $0.hasSuffix(".webp") }) == 8)
    }

    /// make_images.py wrote two frames into two files, three into one, and one into each other.
    @Test(arguments: Fixture.pictures)
    func `the frames of an animated picture are counted`(name: String) throws {
        let frames = ["animated.png": 2, "animated.webp": 2, "animated-corner.webp": 3][name] ?? 1
        #expect(try ImageSize(probing: Fixture.bytes("images/\(name)")).frames == frames)
    }

    /// A control chunk before the pixels makes them the first frame; without one they are a still picture that an
    /// animation's frames follow, as Pillow counts them too.
    @Test func `a still picture before an animation is counted beside its frames`() throws {
        var bytes = try Fixture.bytes("images/animated.png")
        let control = try #require(bytes.first(Array("fcTL".utf8))) - 4
        bytes.removeSubrange(control..<control + 12 + 26)
        #expect(try ImageSize(probing: bytes).frames == 3)
        #expect(try Image(decoding: bytes) == Fixture.expected("animated.png"))
    }

    /// make_images.py puts EXIF's number into the file's name.
    @Test(arguments: Fixture.pictures)
    func `the orientation is known with the size`(name: String) throws {
        let number = name.hasPrefix("exif-") ? name.dropFirst(5).first?.wholeNumberValue : 1
        #expect(try Int(ImageSize(probing: Fixture.bytes("images/\(name)")).orientation) == number)
    }

    /// One stored picture stands under each number; number 1 shows it as it is stored.
    @Test func `each orientation puts a stored pixel where EXIF's table says`() throws {
        let upright = try Image(decoding: Fixture.bytes("images/exif-1.jpg"))
        for number in 1...8 {
            let turned = try Image(decoding: Fixture.bytes("images/exif-\(number).jpg"))
            for y in 0..<upright.height {
                for x in 0..<upright.width {
                    let (column, row) = Self.place(x, y, in: upright, under: number)
                    let at = 3 * (row * turned.width + column)
                    let from = 3 * (y * upright.width + x)
                    #expect(turned.pixels[at..<at + 3] == upright.pixels[from..<from + 3])
                }
            }
        }
    }

    /// Where EXIF's table puts the stored pixel `x`, `y`: the sides that row 0 and column 0 show.
    private static func place(
        _ x: Int, _ y: Int, in stored: Image, under number: Int
    ) -> (column: Int, row: Int) {
        let (right, bottom) = (stored.width - 1 - x, stored.height - 1 - y)
        return switch number {
        case 2: (right, y)
        case 3: (right, bottom)
        case 4: (x, bottom)
        case 5: (y, x)
        case 6: (bottom, x)
        case 7: (bottom, right)
        case 8: (y, right)
        default: (x, y)
        }
    }
}
