/// Chunks of PNG files, written by their definition.
package enum PNGBytes {
    /// Where the chunk behind the header begins.
    package static let behindHeader = 33

    package static func chunk(_ type: String, _ payload: [UInt8] = []) -> [UInt8] {
        let content = Array(type.utf8) + payload
        return bigEndian(UInt32(payload.count)) + content + bigEndian(crc(content))
    }

    private static func bigEndian(_ value: UInt32) -> [UInt8] {
        (0..<4).map { UInt8(truncatingIfNeeded: value >> (24 - 8 * $0)) }
    }

    /// The CRC of PNG chunks, by its polynomial.
    package static func crc(_ bytes: [UInt8]) -> UInt32 {
        ~bytes.reduce(0xFFFF_FFFF as UInt32) { crc, byte in
            (0..<8).reduce(crc ^ UInt32(byte)) { crc, _ in
                crc & 1 == 1 ? crc >> 1 ^ 0xEDB8_8320 : crc >> 1
            }
        }
    }
}
