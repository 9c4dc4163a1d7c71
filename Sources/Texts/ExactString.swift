/// A string that is compared and hashed by its UTF-8 bytes.
///
/// `String` compares by canonical equivalence: "é" equals "e" and a combining accent, for which a tokenizer may give
/// other tokens; and each comparison sorts runs of combining marks, in quadratic time.
package struct ExactString: Hashable, Comparable, Sendable {
    package let text: String

    package init(_ text: String) {
        self.text = text
    }

    package static func == (one: ExactString, other: ExactString) -> Bool {
        guard one.text.utf8.count == other.text.utf8.count else { return false }
        var (text, otherText) = (one.text, other.text)
        return text.withUTF8 { bytes in
            otherText.withUTF8 { unsafe bytes.elementsEqual($0) }
        }
    }

    package static func < (one: ExactString, other: ExactString) -> Bool {
        one.text.utf8.lexicographicallyPrecedes(other.text.utf8)
    }

    package func hash(into hasher: inout Hasher) {
        var text = text
        text.withUTF8 { unsafe hasher.combine(bytes: UnsafeRawBufferPointer($0)) }
        // A terminator, which is no byte of UTF-8: a key of ("a", "bc") must not hash as ("ab", "c").
        hasher.combine(0xFF as UInt8)
    }
}

extension ExactString: ExpressibleByStringLiteral, CustomStringConvertible {
    package init(stringLiteral text: String) {
        self.init(text)
    }

    package var description: String { text }
}
