import Limits

/// The size of a map, checked before anything is allocated for it.
package struct MapSize {
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
            pixels <= Limit.pixels
        else {
            throw RPCStatus(
                .invalidArgument,
                """
                A map of \(width) x \(height) pixels cannot be; one has 1 to \(Limit.pixels).
                """
            )
        }
        self.width = width
        self.height = height
        self.pixels = pixels
    }
}
