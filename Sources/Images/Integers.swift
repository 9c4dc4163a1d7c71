/// Integers in the byte orders of files.
extension Collection<UInt8> {
    /// The first byte is the most significant.
    var bigEndian: Int { reduce(0) { $0 << 8 | Int($1) } }
    /// The first byte is the least significant.
    var littleEndian: Int { reversed().bigEndian }
}

extension UInt32 {
    /// The most significant byte first.
    var bigEndianBytes: [UInt8] { [24, 16, 8, 0].map { UInt8(truncatingIfNeeded: self >> $0) } }
}
