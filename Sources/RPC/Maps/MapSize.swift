/// The size of a map, checked before anything is allocated for it.
package struct MapSize {
    /// The most pixels of a map: as many as the largest picture has, 64 megapixels.
    package static let pixelLimit = 64_000_000

    let width: UInt32
    let height: UInt32
    /// At least 1.
    let pixels: Int

    /// - Throws: `invalidArgument` for an empty map and one over the limit
    init(width: some BinaryInteger, height: some BinaryInteger) throws(RPCStatus) {
        guard let width = UInt32(exactly: width), let height = UInt32(exactly: height), width > 0,
            height > 0,
            case let (pixels, overflow) = Int(width).multipliedReportingOverflow(by: Int(height)),
            !overflow,
            pixels <= Self.pixelLimit
        else {
            throw RPCStatus(
                .invalidArgument,
                """
                A map of \(width) x \(height) pixels cannot be; one has 1 to \(Self.pixelLimit).
                """
            )
        }
        self.width = width
        self.height = height
        self.pixels = pixels
    }
}
