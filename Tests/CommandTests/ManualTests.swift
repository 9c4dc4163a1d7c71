import Support
import Testing

/// The manual's pages: what they repeat of the help is what the programs say, and readers of roff find no fault.
@Suite struct ManualTests {
    static let pages = ["dseg.1", "dseg-bench.1", "dsegd.8", "dseg-formats.7"]

    private func path(_ page: String) -> String { "\(Repository.root)/Packaging/man/\(page)" }

    @Test func `the pages repeat the help as it is`() throws {
        let script = "\(Repository.root)/Packaging/manual.py"
        let ending = try run(["/usr/bin/python3", "-B", script, "--check", Repository.programs])
        #expect(ending.code == 0, "run make manual:\n\(ending.text)\(ending.errors)")
    }

    @Test func `a page that says something else is seen`() throws {
        let copy = try TemporaryDirectory()
        #expect(shell("cp -r '\(Repository.root)/Packaging/'* '\(copy.path)'").status == 0)
        #expect(shell("sed -i 's/queued/counted/' '\(copy.path)/man/dsegd.8'").status == 0)
        let ending = try run(
            ["/usr/bin/python3", "-B", "\(copy.path)/manual.py", "--check", Repository.programs])
        #expect(ending.code == 1 && ending.text.contains("-The most calls that may be counted"))
    }

    @Test(.enabled(if: shell("command -v groff").status == 0, "groff is not installed"), arguments: pages)
    func `groff has no warnings`(page: String) {
        let answer = shell("groff -man -ww -Tutf8 -z '\(path(page))'")
        #expect(answer.status == 0 && answer.output == "")
    }

    @Test(.enabled(if: shell("command -v mandoc").status == 0, "mandoc is not installed"), arguments: pages)
    func `mandoc has no warnings`(page: String) {
        let answer = shell("mandoc -T lint -W warning '\(path(page))'")
        #expect(answer.status == 0 && answer.output == "")
    }

    @Test(.enabled(if: shell("command -v man").status == 0, "man is not installed"), arguments: pages)
    func `man shows the page, and what it is about`(page: String) {
        let shown = "MANWIDTH=80 LC_ALL=C.UTF-8 man --warnings -l '\(path(page))'"
        #expect(shell("\(shown) 2>/dev/null").output.contains("SEE ALSO"))
        #expect(shell("\(shown) 2>&1 >/dev/null").output == "")
    }
}
