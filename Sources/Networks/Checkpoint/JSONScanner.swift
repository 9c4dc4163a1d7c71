import Glibc

/// A tokenizer for safetensors headers and vocabularies, from untrusted bytes.
///
/// It knows only the JSON that such headers consist of: strings, non-negative integers and punctuation. Values of other
/// kinds can be skipped. Nothing recurses, so that no nesting overflows the stack.
@safe
struct JSONScanner {
    /// No name, type or metadata key is longer; a metadata value may be.
    static let nameLimit = 1024

    /// The bytes that end a run without escapes: quote, backslash, control characters.
    private static let stringEnds = "\"\\" + String(decoding: 0x01...0x1f, as: UTF8.self)

    private let bytes: UnsafePointer<UInt8>
    let count: Int
    private(set) var position = 0

    /// Scans `count` bytes, after which a zero byte stands; they must outlive the scanner.
    init(_ bytes: UnsafePointer<UInt8>, count: Int) {
        unsafe self.bytes = bytes
        self.count = count
    }

    var isAtEnd: Bool { position == count }

    /// The next byte; at the end the terminator 0, which no header may contain.
    private var ahead: UInt8 { unsafe bytes[position] }

    func malformed(_ expected: String) -> SafetensorsFault {
        .malformed(offset: position, expected: expected)
    }

    mutating func skipSpace() {
        guard ahead <= 0x20 else { return }
        unsafe position += strspn(cString, " \n\r\t")
    }

    /// The rest as a C string, up to the next zero byte.
    private var cString: UnsafePointer<CChar> {
        unsafe UnsafeRawPointer(bytes + position).assumingMemoryBound(to: CChar.self)
    }

    /// Takes `character` after any space; false, taking nothing, where another stands there.
    mutating func take(_ character: UInt8) -> Bool {
        skipSpace()
        guard ahead == character else { return false }
        position += 1
        return true
    }

    /// Whether a string comes next, after any space.
    var isAtString: Bool {
        mutating get {
            skipSpace()
            return ahead == UInt8(ascii: "\"")
        }
    }

    mutating func expect(_ character: UInt8) throws(SafetensorsFault) {
        guard take(character) else { throw malformed("'\(Unicode.Scalar(character))'") }
    }

    /// Takes `word` in quotes, spelled without escapes, after any space; false, taking nothing,
    /// where something else stands there.
    mutating func takeWord(_ word: StaticString) -> Bool {
        skipSpace()
        let length = word.utf8CodeUnitCount
        guard ahead == UInt8(ascii: "\""), length + 2 <= count - position else { return false }
        let start = unsafe bytes + position + 1
        guard unsafe memcmp(start, word.utf8Start, length) == 0,
            unsafe start[length] == UInt8(ascii: "\"")
        else { return false }
        position += length + 2
        return true
    }

    /// A non-negative integer without sign, fraction, exponent or leading zeros.
    mutating func integer() throws(SafetensorsFault) -> Int {
        skipSpace()
        let start = position
        var value = 0
        while ahead >= 0x30, ahead <= 0x39 {
            let (tens, overflow) = value.multipliedReportingOverflow(by: 10)
            let (sum, carry) = tens.addingReportingOverflow(Int(ahead - 0x30))
            guard !overflow, !carry else { throw malformed("an integer below 2^63") }
            value = sum
            position += 1
        }
        guard position > start else { throw malformed("a non-negative integer") }
        guard unsafe position == start + 1 || bytes[start] != 0x30 else {
            throw .malformed(offset: start, expected: "an integer without leading zeros")
        }
        return value
    }

    /// A string of at most `limit` bytes in the file, unescaped.
    mutating func string(limit: Int) throws(SafetensorsFault) -> String {
        try expect(UInt8(ascii: "\""))
        let start = position
        var string = try plainRun(limit: limit)
        while takeExactly(0x5c) {
            string.unicodeScalars.append(try escape())
            string += try plainRun(limit: limit - (position - start))
        }
        guard takeExactly(UInt8(ascii: "\"")) else {
            throw malformed("the rest of a string, without control characters")
        }
        return string
    }

    /// Skips a string of any length; that its text and escapes are right is not checked.
    ///
    /// - Returns: its bytes in the file, without quotes
    mutating func skipString() throws(SafetensorsFault) -> Int {
        try expect(UInt8(ascii: "\""))
        let start = position
        while true {
            unsafe position += Int(strcspn(cString, JSONScanner.stringEnds))
            guard takeExactly(0x5c) else { break }
            guard ahead >= 0x20 else { throw malformed("an escape") }
            position += 1
        }
        guard takeExactly(UInt8(ascii: "\"")) else {
            throw malformed("the rest of a string, without control characters")
        }
        return position - 1 - start
    }

    /// Skips a value of any kind, whatever is nested in it; that it is written well is not checked.
    mutating func skipValue() throws(SafetensorsFault) {
        var depth = 0
        repeat {
            skipSpace()
            switch ahead {
            case UInt8(ascii: "\""): _ = try skipString()
            case UInt8(ascii: "{"), UInt8(ascii: "["): (depth, position) = (depth + 1, position + 1)
            case UInt8(ascii: "}"), UInt8(ascii: "]"):
                guard depth > 0 else { throw malformed("a value") }
                (depth, position) = (depth - 1, position + 1)
            case UInt8(ascii: ","), UInt8(ascii: ":"): position += 1
            default:
                let length = unsafe Int(strcspn(cString, "\"{}[],: \n\r\t"))
                guard length > 0 else { throw malformed("a value") }
                position += length
            }
        } while depth > 0
    }

    /// The part of a string, at most `limit` bytes, up to its end or the next escape.
    private mutating func plainRun(limit: Int) throws(SafetensorsFault) -> String {
        var length = 0
        while length <= limit, case let byte = unsafe bytes[position + length],
            byte >= 0x20, byte != UInt8(ascii: "\""), byte != 0x5c
        {
            length += 1
        }
        guard length <= limit else { throw malformed("a string within its limit of bytes") }
        let run = unsafe UnsafeBufferPointer(start: bytes + position, count: length)
        // What is no UTF-8 is repaired by this, and is then not the same. `String(validating:as:)` asks at each call
        // what type the encoding is: it takes longer for a hundred thousand names.
        var string = unsafe String(decoding: run, as: UTF8.self)
        guard string.withUTF8({ unsafe $0.elementsEqual(run) }) else { throw malformed("UTF-8") }
        position += length
        return string
    }

    /// An escape, after its backslash.
    private mutating func escape() throws(SafetensorsFault) -> Unicode.Scalar {
        let byte = ahead
        guard byte != 0 else { throw malformed("an escape") }
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

    /// The four digits after `\u`, and the low surrogate's escape where they are a high surrogate.
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
            guard let digit = Character(Unicode.Scalar(ahead)).hexDigitValue else {
                throw malformed("four hexadecimal digits")
            }
            value = value << 4 | UInt32(digit)
            position += 1
        }
        return value
    }
}
