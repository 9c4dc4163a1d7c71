import Texts

/// A parser of JSON as Python's `json` reads it, from untrusted bytes: besides JSON there are `Infinity`, `-Infinity`
/// and `NaN`, a number may be larger than any that is finite, and of a key that stands twice the last value counts.
@safe
struct PythonJSON {
    /// Objects and lists that lie in one another.
    private static let depthLimit = 100

    private let bytes: UnsafePointer<UInt8>
    private let count: Int
    private var position = 0

    /// The value that `text` is, with nothing but space around it.
    static func value(_ text: [UInt8]) throws(SafetensorsFault) -> ConfigurationValue {
        try unsafe (text + [0]).withUnsafeBufferPointer { (bytes) throws(SafetensorsFault) in
            guard let base = bytes.baseAddress else { return .null }
            var parser = unsafe PythonJSON(base, count: text.count)
            let value = try parser.value(depth: 0)
            parser.skipSpace()
            guard parser.position == text.count else { throw parser.malformed("the end") }
            return value
        }
    }

    /// Parses `count` bytes, after which a zero byte stands; they must outlive the parser.
    private init(_ bytes: UnsafePointer<UInt8>, count: Int) {
        unsafe self.bytes = bytes
        self.count = count
    }

    private func malformed(_ expected: String) -> SafetensorsFault { .malformed(offset: position, expected: expected) }

    /// The next byte; 0 at the end.
    private var ahead: UInt8 { unsafe bytes[position] }

    private mutating func skipSpace() {
        while [0x20, 0x0a, 0x0d, 0x09].contains(ahead) { position += 1 }
    }

    /// Takes `character` after any space; false, taking nothing, where another stands there.
    private mutating func take(_ character: UInt8) -> Bool {
        skipSpace()
        guard ahead == character else { return false }
        position += 1
        return true
    }

    private mutating func value(depth: Int) throws(SafetensorsFault) -> ConfigurationValue {
        guard depth < Self.depthLimit else { throw malformed("at most \(Self.depthLimit) values in one another") }
        if take(UInt8(ascii: "{")) { return try .object(members(depth: depth)) }
        if take(UInt8(ascii: "[")) { return try .list(elements(depth: depth)) }
        return ahead == UInt8(ascii: "\"") ? try .string(string()) : try word()
    }

    private mutating func members(depth: Int) throws(SafetensorsFault) -> [String: ConfigurationValue] {
        var members: [String: ConfigurationValue] = [:]
        if take(UInt8(ascii: "}")) { return members }
        repeat {
            skipSpace()
            let key = try string()
            guard take(UInt8(ascii: ":")) else { throw malformed("':'") }
            members[key] = try value(depth: depth + 1)
        } while take(UInt8(ascii: ","))
        guard take(UInt8(ascii: "}")) else { throw malformed("',' or '}'") }
        return members
    }

    private mutating func elements(depth: Int) throws(SafetensorsFault) -> [ConfigurationValue] {
        var elements: [ConfigurationValue] = []
        if take(UInt8(ascii: "]")) { return elements }
        repeat { elements.append(try value(depth: depth + 1)) } while take(UInt8(ascii: ","))
        guard take(UInt8(ascii: "]")) else { throw malformed("',' or ']'") }
        return elements
    }

    private mutating func string() throws(SafetensorsFault) -> String {
        var scanner = unsafe JSONScanner(bytes + position, count: count - position)
        do throws(SafetensorsFault) {
            let string = try scanner.string(limit: count)
            position += scanner.position
            return string
        } catch .malformed(let offset, let expected) {
            throw .malformed(offset: position + offset, expected: expected)
        }
    }

    /// A value without quotes or brackets.
    private mutating func word() throws(SafetensorsFault) -> ConfigurationValue {
        let start = position
        while ahead > 0x20, !"{}[],:\"".utf8.contains(ahead) { position += 1 }
        let word = unsafe String(
            decoding: UnsafeBufferPointer(start: bytes + start, count: position - start), as: UTF8.self)
        switch ExactString(word) {
        case ExactString("null"): return .null
        case ExactString("true"): return .bool(true)
        case ExactString("false"): return .bool(false)
        case ExactString("NaN"): return .number(.nan)
        case ExactString("Infinity"): return .number(.infinity)
        case ExactString("-Infinity"): return .number(-.infinity)
        default:
            guard Self.isNumber(word.utf8), let number = Double(word) else {
                throw .malformed(offset: start, expected: "a value")
            }
            return .number(number)
        }
    }

    /// Whether this is a number of JSON, which `Double` reads, as it does others.
    private static func isNumber(_ word: String.UTF8View) -> Bool {
        var rest = word[...]
        func digits() -> Int {
            let count = rest.prefix { (0x30...0x39).contains($0) }.count
            rest = rest.dropFirst(count)
            return count
        }
        func take(_ characters: String) -> Bool {
            guard let first = rest.first, characters.utf8.contains(first) else { return false }
            rest = rest.dropFirst()
            return true
        }
        _ = take("-")
        let hasZero = rest.first == 0x30
        let whole = digits()
        guard whole == 1 || whole > 1 && !hasZero else { return false }
        if take("."), digits() == 0 { return false }
        if take("eE") {
            _ = take("+-")
            if digits() == 0 { return false }
        }
        return rest.isEmpty
    }
}
