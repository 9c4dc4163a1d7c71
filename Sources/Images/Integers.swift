/// Numbers of several bytes, as files have them.
extension Collection<UInt8> {
    /// The first byte is the highest.
    var bigEndian: Int { reduce(0) { $0 << 8 | Int($1) } }
    /// The first byte is the lowest.
    var littleEndian: Int { reversed().bigEndian }
}

extension UInt32 {
    /// The highest byte first.
    var bigEndianBytes: [UInt8] { [24, 16, 8, 0].map { UInt8(truncatingIfNeeded: self >> $0) } }
}
