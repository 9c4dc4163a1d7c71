import FoundationEssentials
import Glibc
import RPC
import Support
import Testing

/// `dseg top` and `dseg metrics`, with a real daemon and a real terminal.
@Suite struct TopTests {
    private let place: TemporaryDirectory

    init() throws { place = try TemporaryDirectory() }

    /// What a terminal showed, how `dseg top` ended, and whether it left the terminal as it was.
    private func top(
        _ options: [String], at socket: String, rows: Int = 40, _ steps: [String], environment: [String: String] = [:]
    ) throws -> (shown: String, ending: String) {
        let script = "\(Repository.fixtures)/top/screen.py"
        let ending = try run(
            ["/usr/bin/python3", script, "\(rows)", "100", Repository.dseg, "top", "--socket", socket] + options,
            input: Array(steps.joined(separator: "\n").utf8), environment: ["TERM": "xterm"].merging(environment) { $1 }
        )
        try #require(ending.code == 0, "\(ending.errors)")
        return (ending.text, ending.errors)
    }

    private static let entering = "\u{1B}[?1049h\u{1B}[?25l\u{1B}[?7l\u{1B}[Hdsegd"
    private static let leaving = "\u{1B}[?7h\u{1B}[?25h\u{1B}[?1049l"

    @Test(arguments: [("type q", "0 True\n"), ("type \u{3}", "130 True\n"), ("signal 15", "143 True\n")])
    func `a terminal is as it was when the watch ends`(last: String, ending: String) throws {
        let daemon = try Daemon()
        let seen = try top(["--interval", "0.2"], at: daemon.socket, ["see dsegd ", "see dsegd ", last])
        #expect(seen.ending == ending)
        #expect(seen.shown.hasPrefix(Self.entering) && seen.shown.hasSuffix(Self.leaving), "\(seen.shown)")
        #expect(seen.shown.contains("\u{1B}[K\r\nqueue     0 of "))
    }

    @Test func `a window that shrinks is drawn anew at once`() throws {
        let daemon = try Daemon()
        let seen = try top(
            ["--interval", "60"], at: daemon.socket, ["see memory ", "size 3 100", "see lines more", "type q"])
        #expect(seen.ending == "0 True\n")
        let last = try #require(seen.shown.components(separatedBy: "\u{1B}[H").last)
        #expect(last.split(separator: "\r\n").count == 3, "\(last)")
    }

    /// Also right after it was drawn, when it does not wait yet.
    @Test func `whenever the window changes, it is drawn anew`() throws {
        let daemon = try Daemon()
        let change = ["size 3 100", "see lines more", "size 40 100", "see memory "]
        let changes = Array(repeating: change, count: 100).flatMap { $0 }
        let seen = try top(["--interval", "60"], at: daemon.socket, ["see memory "] + changes + ["type q"])
        #expect(seen.ending == "0 True\n")
    }

    @Test func `a daemon that restarts is told, and asked again`() throws {
        let socket = "\(place.path)/dseg.sock"
        let first = try Daemon(starting: [], socket: socket)
        #expect(eventually { Daemon.answers(at: socket) })
        let again =
            "'\(Repository.dsegd)' serve --socket '\(socket)' > '\(place.path)/log' 2>&1 & echo $! > '\(place.path)/id'"
        defer {
            let text = (try? String(contentsOfFile: "\(place.path)/id", encoding: .utf8)) ?? ""
            if let id = pid_t(text.split(separator: "\n").first ?? "") { kill(id, SIGTERM) }
        }
        let seen = try top(
            ["--interval", "0.2"], at: socket,
            [
                "see dsegd ", "run kill -9 \(first.child.process)", "see The daemon has not answered", "run \(again)",
                "see The daemon has restarted.", "see dsegd ", "type q",
            ])
        #expect(seen.ending == "0 True\n")
        #expect(seen.shown.contains("this is what it said last."))
    }

    @Test(arguments: [["TERM": "dumb"], ["TERM": ""]])
    func `a terminal without escape sequences gets one look, and none of them`(environment: [String: String]) throws {
        let daemon = try Daemon()
        let seen = try top([], at: daemon.socket, [], environment: environment)
        #expect(seen.ending == "0 True\n")
        #expect(seen.shown.hasPrefix("dsegd ") && !seen.shown.contains("\u{1B}"), "\(seen.shown)")
    }

    @Test func `a look is printed once where nobody watches`() throws {
        let daemon = try Daemon()
        for options in [[], ["--once"]] {
            let ending = try daemon.dseg(["top"] + options)
            #expect(ending.code == 0 && ending.errors == "")
            #expect(ending.text.hasPrefix("dsegd     \(Version.current), up ") && ending.text.contains("\nmemory    "))
        }
        #expect(try top(["--once"], at: daemon.socket, []).shown.hasPrefix("dsegd "))
        #expect(try run([Repository.dseg, "top", "--socket", "\(place.path)/none"]).code == 69)
        for interval in ["0", "0.05", "3601", "nan"] {
            #expect(try daemon.dseg(["top", "--interval", interval]).code == 64)
        }
    }

    @Test func `metrics are printed, or a file is replaced as a whole`() throws {
        let daemon = try Daemon()
        let printed = try daemon.dseg(["metrics"])
        #expect(printed.code == 0 && printed.errors == "")
        #expect(printed.text.hasPrefix("# HELP ") && printed.text.hasSuffix("\n"))
        #expect(printed.text.contains("\n# TYPE dseg_requests_total counter\n"))
        #expect(try daemon.dseg(["metrics", "-o", "-"]).text.hasPrefix("# HELP "))
        let file = "\(place.path)/dseg.prom"
        try write(Array("older".utf8), to: file)
        let before = FileStatus(file)?.inode
        let written = try daemon.dseg(["metrics", "-o", file])
        #expect(written.code == 0 && written.text == "" && written.errors == "")
        #expect(String(decoding: try bytes(file), as: UTF8.self).contains("\ndseg_serving 1\n"))
        #expect(FileStatus(file)?.inode != before)
        #expect(try FileManager.default.contentsOfDirectory(atPath: place.path) == ["dseg.prom"])
        #expect(try daemon.dseg(["metrics", "-o", "\(place.path)/no/folder/x"]).code == 73)
        #expect(try daemon.dseg(["metrics", "-o", ""]).code == 64)
        #expect(try run([Repository.dseg, "metrics", "--socket", "\(place.path)/none"]).code == 69)
    }
}
