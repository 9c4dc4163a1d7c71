import FoundationEssentials

/// JSON as the programs print and store it.
package enum JSONLine {
    /// One line, the keys sorted. Control and bidi characters are escaped, also those that JSON would allow, so that
    /// the text is safe on a terminal.
    ///
    /// - Parameter value: of strings, finite numbers, Booleans, and arrays and objects of them, which can be encoded
    package static func text(of value: some Encodable) -> String {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
        let text = (try? encoder.encode(value)).map { String(decoding: $0, as: UTF8.self) } ?? "{}"
        guard text.unicodeScalars.contains(where: Streams.isObeyed) else { return text }
        return text.unicodeScalars.map { scalar in
            guard Streams.isObeyed(scalar) else { return String(scalar) }
            let digits = String(scalar.value, radix: 16)
            return "\\u" + String(repeating: "0", count: 4 - digits.count) + digits
        }.joined()
    }
}
