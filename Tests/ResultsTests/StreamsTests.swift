import Glibc
import RPC
import Testing

@testable import Results

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

    @Test func `a descriptor that does not block is waited for`() throws {
        func withPipe(blocking: Int, _ body: (_ reader: CInt, _ writer: CInt) throws -> Void) throws {
            var ends: [CInt] = [0, 0]
            #expect(unsafe pipe(&ends) == 0)
            #expect(fcntl(ends[1 - blocking], F_SETFL, O_NONBLOCK) == 0)
            try body(ends[0], ends[1])
        }
        try withPipe(blocking: 1) { reader, writer in
            let other = unsafe try #require(popen("sleep 0.2; head -c 1000000 /dev/zero >&\(writer)", "r"))
            close(writer)
            #expect(try InputFile.bytes(at: "/dev/fd/\(reader)").count == 1_000_000)
            close(reader)
            unsafe pclose(other)
        }
        try withPipe(blocking: 0) { reader, writer in
            let command = "exec \(writer)>&-; sleep 0.2; test $(cat <&\(reader) | wc -c) = 1000000"
            let other = unsafe try #require(popen(command, "r"))
            close(reader)
            #expect(Streams.write([UInt8](repeating: 7, count: 1_000_000), to: writer))
            close(writer)
            #expect(unsafe pclose(other) == 0)
        }
    }
}
