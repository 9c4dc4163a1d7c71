import Foundation
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

    /// A child that another test starts meanwhile must not hold an end open, hence `FD_CLOEXEC`.
    @Test(arguments: [0, 1]) func `a descriptor that does not block is waited for`(nonblocking: Int) async throws {
        var ends: [CInt] = [0, 0]
        #expect(unsafe pipe(&ends) == 0)
        for end in ends { #expect(fcntl(end, F_SETFD, FD_CLOEXEC) == 0) }
        #expect(fcntl(ends[nonblocking], F_SETFL, O_NONBLOCK) == 0)
        let (reader, writer) = (ends[0], ends[1])
        let bytes = [UInt8](repeating: 7, count: 1_000_000)
        let pause: UInt32 = 200_000
        async let wrote = withCheckedContinuation { done in
            Thread.detachNewThread {
                // The reader comes first: it finds a pipe that is empty.
                if nonblocking == 0 { usleep(pause) }
                let wrote = Streams.write(bytes, to: writer)
                close(writer)
                done.resume(returning: wrote)
            }
        }
        let read: [UInt8] = try await withCheckedThrowingContinuation { done in
            Thread.detachNewThread {
                // The writer comes first: it finds a pipe that is full.
                if nonblocking == 1 { usleep(pause) }
                done.resume(with: Result { try Array(InputFile.bytes(at: "/dev/fd/\(reader)")) })
            }
        }
        let same = read == bytes
        #expect(same, "\(read.count) bytes were read")
        #expect(await wrote)
        close(reader)
    }
}
