/// Unicode's Stream-Safe Text Format (UAX #15, section 13): no run of combining marks is longer than 30.
///
/// To compare or to compose text its marks are put in order, which takes the square of a run's length: a file or a
/// message of a megabyte of marks would keep its reader busy for minutes. No language has runs that come near.
package struct StreamSafe {
    /// Combining marks in a row.
    package static let limit = 30

    /// Why a text is refused.
    package static let refusal = "over \(limit) combining marks in a row"

    private var marks = 0

    /// Whether the text is safe with one more scalar.
    private mutating func take(_ scalar: Unicode.Scalar) -> Bool {
        // No scalar below is a mark, and most text has none above.
        let isMark = scalar.value >= 0x300 && scalar.properties.canonicalCombiningClass != .notReordered
        marks = isMark ? marks + 1 : 0
        return marks <= Self.limit
    }

    package static func isSafe(_ text: String) -> Bool {
        var run = StreamSafe()
        return text.unicodeScalars.allSatisfy { run.take($0) }
    }

    /// Whether all strings of a JSON text are safe, their escapes resolved.
    ///
    /// - Parameter json: perhaps none; whatever reads it says so
    package static func isSafe(json: [UInt8]) -> Bool {
        // The first byte of the first mark, U+0300; and what an escape begins with.
        guard json.contains(where: { $0 >= 0xCC || $0 == UInt8(ascii: "\\") }) else { return true }
        var run = StreamSafe()
        var rest = String(decoding: json, as: UTF8.self).unicodeScalars[...]
        while let scalar = rest.popFirst() {
            var found = scalar
            if scalar == "\\", let kind = rest.popFirst(), kind == "u" {
                let digits = rest.prefix(4)
                rest = rest.dropFirst(4)
                // Half of a surrogate pair is no scalar. The marks beyond U+FFFF are few; they break no run.
                guard let value = UInt32(String(digits), radix: 16) else { continue }
                guard let escaped = Unicode.Scalar(value) else { continue }
                found = escaped
            }
            guard run.take(found) else { return false }
        }
        return true
    }
}
