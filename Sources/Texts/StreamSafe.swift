import Limits

/// Unicode's Stream-Safe Text Format (UAX #15, section 13): no run of combining marks is longer than 30.
///
/// Comparing and normalising text sorts each run of marks in quadratic time: a message with a megabyte of marks would
/// take minutes (denial of service). No language has runs that come near.
package struct StreamSafe {
    /// For error messages: what is wrong with a text.
    package static let refusal = "over \(Limit.combiningMarks) combining marks in a row"
    /// The same of a JSON text.
    package static let refusalOfJSON = "\(refusal), or zero bytes"

    private var marks = 0

    /// Whether the text is safe with one more scalar.
    private mutating func take(_ scalar: Unicode.Scalar) -> Bool {
        // A fast path: there are no marks below U+0300.
        let isMark = scalar.value >= 0x300 && scalar.properties.canonicalCombiningClass != .notReordered
        marks = isMark ? marks + 1 : 0
        return marks <= Limit.combiningMarks
    }

    package static func isSafe(_ text: String) -> Bool {
        var run = StreamSafe()
        return text.unicodeScalars.allSatisfy { run.take($0) }
    }

    /// Whether all strings of a JSON text are safe, with escapes resolved.
    ///
    /// A text with a zero byte is not: `JSONDecoder` takes it for UTF-16 or UTF-32, where other bytes are marks.
    ///
    /// - Parameter json: need not be valid, which the decoder checks
    package static func isSafe(json: [UInt8]) -> Bool {
        guard !json.contains(0) else { return false }
        // A fast path: 0xCC is the first UTF-8 byte of U+0300, and a backslash begins an escape.
        guard json.contains(where: { $0 >= 0xCC || $0 == UInt8(ascii: "\\") }) else { return true }
        var run = StreamSafe()
        var rest = String(decoding: json, as: UTF8.self).unicodeScalars[...]
        var high: UInt32?
        while let scalar = rest.popFirst() {
            var found = scalar
            if scalar == "\\", let kind = rest.popFirst(), kind == "u" {
                let digits = rest.prefix(4)
                rest = rest.dropFirst(4)
                // A half that no other follows is no scalar; skipping it neither ends nor extends a run.
                guard let value = UInt32(String(digits), radix: 16) else { continue }
                let pair = value < 0xDC00 ? nil : high.map { 0x1_0000 + ($0 & 0x3FF) << 10 + value & 0x3FF }
                high = (0xD800..<0xDC00).contains(value) ? value : nil
                guard let escaped = Unicode.Scalar(value) ?? pair.flatMap(Unicode.Scalar.init) else { continue }
                found = escaped
            } else {
                high = nil
            }
            guard run.take(found) else { return false }
        }
        return true
    }
}
