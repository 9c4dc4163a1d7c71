import CKernels

/// SHA-256 (FIPS 180-4) over bytes that arrive in pieces of any size.
package struct SHA256 {
    private static let blockSize = 64
    private static let hasExtensions = dseg_sha256_has_extensions()

    private var state: [UInt32] = [
        0x6a09_e667, 0xbb67_ae85, 0x3c6e_f372, 0xa54f_f53a,
        0x510e_527f, 0x9b05_688c, 0x1f83_d9ab, 0x5be0_cd19,
    ]
    /// The start of the next block, fewer than ``blockSize`` bytes.
    private var pending: [UInt8] = []
    private var byteCount: UInt64 = 0

    package init() {}

    /// Appends bytes to the message.
    package mutating func update(_ bytes: UnsafeRawBufferPointer) {
        byteCount += UInt64(bytes.count)
        var rest = unsafe bytes[...]
        if !pending.isEmpty {
            let head = unsafe rest.prefix(SHA256.blockSize - pending.count)
            unsafe pending.append(contentsOf: head)
            unsafe rest = unsafe rest.dropFirst(head.count)
            guard pending.count == SHA256.blockSize else { return }
            unsafe pending.withUnsafeBytes { block in unsafe SHA256.compress(block, into: &state) }
            pending.removeAll(keepingCapacity: true)
        }
        let whole = unsafe rest.count / SHA256.blockSize * SHA256.blockSize
        unsafe SHA256.compress(UnsafeRawBufferPointer(rebasing: rest.prefix(whole)), into: &state)
        unsafe pending.append(contentsOf: rest.dropFirst(whole))
    }

    /// Appends bytes to the message.
    package mutating func update(_ bytes: [UInt8]) {
        unsafe bytes.withUnsafeBytes { buffer in unsafe update(buffer) }
    }

    /// The digest of the message so far, 32 bytes; more may be appended.
    package func digest() -> [UInt8] {
        var tail = pending
        tail.append(0x80)
        let length = SHA256.blockSize - MemoryLayout<UInt64>.size
        let padded = tail.count <= length ? length : length + SHA256.blockSize
        tail.append(contentsOf: repeatElement(0, count: padded - tail.count))
        tail.append(contentsOf: SHA256.bigEndian(byteCount * 8))
        var last = state
        unsafe tail.withUnsafeBytes { blocks in unsafe SHA256.compress(blocks, into: &last) }
        return last.flatMap(SHA256.bigEndian)
    }

    /// The digest of the message so far, 64 hexadecimal digits, lower case.
    package var hexadecimal: String { Self.hexadecimal(digest()) }

    /// A digest in hexadecimal digits, two for each byte.
    package static func hexadecimal(_ digest: [UInt8]) -> String {
        digest.map { ($0 < 16 ? "0" : "") + String($0, radix: 16) }.joined()
    }

    /// The digest that hexadecimal digits write; `nil` where they are not 64.
    package static func digest(_ hexadecimal: some StringProtocol) -> [UInt8]? {
        let digits = hexadecimal.utf8.count == 64 ? hexadecimal.compactMap(\.hexDigitValue) : []
        guard digits.count == 64 else { return nil }
        return stride(from: 0, to: 64, by: 2).map { UInt8(digits[$0] << 4 | digits[$0 + 1]) }
    }

    /// Whether a text is a digest in hexadecimal digits: 64, lower case.
    package static func isHexadecimal(_ text: some StringProtocol) -> Bool {
        text.utf8.count == 64
            && text.utf8.allSatisfy {
                (UInt8(ascii: "0")...UInt8(ascii: "9")).contains($0)
                    || (UInt8(ascii: "a")...UInt8(ascii: "f")).contains($0)
            }
    }

    /// The digest of `bytes`, in hexadecimal digits.
    package static func hexadecimal(of bytes: [UInt8]) -> String {
        var hash = SHA256()
        hash.update(bytes)
        return hash.hexadecimal
    }

    private static func bigEndian(_ number: some FixedWidthInteger) -> [UInt8] {
        stride(from: number.bitWidth - 8, through: 0, by: -8).map { shift in
            UInt8(truncatingIfNeeded: number >> shift)
        }
    }

    /// The compression function, over whole blocks.
    private static func compress(_ blocks: UnsafeRawBufferPointer, into state: inout [UInt32]) {
        guard let base = blocks.baseAddress else { return }
        let bytes = unsafe base.assumingMemoryBound(to: UInt8.self)
        let count = blocks.count / blockSize
        if hasExtensions {
            unsafe dseg_sha256_extensions(&state, bytes, count)
        } else {
            unsafe dseg_sha256_portable(&state, bytes, count)
        }
    }
}
