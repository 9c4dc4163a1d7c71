/// The 256 colours of an indexed picture.
package struct Palette: Sendable, Equatable {
    /// RGB, `[256, 3]`.
    package let colours: [UInt8]

    /// The colours of the PASCAL VOC annotations, which viewers of masks know: the bits of an
    /// index, three at a time from the lowest, fill red, green and blue from their highest bit
    /// down. Index 0 is black.
    package static let voc = Palette(
        colours: (0..<256).flatMap { index in
            [vocColour(index), vocColour(index >> 1), vocColour(index >> 2)]
        })

    /// One channel: bits 0, 3 and 6 of `bits` become bits 7, 6 and 5.
    private static func vocColour(_ bits: Int) -> UInt8 {
        let (high, middle, low) = (bits & 1, bits >> 3 & 1, bits >> 6 & 1)
        return UInt8(high << 7 | middle << 6 | low << 5)
    }
}
