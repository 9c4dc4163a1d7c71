import CImages

/// Draws overlays, cut-outs and heat maps. All arrays are row-major.
package enum Compositing {
    /// The overlay: half the picture, half the palette's colour of the index, `[height, width, 3]`; index 0 leaves the
    /// picture unchanged.
    ///
    /// - Parameters:
    ///   - pixels: `[height, width, 3]`
    ///   - indices: `[height, width]`
    package static func tinted(_ pixels: [UInt8], by indices: [UInt8], _ palette: Palette) -> [UInt8] {
        precondition(pixels.count == 3 * indices.count, "a mask of another size")
        return unsafe samples(pixels.count) { tinted in
            unsafe dseg_tint(pixels, indices, indices.count, palette.colours, tinted)
        }
    }

    /// The cut-out: RGBA `[height, width, 4]`, the picture where the mask has the index, transparent elsewhere.
    package static func cut(_ image: Image, where indices: [UInt8], are index: UInt8) -> [UInt8] {
        precondition(image.pixels.count == 3 * indices.count, "a mask of another size")
        return unsafe samples(4 * indices.count) { rgba in
            unsafe dseg_cut_out(image.pixels, image.alpha, indices, indices.count, index, rgba)
        }
    }

    /// RGB composited over white, `[height, width, 3]`.
    static func overWhite(_ pixels: [UInt8], _ alpha: [UInt8]) -> [UInt8] {
        unsafe samples(pixels.count) { unsafe dseg_over_white(pixels, alpha, alpha.count, $0) }
    }

    /// Scores, min-max scaled to 0...255, `[height, width]`.
    package static func grey(_ scores: [Float]) -> [UInt8] {
        unsafe samples(scores.count) { unsafe dseg_grey(scores, scores.count, $0) }
    }

    /// An array whose `count` samples a C function initialises.
    static func samples(_ count: Int, _ fill: (UnsafeMutablePointer<UInt8>) -> Void) -> [UInt8] {
        unsafe [UInt8](unsafeUninitializedCapacity: count) { samples, written in
            guard let base = samples.baseAddress else { return }
            unsafe fill(base)
            written = count
        }
    }
}
