import CImages

/// A bit mask of a picture's wholly transparent pixels, at least one.
package struct Transparency: Sendable {
    /// A bit for each pixel, row-major, least significant bit first.
    private let bits: [UInt8]

    /// `nil` where no pixel is transparent.
    ///
    /// - Parameter alpha: `[height, width]`
    init?(_ alpha: [UInt8]) {
        var bits = [UInt8](repeating: 0, count: (alpha.count + 7) / 8)
        guard unsafe dseg_transparent(alpha, alpha.count, &bits) > 0 else { return nil }
        self.bits = bits
    }

    package var bytes: Int { bits.count }

    /// Sets a mask to background (0) at the transparent pixels.
    ///
    /// - Parameter indices: `[height, width]`
    package func clear(_ indices: inout [UInt8]) {
        precondition((indices.count + 7) / 8 == bits.count, "a mask of another size")
        unsafe dseg_clear_where(bits, indices.count, &indices)
    }
}
