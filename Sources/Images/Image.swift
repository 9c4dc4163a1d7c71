import CImages
import Limits

/// A decoded picture: upright (EXIF orientation applied), RGB of eight bits a sample, and alpha.
///
/// Converted as Pillow's `convert("RGB")` does: alpha is kept apart and not multiplied into the colours, 16 bits are
/// cut to the high byte, colour profiles and gamma are kept but not applied.
package struct Image: Sendable, Equatable {
    /// The most scans of a progressive JPEG file of a size: 24 at the pixel limit, proportionally more below.
    ///
    /// A decoder passes over all pixels for each scan, some three nanoseconds a pixel, however few bytes the scan has:
    /// many empty scans make a decompression bomb. Encoders make 6 scans of grey, 10 of three components, 18 of four.
    ///
    /// Pixels are counted in whole blocks of 32 x 32, the largest MCU.
    package static func scanLimit(width: Int, height: Int) -> Int {
        24 * Limit.pixels / ((width + 31) / 32 * ((height + 31) / 32) * 1024)
    }

    package let width: Int
    package let height: Int
    /// RGB, `[height, width, 3]`.
    package let pixels: [UInt8]
    /// Opacity, `[height, width]`, if the file has any.
    package let alpha: [UInt8]?
    /// The file's colour metadata.
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

    /// Decodes a PNG, JPEG or WebP file, recognised by its first bytes.
    ///
    /// An animated file gives its first frame. A truncated file is an error, even where the decoder would fill in
    /// pixels; bytes that are missing after the last pixel are no error.
    ///
    /// - Parameter isWanted: polled while decoding, on this thread; `false` ends it with `interrupted`
    package init(decoding bytes: [UInt8], while isWanted: () -> Bool = { true }) throws(ImageError) {
        let file = try ImageFile(bytes)
        self = try file.decoded(while: isWanted).upright(from: file.orientation)
    }

    /// The same picture with its colour profile already deflated, so that several files do not each deflate it.
    package var withPackedColours: Image {
        Image(width: width, height: height, pixels: pixels, alpha: alpha, colours: colours.packed)
    }

    /// The picture composited over white, `[height, width, 3]`.
    package var seen: [UInt8] { alpha.map { Compositing.overWhite(pixels, $0) } ?? pixels }

    /// The picture over white, stretched to a size, `[height, width, 3]` in 0...1: samples divided by 255, then
    /// resized, without antialiasing.
    package func resized(width: Int, height: Int, by resampling: Resampling) -> [Float] {
        precondition(width > 0 && height > 0, "a picture has at least one pixel")
        let (seen, count) = (seen, width * height * 3)
        return unsafe [Float](unsafeUninitializedCapacity: count) { resized, written in
            guard let base = resized.baseAddress else { return }
            switch resampling {
            case .bilinear: unsafe dseg_bilinear_bytes(seen, self.width, self.height, 3, width, height, base)
            case .nearest: unsafe dseg_nearest_bytes(seen, self.width, self.height, 3, width, height, base)
            }
            written = count
        }
    }

    /// The picture over white as a guide: itself where it has at most ``Guide/pixelLimit`` pixels, otherwise
    /// area-averaged.
    package var guide: Guide {
        guide(pixels: width * height > Guide.pixelLimit ? Guide.averagedPixels : Guide.pixelLimit)
    }

    /// The picture over white as a guide of at most `limit` pixels: itself where it has no more, otherwise
    /// area-averaged to that share of its pixels.
    package func guide(pixels limit: Int) -> Guide {
        Guide(width: width, height: height, samples: seen).reduced(to: limit)
    }

    /// The wholly transparent pixels; `nil` without any.
    package var transparency: Transparency? { alpha.flatMap(Transparency.init) }

    /// Applies the EXIF orientation to the stored picture.
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

/// The header of a picture's file: the size after the EXIF orientation is applied, the orientation, and the frames.
package struct ImageSize: Sendable, Equatable {
    package let width: Int
    package let height: Int
    /// The file's EXIF orientation, 1 to 8; 1 is upright.
    package let orientation: UInt8
    /// More than one in an animated picture, of which the first is decoded.
    package let frames: Int

    /// Reads the header of a PNG, JPEG or WebP file; throws as `Image(decoding:)` does for it.
    package init(probing bytes: [UInt8]) throws(ImageError) {
        let file = try ImageFile(bytes)
        let isTransposed = file.orientation.isTransposed
        orientation = file.orientation.rawValue
        frames = file.notes.frames
        width = isTransposed ? file.header.height : file.header.width
        height = isTransposed ? file.header.width : file.header.height
    }
}
