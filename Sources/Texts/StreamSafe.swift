/// Unicode's Stream-Safe Text Format (UAX #15, section 13): no run of combining marks is longer than 30.
///
/// Comparing and normalising text sorts each run of marks in quadratic time: a message with a megabyte of marks would
/// take minutes (denial of service). No language has runs that come near.
package struct StreamSafe {
    /// The most combining marks in a row.
    package static let limit = 30

    /// For error messages: what is wrong with a text.
    package static let refusal = "over \(limit) combining marks in a row"

    private var marks = 0

    /// Whether the text is safe with one more scalar.
    private mutating func take(_ scalar: Unicode.Scalar) -> Bool {
        // A fast path: there are no marks below U+0300.
        let isMark = scalar.value >= 0x300 && scalar.properties.canonicalCombiningClass != .notReordered
        marks = isMark ? marks + 1 : 0
        return marks <= Self.limit
    }

    package static func isSafe(_ text: String) -> Bool {
        var run = StreamSafe()
        return text.unicodeScalars.allSatisfy { run.take($0) }
    }

    /// Whether all strings of a JSON text are safe, with escapes resolved.
    ///
    /// - Parameter json: need not be valid, which the decoder checks
    package static func isSafe(json: [UInt8]) -> Bool {
        // A fast path: 0xCC is the first UTF-8 byte of U+0300, and a backslash begins an escape.
        guard json.contains(where: { $0 >= 0xCC || $0 == UInt8(ascii: "\\") }) else { return true }
        var run = StreamSafe()
        var rest = String(decoding: json, as: UTF8.self).unicodeScalars[...]
        while let scalar = rest.popFirst() {
            var found = scalar
            if scalar == "\\", let kind = rest.popFirst(), kind == "u" {
                let digits = rest.prefix(4)
                rest = rest.dropFirst(4)
                // Half of a surrogate pair is no scalar; skipping it neither ends nor extends a run.
                guard let value = UInt32(String(digits), radix: 16) else { continue }
                guard let escaped = Unicode.Scalar(value) else { continue }
                found = escaped
            }
            guard run.take(found) else { return false }
        }
        return true
    }
}
