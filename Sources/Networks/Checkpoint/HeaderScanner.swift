/// Reads the tokens of a safetensors header, one after another, from bytes that nobody vouched for.
///
/// It knows only the JSON that such headers consist of: strings, non-negative integers and the
/// punctuation around them. There is no general value, hence no recursion to exhaust.
struct HeaderScanner {
    /// No name, type or metadata key is longer; a metadata value may be.
    static let nameLimit = 1024

    private let bytes: [UInt8]
    private(set) var position = 0

    init(_ bytes: [UInt8]) {
        self.bytes = bytes
    }

    var isAtEnd: Bool { position == bytes.count }

    /// The byte ahead, or nil at the end.
    private var ahead: UInt8? { isAtEnd ? nil : bytes[position] }

    func malformed(_ expected: String) -> SafetensorsFault {
        .malformed(offset: position, expected: expected)
    }

    mutating func skipSpace() {
        while let byte = ahead, byte == 0x20 || byte == 0x0a || byte == 0x0d || byte == 0x09 {
            position += 1
        }
    }

    /// Takes `character` after any space; false, taking nothing, where another stands there.
    mutating func take(_ character: Unicode.Scalar) -> Bool {
        skipSpace()
        guard let byte = ahead, UInt32(byte) == character.value else { return false }
        position += 1
        return true
    }

    mutating func expect(_ character: Unicode.Scalar) throws(SafetensorsFault) {
        guard take(character) else { throw malformed("'\(character)'") }
    }

    /// A non-negative integer without sign, fraction, exponent or leading zeros.
    mutating func integer() throws(SafetensorsFault) -> Int {
        skipSpace()
        let start = position
        var value = 0
        while let byte = ahead, (0x30...0x39).contains(byte) {
            let (tens, overflow) = value.multipliedReportingOverflow(by: 10)
            let (sum, carry) = tens.addingReportingOverflow(Int(byte - 0x30))
            guard !overflow, !carry else { throw malformed("an integer below 2^63") }
            value = sum
            position += 1
        }
        guard position > start else { throw malformed("a non-negative integer") }
        guard position == start + 1 || bytes[start] != 0x30 else {
            throw .malformed(offset: start, expected: "an integer without leading zeros")
        }
        return value
    }

    /// A string of at most `limit` bytes as it stands in the file, its escapes resolved.
    mutating func string(limit: Int) throws(SafetensorsFault) -> String {
        try expect("\"")
        let start = position
        var resolved: [UInt8] = []
        var plain = position
        while let byte = ahead, byte != 0x22 {
            guard byte >= 0x20 else { throw malformed("no control character in a string") }
            guard position - start < limit else {
                throw malformed("a string of at most \(limit) bytes")
            }
            if byte == 0x5c {
                resolved.append(contentsOf: bytes[plain..<position])
                position += 1
                resolved.append(contentsOf: String(try escape()).utf8)
                plain = position
            } else {
                position += 1
            }
        }
        resolved.append(contentsOf: bytes[plain..<position])
        try expect("\"")
        guard let string = String(validating: resolved, as: UTF8.self) else {
            throw .malformed(offset: start, expected: "UTF-8")
        }
        return string
    }

    /// What stands after a backslash.
    private mutating func escape() throws(SafetensorsFault) -> Unicode.Scalar {
        guard let byte = ahead else { throw malformed("an escape") }
        position += 1
        switch byte {
        case 0x22, 0x2f, 0x5c: return Unicode.Scalar(byte)
        case 0x62: return "\u{08}"
        case 0x66: return "\u{0c}"
        case 0x6e: return "\n"
        case 0x72: return "\r"
        case 0x74: return "\t"
        case 0x75: return try escapedScalar()
        default: throw .malformed(offset: position - 1, expected: "an escape of JSON")
        }
    }

    /// The four digits after `\u`, and the second half where they are the first of a pair.
    private mutating func escapedScalar() throws(SafetensorsFault) -> Unicode.Scalar {
        let start = position
        var value = try fourHexDigits()
        if (0xd800..<0xdc00).contains(value) {
            guard takeExactly(0x5c), takeExactly(0x75) else {
                throw malformed("the second half of a surrogate pair")
            }
            let low = try fourHexDigits()
            guard (0xdc00..<0xe000).contains(low) else {
                throw malformed("the second half of a surrogate pair")
            }
            value = 0x1_0000 + (value - 0xd800) << 10 + (low - 0xdc00)
        }
        guard let scalar = Unicode.Scalar(value) else {
            throw .malformed(offset: start, expected: "a surrogate pair in order")
        }
        return scalar
    }

    private mutating func takeExactly(_ byte: UInt8) -> Bool {
        guard ahead == byte else { return false }
        position += 1
        return true
    }

    private mutating func fourHexDigits() throws(SafetensorsFault) -> UInt32 {
        var value: UInt32 = 0
        for _ in 0..<4 {
            guard let byte = ahead,
                let digit = Character(Unicode.Scalar(byte)).hexDigitValue
            else {
                throw malformed("four hexadecimal digits")
            }
            value = value << 4 | UInt32(digit)
            position += 1
        }
        return value
    }
}
