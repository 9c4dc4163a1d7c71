import Testing
import Texts

/// Canonically equal in pairs, no two of the same bytes.
private let texts = [
    "", "a", "b", "ab", "caf\u{E9}", "cafe\u{301}", "\u{212B}", "\u{C5}", "A\u{30A}", "\u{11938}", "\u{11935}\u{11930}",
    "\u{AC00}", "\u{1100}\u{1161}", "a\u{323}\u{307}", "a\u{307}\u{323}", "\u{FF}", "z",
]

@Suite struct `an exact string` {
    @Test func `equals what has the same bytes, and nothing else`() {
        for one in texts.indices {
            for other in texts.indices {
                let areEqual = ExactString(texts[one]) == ExactString(texts[other])
                #expect(areEqual == (one == other), "\(one) \(other)")
            }
        }
        #expect(Set(texts.map { ExactString($0) }).count == texts.count)
        #expect(Set(texts).count < texts.count, "as strings some are equal")
    }

    @Test func `is found again by a key made of other storage`() {
        var places: [ExactString: Int] = [:]
        for (place, text) in texts.enumerated() { places[ExactString(text)] = place }
        for (place, text) in texts.enumerated() {
            #expect(places[ExactString(String(decoding: Array(text.utf8), as: UTF8.self))] == place)
        }
    }

    @Test func `comes in the order of its bytes`() {
        let sorted = texts.map { ExactString($0) }.sorted()
        let bytes = texts.map { Array($0.utf8) }.sorted { $0.lexicographicallyPrecedes($1) }
        #expect(sorted.map { Array($0.text.utf8) } == bytes)
    }

    /// Composing them would take the square: 10^11 steps.
    @Test func `of half a million marks is compared, hashed and sorted as others are`() {
        let long = (0..<4).map { ExactString(String(repeating: "\u{301}\u{323}", count: 250_000) + "\($0)") }
        #expect(Set(long + long).count == 4)
        #expect(long.shuffled().sorted() == long)
    }
}

@Suite struct `text that is safe to compose` {
    private func marks(_ count: Int) -> String { "a" + String(repeating: "\u{301}", count: count) + "b" }

    @Test func `has at most thirty marks in a row`() {
        for text in texts + [marks(30), marks(30) + marks(30), String(repeating: "\u{AC00}\u{645}", count: 10_000)] {
            #expect(StreamSafe.isSafe(text))
        }
        for text in [marks(31), "x" + marks(500), "\u{1D165}" + String(repeating: "\u{1D165}\u{301}", count: 16)] {
            #expect(!StreamSafe.isSafe(text))
        }
    }

    @Test func `is looked for in all strings of a JSON text, written plainly or as escapes`() {
        func json(_ text: String) -> [UInt8] { Array("{\"k\": [1, \"\(text)\"], \"\(text)\": {}}".utf8) }
        let escape = #"\u0301"#
        func escaped(_ count: Int) -> String { "a" + String(repeating: escape, count: count) }
        for text in ["plain", #"\\u0301 \n \" \ud83d\ude00"#, marks(30), escaped(30)] {
            #expect(StreamSafe.isSafe(json: json(text)), "\(text)")
        }
        // A mark beyond U+FFFF, as an escape a pair of surrogates.
        let pair = String(repeating: #"\ud834\udd65"#, count: 31)
        for text in [marks(31), escaped(31), escaped(20) + String(repeating: "\u{323}", count: 11), pair] {
            #expect(!StreamSafe.isSafe(json: json(text)), "\(text)")
        }
        for text in ["\(pair.dropLast(12))", #"\ud834x\udd65"#, String(repeating: #"\ud83d\ude00"#, count: 40)] {
            #expect(StreamSafe.isSafe(json: json(text)), "\(text)")
        }
        // JSONDecoder reads UTF-16, too.
        let wide = "[\"\(marks(31))\"]".utf16.flatMap { [UInt8($0 & 0xFF), UInt8($0 >> 8)] }
        #expect(!StreamSafe.isSafe(json: wide))
        // What is cut off, or no UTF-8, is somebody else's to refuse.
        for bytes in [Array(#"{"a\u"#.utf8), Array(#"{"a\"#.utf8), Array(#"\u030"#.utf8), [0xFF, 0xCC, 0x5C]] {
            _ = StreamSafe.isSafe(json: bytes)
        }
    }
}
