import CImages

/// The pixels of a picture that are wholly transparent, at least one.
package struct Transparency: Sendable {
    /// A bit for each pixel in reading order, the lowest of a byte first.
    private let bits: [UInt8]

    /// `nil` where no pixel is.
    ///
    /// - Parameter alpha: `[height, width]`
    init?(_ alpha: [UInt8]) {
        var bits = [UInt8](repeating: 0, count: (alpha.count + 7) / 8)
        guard unsafe dseg_transparent(alpha, alpha.count, &bits) > 0 else { return nil }
        self.bits = bits
    }

    package var bytes: Int { bits.count }

    /// Makes a mask the background where nothing is to be seen.
    ///
    /// - Parameter indices: `[height, width]`
    package func clear(_ indices: inout [UInt8]) {
        precondition((indices.count + 7) / 8 == bits.count, "a mask of another size")
        unsafe dseg_clear_where(bits, indices.count, &indices)
    }
}
