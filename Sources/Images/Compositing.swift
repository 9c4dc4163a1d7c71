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

    /// The cut-out: RGBA `[height, width, 4]`, the picture where the region is, transparent elsewhere.
    package static func cut(_ image: Image, to region: Region) -> [UInt8] {
        precondition(image.width == region.width && image.height == region.height, "a region of another size")
        return unsafe samples(4 * region.pixels.count) { rgba in
            unsafe dseg_cut_out(image.pixels, image.alpha, region.pixels, region.pixels.count, 1, rgba)
        }
    }

    /// RGB composited over white, `[height, width, 3]`.
    static func overWhite(_ pixels: [UInt8], _ alpha: [UInt8]) -> [UInt8] {
        unsafe samples(pixels.count) { unsafe dseg_over_white(pixels, alpha, alpha.count, $0) }
    }

    /// The least and the greatest of finite scores, of which there is at least one.
    package static func range(of scores: [Float]) -> ClosedRange<Float> {
        precondition(!scores.isEmpty, "no scores have no range")
        var (low, high): (Float, Float) = (0, 0)
        unsafe dseg_range(scores, scores.count, &low, &high)
        return low...high
    }

    /// Scores, min-max scaled to 0...255, `[height, width]`.
    package static func grey(_ scores: [Float]) -> [UInt8] {
        unsafe samples(scores.count) { unsafe dseg_grey(scores, scores.count, $0) }
    }

    /// Each score multiplied by a factor.
    package static func scaled(_ scores: [Float], by factor: Float) -> [Float] {
        unsafe [Float](unsafeUninitializedCapacity: scores.count) { scaled, written in
            guard let base = scaled.baseAddress else { return }
            unsafe dseg_scale_scores(scores, scores.count, factor, base)
            written = scores.count
        }
    }

    /// Scores, min-max scaled to 0...1; equal ones are 0.
    package static func unit(_ scores: [Float]) -> [Float] {
        unsafe [Float](unsafeUninitializedCapacity: scores.count) { scaled, written in
            guard let base = scaled.baseAddress, !scores.isEmpty else { return }
            unsafe dseg_unit_range(scores, scores.count, base)
            written = scores.count
        }
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
