import Results
import Testing

struct StreamsTests {
    @Test func `what a terminal would obey is not printed`() {
        #expect(Streams.printable("a\u{1B}[31mb\n\u{7F}\u{9B}c\0") == "a\u{FFFD}[31mb\u{FFFD}\u{FFFD}\u{FFFD}c\u{FFFD}")
    }

    @Test(arguments: ["", "cat 12.3 %", "naïve 日本語 🙂\u{200D}", "out/a b.png"])
    func `ordinary text stays as it is`(text: String) {
        #expect(Streams.printable(text) == text)
    }
}
