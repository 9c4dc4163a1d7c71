import FoundationEssentials
import Glibc
import Support
import Testing

/// Pipes that close, and a terminal that shows progress.
@Suite struct TerminalTests {
    private let daemon: Daemon
    private let place: TemporaryDirectory

    init() throws {
        daemon = try Daemon()
        place = try TemporaryDirectory()
    }

    /// Runs `dseg` with a standard output that nobody reads.
    private func runUnread(_ trap: String, _ arguments: [String]) throws -> Program.Ending {
        // The reader is gone before the writer starts.
        let script = """
            \(trap)
            mkfifo "$0"
            exec 3<> "$0" 4> "$0" 3>&-
            exec "$@" >&4 4>&-
            """
        return try run(
            ["/bin/bash", "-c", script, "\(place.path)/pipe", Repository.dseg] + arguments
                + ["--socket", daemon.socket])
    }

    @Test(arguments: ["trap - PIPE", "trap '' PIPE"])
    func `a reader that went away ends it quietly`(trap: String) throws {
        let status = try runUnread(trap, ["status"])
        #expect(status.code == 141)
        #expect(status.errors == "")
        try FileManager.default.removeItem(atPath: "\(place.path)/pipe")
        let mask = try runUnread(trap, ["mask", Repository.picture, "boat", "-o", place.path])
        #expect(mask.code == 141)
        #expect(mask.errors == "wrote \(place.path)/scene_501_0037.mask.png\n")
        #expect(try IndexPicture(at: "\(place.path)/scene_501_0037.mask.png").width == 192)
    }

    @Test(arguments: ["dseg", "dsegd"])
    func `standard output that is closed is told, and nobody else gets what was meant for it`(program: String) throws {
        let arguments = program == "dseg" ? ["--socket", daemon.socket] : []
        let path = "\(Repository.programs)/\(program)"
        let mask = [path, "mask", Repository.picture, "boat", "-o", place.path]
        let ending = try run(["/bin/bash", "-c", "exec \"$@\" >&-", "sh"] + mask + arguments)
        #expect(ending.code == 73)
        #expect(ending.errors.contains("cannot write standard output"), "\(ending.errors)")
        let unread = ["/bin/bash", "-c", "exec \"$@\" <&-", "sh", path, "mask", "-", "boat"]
        #expect(try run(unread + arguments).code == 66)
    }

    private static let hasTerminal = exists("/usr/bin/script")

    /// The daemon sleeps until the line has been seen.
    @Test(.enabled(if: hasTerminal, "script(1) is not installed"))
    func `a terminal shows what is waited for, and the line goes away`() throws {
        daemon.signal(SIGSTOP)
        let asking = try Program(
            [
                "/usr/bin/script", "-qefc",
                "'\(Repository.dseg)' mask '\(Repository.picture)' boat -o '\(place.path)' --socket '\(daemon.socket)'",
                "\(place.path)/seen",
            ], environment: ["TERM": "xterm"])
        let line = "\r\u{1B}[Kwaiting for an answer about \(Repository.picture)  "
        #expect(eventually { String(decoding: asking.output, as: UTF8.self).contains(line) })
        daemon.signal(SIGCONT)
        let ending = try asking.ending()
        #expect(ending.code == 0)
        #expect(ending.text.contains("\r\u{1B}[Kwrote \(place.path)/scene_501_0037.mask.png"))
        #expect(ending.text.contains("boat "))
    }

    @Test(.enabled(if: hasTerminal, "script(1) is not installed"), arguments: ["dumb", ""])
    func `a terminal without escape sequences gets none`(kind: String) throws {
        daemon.signal(SIGSTOP)
        let asking = try Program(
            [
                "/usr/bin/script", "-qefc",
                "'\(Repository.dseg)' mask '\(Repository.picture)' boat -o '\(place.path)' --socket '\(daemon.socket)'",
                "\(place.path)/seen",
            ], environment: ["TERM": kind])
        // Longer than another terminal has to wait for its line.
        usleep(800_000)
        daemon.signal(SIGCONT)
        let ending = try asking.ending()
        #expect(ending.code == 0)
        #expect(!ending.output.contains(0x1B), "\(ending.text)")
        #expect(ending.text.contains("wrote"))
    }

    @Test func `a file or pipe shows no progress, however long it takes`() throws {
        daemon.signal(SIGSTOP)
        let asking = try Program([
            Repository.dseg, "mask", Repository.picture, "boat", "-o", place.path, "--socket", daemon.socket,
        ])
        // Longer than a terminal has to wait for its line.
        usleep(800_000)
        daemon.signal(SIGCONT)
        let ending = try asking.ending()
        #expect(ending.code == 0)
        #expect(ending.errors == "wrote \(place.path)/scene_501_0037.mask.png\n")
    }

    @Test(.enabled(if: hasTerminal, "script(1) is not installed"))
    func `a picture goes to a terminal only if it is asked for`() throws {
        func onTerminal(_ arguments: String) throws -> Program.Ending {
            try run([
                "/usr/bin/script", "-qefc",
                "'\(Repository.dseg)' mask - boat \(arguments) --socket '\(daemon.socket)' < '\(Repository.picture)'",
                "\(place.path)/seen",
            ])
        }
        let refused = try onTerminal("")
        #expect(refused.code == 64)
        #expect(refused.text.contains("> FILE"))
        let asked = try onTerminal("-o -")
        #expect(asked.code == 0)
        #expect(asked.text.contains("IHDR"))
    }
}
