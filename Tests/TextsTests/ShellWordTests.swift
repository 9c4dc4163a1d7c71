import Support
import Testing
import Texts

@Suite struct ShellWordTests {
    @Test func `a text is quoted as a shell reads it`() {
        for text in ["a b", "it's", "'\u{301}", "$HOME", "~", "~root/x", "*", "", "a\nb"] {
            #expect(shell("printf %s \(ShellWord.quoted(text))").output == text)
        }
        #expect(ShellWord.quoted("/run/user/7/dseg.sock") == "/run/user/7/dseg.sock")
    }
}
