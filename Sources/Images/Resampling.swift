import CImages

/// How a picture is resized to what a model reads.
package enum Resampling: String, CaseIterable, Hashable, Sendable {
    /// Between the four neighbours of each position, as ``Bilinear`` does.
    case bilinear
    /// One sample for each position, the same for several where the picture grows: PyTorch's
    /// `interpolate(mode="nearest")`, whose positions are rounded to f32 and then down.
    case nearest
}

/// The resize of PyTorch's `interpolate(mode="bilinear", align_corners=False)`.
package enum Bilinear {
    /// Resizes each channel of a map: half-pixel centres, edges repeated, no antialiasing.
    ///
    /// - Parameters:
    ///   - map: `[height, width, channels]`
    ///   - target: `[size.height, size.width, channels]`, distinct from `map`
    package static func resize(
        _ map: UnsafePointer<Float>, width: Int, height: Int, channels: Int,
        to size: (width: Int, height: Int), into target: UnsafeMutablePointer<Float>
    ) {
        precondition(width > 0 && height > 0 && channels > 0, "a map has at least one sample")
        precondition(size.width > 0 && size.height > 0, "a resized map has at least one sample")
        unsafe dseg_bilinear(map, width, height, channels, size.width, size.height, target)
    }

    /// The source positions of the resize along one axis, from `length` to `count` samples: for each output the index
    /// of the first of two neighbours, and the weight of the second.
    package static func line(of length: Int, to count: Int) -> (first: [UInt32], weights: [Float]) {
        precondition(length > 0 && count > 0, "a line has at least one sample")
        var first = [UInt32](repeating: 0, count: count)
        var weights = [Float](repeating: 0, count: count)
        unsafe dseg_bilinear_line(length, count, &first, &weights)
        return (first, weights)
    }
}
