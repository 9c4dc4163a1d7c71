import CKernels
import Kernels
import Testing

private func hex(_ bytes: [UInt8]) -> String {
    bytes.map { ($0 < 16 ? "0" : "") + String($0, radix: 16) }.joined()
}

private func digest(_ message: [UInt8]) -> String {
    var hash = SHA256()
    hash.update(message)
    return hex(hash.digest())
}

/// The examples of FIPS 180-2, appendix B, and of NIST's CAVP (SHA256ShortMsg.rsp, Len 0 and 8).
@Test(arguments: [
    ("", "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"),
    ("\u{53}", "8de0b3c47f112c59745f717a626932264c422a7563954872e237b223af4ad643"),
    ("abc", "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"),
    (
        "abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq",
        "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1"
    ),
])
func `messages of the standard have its digests`(message: String, expected: String) {
    #expect(digest(Array(message.utf8)) == expected)
}

@Test func `the standard's million letters have their digest`() {
    #expect(
        digest([UInt8](repeating: UInt8(ascii: "a"), count: 1_000_000))
            == "cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0")
}

@Test func `both implementations fold the standard's block alike, and any number of blocks`() throws {
    let initial: [UInt32] = [
        0x6a09_e667, 0xbb67_ae85, 0x3c6e_f372, 0xa54f_f53a,
        0x510e_527f, 0x9b05_688c, 0x1f83_d9ab, 0x5be0_cd19,
    ]
    let block = Array("abc".utf8) + [0x80] + [UInt8](repeating: 0, count: 59) + [24]
    let expected: [UInt32] = [
        0xba78_16bf, 0x8f01_cfea, 0x4141_40de, 0x5dae_2223,
        0xb003_61a3, 0x9617_7a9c, 0xb410_ff61, 0xf200_15ad,
    ]
    var portable = initial
    unsafe dseg_sha256_portable(&portable, block, 1)
    #expect(portable == expected)
    guard dseg_sha256_has_extensions() else { return }
    var extended = initial
    unsafe dseg_sha256_extensions(&extended, block, 1)
    #expect(extended == expected)

    for count in 0...9 {
        let blocks = (0..<(64 * count)).map { UInt8(truncatingIfNeeded: $0 * $0 / 7 + count) }
        unsafe dseg_sha256_portable(&portable, blocks, count)
        unsafe dseg_sha256_extensions(&extended, blocks, count)
        #expect(portable == extended)
    }
}

@Test func `a message has one digest however it is split, at every length around two blocks`() {
    for length in 0...130 {
        let message = (0..<length).map { UInt8(truncatingIfNeeded: $0 &* 37 &+ 11) }
        let whole = digest(message)
        for cut in [0, 1, 55, 63, 64, 65, 119, 128] where cut <= length {
            var hash = SHA256()
            hash.update(Array(message[..<cut]))
            _ = hash.digest()
            hash.update(Array(message[cut...]))
            #expect(hex(hash.digest()) == whole)
        }
        var byByte = SHA256()
        for byte in message { byByte.update([byte]) }
        #expect(hex(byByte.digest()) == whole)
    }
}

/// Python's hashlib: `hashlib.sha256(bytes(i * 7 % 256 for i in range(n))).hexdigest()`.
@Test(arguments: [
    (55, "576a1bf8d4478657e6dc4af9398544765c2a92cde28478b019235cfed315fc09"),
    (56, "9b20501dfd1d99161c257950f3444f3e49230c351c5c8e0943ef369f85f5205d"),
    (63, "30b345906b493f06f69444b6521113511c242f30e29840462950035043682f1e"),
    (64, "d8bc63b4fc1156e5e7d95a418b9bf54cd3174bedbc2db40f74895349b229b3c0"),
    (119, "7a6589821178918ca8d9edaba5abfc1e9b2669564f4469b66885379c1530b2c8"),
    (1000, "89f4ff56a25dd1db06a4ce6033603775d705fb96f30f8693733fef602a1ca532"),
])
func `lengths around the padding's edge have the digests of another implementation`(
    length: Int, expected: String
) {
    #expect(digest((0..<length).map { UInt8($0 * 7 % 256) }) == expected)
}
