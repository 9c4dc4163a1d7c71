import Images
import RPC

/// PNG files of one picture at any size, each with other bytes and so another hash: no daemon has it cached.
struct NewPictures {
    private let source: Image
    private var scaled: (side: Int, pixels: [UInt8])?
    private var made = 0

    /// - Parameter file: of a picture, PNG, JPEG or WebP
    init(_ file: [UInt8]) throws(ImageError) {
        source = try Image(decoding: file)
    }

    /// The next file: the picture stretched to `side` by `side` pixels, with a number of its own in a text chunk.
    mutating func next(side: Int) throws(ImageError) -> [UInt8] {
        let pixels: [UInt8]
        if let scaled, scaled.side == side {
            pixels = scaled.pixels
        } else {
            pixels = Compositing.grey(source.resized(width: side, height: side, by: .bilinear))
            scaled = (side, pixels)
        }
        made += 1
        let number = PNGFile.Text(key: "number", value: "\(made)")
        return try PNGFile(width: side, height: side, .rgb(pixels), texts: [number]).encoded()
    }
}
