import Images
import Testing

/// An indexed PNG with the colours of PASCAL VOC, read back.
struct IndexPicture: Equatable {
    let width: Int
    let height: Int
    /// `[height, width]`.
    let indices: [UInt8]

    /// The index of a colour, by the three highest bits of red, green and blue.
    private static let index: [UInt8] = {
        var index = [UInt8](repeating: 0, count: 512)
        for place in 0..<256 {
            let colour = (0..<3).map { Int(Palette.voc.colours[3 * place + $0]) >> 5 }
            index[colour[0] << 6 | colour[1] << 3 | colour[2]] = UInt8(place)
        }
        return index
    }()

    /// Expects one sample a pixel, eight bits, and VOC's palette.
    init(_ file: [UInt8]) throws {
        let image = try Image(decoding: file)
        (width, height) = (image.width, image.height)
        // IHDR: depth and colour type.
        #expect(Array(file[24...25]) == [8, 3])
        let palette = try #require(file.firstRange(of: Array("PLTE".utf8)))
        #expect(Array(file[palette.upperBound...].prefix(768)) == Palette.voc.colours)
        let pixels = image.pixels
        indices = stride(from: 0, to: pixels.count, by: 3).map { start in
            let red = Int(pixels[start]) >> 5
            let green = Int(pixels[start + 1]) >> 5
            return Self.index[red << 6 | green << 3 | Int(pixels[start + 2]) >> 5]
        }
    }

    init(at path: String) throws { try self.init(bytes(path)) }

    /// Pixels of each index, as far as there are labels.
    func counts(labels: Int) -> [Int] {
        var counts = [Int](repeating: 0, count: labels + 1)
        for index in indices { counts[Int(index)] += 1 }
        return counts
    }
}
