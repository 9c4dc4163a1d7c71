import RPC
import Results
import Testing

struct StreamsTests {
    @Test func `what a terminal would obey is not printed`() {
        #expect(Streams.printable("a\u{1B}[31mb\n\u{7F}\u{9B}c\0") == "a\u{FFFD}[31mb\u{FFFD}\u{FFFD}\u{FFFD}c\u{FFFD}")
    }

    @Test func `what turns the direction of writing, or begins a line, is not printed`() {
        for mark in ["\u{202E}", "\u{2066}", "\u{200F}", "\u{61C}", "\u{2028}", "\u{2029}", "\u{85}"] {
            #expect(Streams.printable("a\(mark)b") == "a\u{FFFD}b")
        }
        #expect(Streams.printable(PathText.text(of: [0x61, 0xFF])) == "a\u{FFFD}")
    }

    @Test(arguments: ["", "cat 12.3 %", "naïve 日本語 🙂\u{200D}", "out/a b.png"])
    func `ordinary text stays as it is`(text: String) {
        #expect(Streams.printable(text) == text)
    }
}
