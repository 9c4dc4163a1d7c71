/// A string that equals only what has the same UTF-8 bytes.
///
/// `String` compares and hashes canonically. So "é" equals "e" with an accent, though a tokenizer may read other tokens
/// there; and the marks of a run are sorted for each comparison, which costs the square of their number.
package struct ExactString: Hashable, Comparable, Sendable {
    package let text: String

    package init(_ text: String) {
        self.text = text
    }

    package static func == (one: ExactString, other: ExactString) -> Bool {
        one.text.utf8.count == other.text.utf8.count && one.text.utf8.elementsEqual(other.text.utf8)
    }

    package static func < (one: ExactString, other: ExactString) -> Bool {
        one.text.utf8.lexicographicallyPrecedes(other.text.utf8)
    }

    package func hash(into hasher: inout Hasher) {
        var text = text
        text.withUTF8 { unsafe hasher.combine(bytes: UnsafeRawBufferPointer($0)) }
        // Ends the text, so that those of a key with several do not run together; no UTF-8 has this byte.
        hasher.combine(0xFF as UInt8)
    }
}

extension ExactString: ExpressibleByStringLiteral, CustomStringConvertible {
    package init(stringLiteral text: String) {
        self.init(text)
    }

    package var description: String { text }
}
