import Images
import RPC

/// Files of one picture in any size, as many different ones as are wanted: each is new to a daemon.
struct NewPictures {
    private let source: Image
    private var scaled: (side: Int, pixels: [UInt8])?
    private var made = 0

    /// - Parameter file: of a picture, PNG, JPEG or WebP
    init(_ file: [UInt8]) throws(ImageError) {
        source = try Image(decoding: file)
    }

    /// Another PNG file of the picture, stretched to a square in its size and its contrast.
    mutating func next(side: Int) throws(ImageError) -> [UInt8] {
        let pixels: [UInt8]
        if let scaled, scaled.side == side {
            pixels = scaled.pixels
        } else {
            pixels = Compositing.grey(source.square(side: side))
            scaled = (side, pixels)
        }
        made += 1
        let number = PNGFile.Text(key: "number", value: "\(made)")
        return try PNGFile(width: side, height: side, .rgb(pixels), texts: [number]).encoded()
    }
}
