import CImages

/// A picture as it is meant to be seen: decoded, upright, eight bits a sample.
///
/// What a picture's files may leave open is decided once, as Pillow's `convert("RGB")` decides it:
/// transparency is kept beside the colours and changes none of them, 16 bits are cut to the high
/// byte, colour profiles and gamma are kept beside the samples and change none of them.
package struct Image: Sendable, Equatable {
    /// The most pixels a picture may have. A file that promises more is refused from its header.
    package static let pixelLimit = 64_000_000
    /// The most pixels a row or a column may have: libpng's own limit. Each row costs a decoder some time of its own.
    package static let sideLimit = 1_000_000

    /// The most scans that a JPEG file of a size may have: 24 at the limit of pixels, in proportion more below.
    ///
    /// A decoder goes over all pixels once a scan, however little the scan says of them, some three nanoseconds a
    /// pixel. Encoders make 6 scans of grey, 10 of three components, 18 of four.
    ///
    /// The pixels are counted in whole squares of 32, the largest unit that is decoded.
    package static func scanLimit(width: Int, height: Int) -> Int {
        24 * pixelLimit / ((width + 31) / 32 * ((height + 31) / 32) * 1024)
    }

    package let width: Int
    package let height: Int
    /// RGB, `[height, width, 3]`.
    package let pixels: [UInt8]
    /// Opacity, `[height, width]`, if the file has any.
    package let alpha: [UInt8]?
    /// What the file says that the colours mean.
    package let colours: ColourSpace

    package init(width: Int, height: Int, pixels: [UInt8], alpha: [UInt8]?, colours: ColourSpace = .unstated) {
        precondition(width > 0 && height > 0, "a picture has at least one pixel")
        precondition(pixels.count == width * height * 3, "RGB is [height, width, 3]")
        precondition(alpha.map { $0.count == width * height } ?? true, "alpha is [height, width]")
        self.width = width
        self.height = height
        self.pixels = pixels
        self.alpha = alpha
        self.colours = colours
    }

    /// Decodes a PNG, JPEG or WebP file, told apart by its first bytes.
    ///
    /// An animated file gives its first frame. A file that lacks pixels is an error, even where a decoder would make
    /// them up; one that lacks only what stands behind its pixels is whole.
    ///
    /// - Parameter isWanted: asked again and again, on this thread; `false` ends the decoding with `interrupted`
    package init(decoding bytes: [UInt8], while isWanted: () -> Bool = { true }) throws(ImageError) {
        let file = try ImageFile(bytes)
        self = try file.decoded(while: isWanted).upright(from: file.orientation)
    }

    /// The same, for several files that have its colour space: a profile, which takes time to pack, is packed already.
    package var withPackedColours: Image {
        Image(width: width, height: height, pixels: pixels, alpha: alpha, colours: colours.packed)
    }

    /// The picture as it is seen on white, `[height, width, 3]`.
    package var seen: [UInt8] { alpha.map { Compositing.overWhite(pixels, $0) } ?? pixels }

    /// The picture as it is seen on white, stretched to a square, `[side, side, 3]` in [0, 1], as the reference does
    /// it: each sample divided by 255, then bilinear with half-pixel centres and no antialiasing.
    package func square(side: Int) -> [Float] {
        precondition(side > 0, "a square has at least one pixel")
        let (seen, count) = (seen, side * side * 3)
        return unsafe [Float](unsafeUninitializedCapacity: count) { square, written in
            guard let base = square.baseAddress else { return }
            unsafe dseg_bilinear_bytes(seen, width, height, 3, side, side, base)
            written = count
        }
    }

    /// Where nothing of the picture is to be seen; `nil` where something is everywhere.
    package var transparency: Transparency? { alpha.flatMap(Transparency.init) }

    /// The stored picture turned as `orientation` asks.
    private func upright(from orientation: Orientation) -> Image {
        if orientation == .upright { return self }
        return Image(
            width: orientation.isTransposed ? height : width,
            height: orientation.isTransposed ? width : height,
            pixels: turned(pixels, channels: 3, from: orientation),
            alpha: alpha.map { turned($0, channels: 1, from: orientation) }, colours: colours)
    }

    private func turned(
        _ samples: [UInt8], channels: Int, from orientation: Orientation
    ) -> [UInt8] {
        unsafe Compositing.samples(samples.count) { upright in
            unsafe dseg_turn_upright(samples, width, height, channels, Int32(orientation.rawValue), upright)
        }
    }
}

/// What is known of a picture without decoding a pixel: its size as it is meant to be seen, and how its file has it.
package struct ImageSize: Sendable, Equatable {
    package let width: Int
    package let height: Int
    /// EXIF's number of how the stored picture is turned, 1 to 8; 1 for not at all.
    package let orientation: UInt8
    /// More than one in an animated picture; the first is what is seen of it.
    package let frames: Int

    /// Reads the header of a PNG, JPEG or WebP file; refuses what `Image(decoding:)` refuses there.
    package init(probing bytes: [UInt8]) throws(ImageError) {
        let file = try ImageFile(bytes)
        let isTransposed = file.orientation.isTransposed
        orientation = file.orientation.rawValue
        frames = file.notes.frames
        width = isTransposed ? file.header.height : file.header.width
        height = isTransposed ? file.header.width : file.header.height
    }
}
