import CImages

/// Deflate (RFC 1951), bare or in zlib's format (RFC 1950).
package enum Deflation {
    /// Compressed without any frame, as a zip's member is; `nil` where memory is short.
    package static func raw(_ bytes: [UInt8]) -> [UInt8]? {
        // zlib's frame: two bytes before the data, four of Adler-32 after them.
        packed(bytes).map { Array($0.dropFirst(2).dropLast(4)) }
    }

    /// The CRC-32 that checks a zip's member.
    package static func crc(_ bytes: [UInt8]) -> UInt32 { unsafe dseg_crc(bytes, bytes.count) }

    /// In zlib's format; `nil` where memory is short.
    static func packed(_ bytes: [UInt8]) -> [UInt8]? {
        var packed = unsafe dseg_bytes()
        defer { unsafe dseg_bytes_free(&packed) }
        guard unsafe dseg_deflate(bytes, bytes.count, &packed) == DSEG_DONE else { return nil }
        return unsafe Array(UnsafeBufferPointer(start: packed.base, count: packed.count))
    }

    /// The first `count` bytes of the content of zlib's format, fewer where the data end or are damaged.
    static func unpacked(_ bytes: ArraySlice<UInt8>, most count: Int) -> [UInt8] {
        unsafe [UInt8](unsafeUninitializedCapacity: count) { unpacked, written in
            guard let base = unpacked.baseAddress else { return }
            written = unsafe bytes.withUnsafeBufferPointer { packed in
                guard let start = packed.baseAddress else { return 0 }
                return unsafe dseg_inflate(start, packed.count, base, count)
            }
        }
    }
}
