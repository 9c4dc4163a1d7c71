/// FNV-1a of 64 bits (http://www.isthe.com/chongo/tech/comp/fnv), by which texts are told apart that changed, or were
/// damaged, by accident. Whoever wants to can make two texts alike.
package struct Fingerprint: Sendable {
    private var state: UInt64 = 0xcbf2_9ce4_8422_2325

    package init() {}

    package init(of bytes: some Sequence<UInt8>) {
        add(bytes)
    }

    /// Adds one text of several: where it ends is part of the fingerprint.
    package mutating func add(_ text: String) {
        add(text.utf8)
        // No byte of UTF-8.
        add(CollectionOfOne(0xFF))
    }

    private mutating func add(_ bytes: some Sequence<UInt8>) {
        for byte in bytes { state = (state ^ UInt64(byte)) &* 0x0000_0100_0000_01b3 }
    }

    /// Hexadecimal digits of ``text``.
    static let length = 16

    package var text: String {
        let digits = String(state, radix: 16)
        return String(repeating: "0", count: Self.length - digits.utf8.count) + digits
    }
}
