import Results
import Testing

/// Other programs are run for what they print, and bounded.
@Suite struct OtherProgramTests {
    private func shell(_ text: String, within limit: Duration = .seconds(60)) -> OtherProgram.Ending? {
        OtherProgram.run(["/bin/sh", "-c", text], within: limit)
    }

    @Test func `its exit code and standard output are told, messages are not`() throws {
        let ending = try #require(shell("echo '  two   words '; echo more; echo no >&2; exit 3"))
        #expect(ending.code == 3 && ending.line == "two words")
        #expect(String(decoding: ending.output, as: UTF8.self) == "  two   words \nmore\n")
        #expect(shell("kill -9 $$")?.code == 137)
        #expect(shell("cat")?.output == [], "there is no input")
        #expect(shell("head -c 300000 /dev/zero")?.output.count == 300_000)
    }

    @Test(arguments: ["sleep 600", "sleep 600 & echo begun", "exec >&-; sleep 600", "yes"])
    func `what does not end, or says too much, is given up on`(text: String) {
        let start = ContinuousClock.now
        #expect(shell(text, within: .seconds(1)) == nil)
        #expect(ContinuousClock.now - start < .seconds(30))
    }

    @Test func `a program that is not there is none`() {
        #expect(OtherProgram.run(["/nowhere/dsegd"], within: .seconds(60)) == nil)
        #expect(OtherProgram.run(["no-such-program-of-dseg"], within: .seconds(60)) == nil)
    }
}
