import FoundationEssentials
import Glibc
import RPC
import Support
import Synchronization
import Testing

/// Evaluations that something ends before they are done, and that go on.
@Suite struct EvalResumeTests {
    private let daemon: Daemon
    private let place: TemporaryDirectory
    private var journal: String { "\(place.path)/journal" }
    private let options = ["--first", "5", "--json"]

    init() throws {
        daemon = try Daemon()
        place = try TemporaryDirectory()
    }

    /// Lines of a journal that end.
    private func lines(_ path: String) -> Int {
        ((try? bytes(path)) ?? []).count { $0 == UInt8(ascii: "\n") }
    }

    private func whole() throws -> Program.Ending {
        let ending = try daemon.eval(options + ["--journal", "\(place.path)/whole"])
        #expect(ending.code == 0 && !ending.output.isEmpty, "\(ending.errors)")
        return ending
    }

    /// A run that is not waited for.
    private func begin(_ more: [String], at socket: String? = nil) throws -> Program {
        try Program(
            [Repository.dseg] + evalArguments(options + ["--journal", journal] + more)
                + ["--socket", socket ?? daemon.socket])
    }

    @Test func `killed after any number of pictures, it ends with the same report`() throws {
        let whole = try whole()
        var cut = 0
        for count in 0...5 {
            let run = try begin(["--jobs", "2"])
            #expect(eventually { run.hasEnded || lines(journal) >= count })
            run.signal(SIGKILL)
            _ = try run.ending()
            if lines(journal) < 6 { cut += 1 }
            let ending = try daemon.eval(options + ["--journal", journal])
            #expect(ending.code == 0 && ending.output == whole.output, "\(ending.errors)")
            try FileManager.default.removeItem(atPath: journal)
        }
        #expect(cut > 1, "they were killed before they were done")
    }

    @Test func `a journal that was cut off goes on to the same report`() throws {
        let whole = try whole()
        let written = try bytes("\(place.path)/whole")
        let ends = written.indices.filter { written[$0] == UInt8(ascii: "\n") }
        for length in [0, 9, ends[0], ends[0] + 1, ends[3] + 40, ends[4], ends[5]] {
            try write(Array(written.prefix(length)) + [0, 0, 0], to: journal)
            let ending = try daemon.eval(options + ["--journal", journal])
            #expect(ending.code == 0 && ending.output == whole.output, "\(length): \(ending.errors)")
            #expect(lines(journal) == 6)
        }
        var damaged = written
        damaged[ends[2] - 5] ^= 1
        try write(damaged, to: journal)
        let refused = try daemon.eval(options + ["--journal", journal])
        #expect(refused.code == 65 && refused.errors.contains("line 3"), "\(refused.errors)")
        #expect(try bytes(journal) == damaged)
    }

    @Test func `what is exported is there before its line, and again where it was removed`() throws {
        let whole = try whole()
        let export = "\(place.path)/export"
        try FileManager.default.createDirectory(atPath: export, withIntermediateDirectories: false)
        let arguments = options + ["--export", export, "--export-maps", "npz"]
        let journal = "\(export)/folder.val.dseg-eval.jsonl"
        for count in [1, 3] {
            let run = try Program([Repository.dseg] + evalArguments(arguments) + ["--socket", daemon.socket])
            #expect(eventually { run.hasEnded || lines(journal) >= count })
            run.signal(SIGKILL)
            _ = try run.ending()
            let masks = try FileManager.default.contentsOfDirectory(atPath: "\(export)/masks")
            #expect(masks.count { $0.hasSuffix(".png") } >= lines(journal) - 1)
        }
        let ending = try daemon.eval(arguments)
        #expect(ending.code == 0 && ending.output == whole.output, "\(ending.errors)")
        let removed = "\(export)/maps/scene_501_0002.npz"
        let before = try bytes(removed)
        try FileManager.default.removeItem(atPath: removed)
        let answered = try daemon.client().status().answered
        let again = try daemon.eval(arguments)
        #expect(again.code == 0 && again.output == ending.output, "\(again.errors)")
        #expect(try bytes(removed) == before)
        #expect(try daemon.client().status().answered == answered + 1)
        let other = try daemon.eval(arguments + ["--journal", "\(place.path)/other"])
        #expect(other.code == 73 && other.errors.contains("scene_501_0000.png"), "\(other.errors)")
    }

    @Test(arguments: [SIGINT, SIGTERM])
    func `a signal says how far it was, and what goes on`(number: CInt) throws {
        let whole = try whole()
        let run = try begin(["--jobs", "1"])
        #expect(eventually { run.hasEnded || lines(journal) >= 2 })
        daemon.signal(SIGSTOP)
        run.signal(number)
        let ending = try run.ending()
        daemon.signal(SIGCONT)
        #expect(ending.code == 128 + number && ending.output.isEmpty)
        #expect(ending.errors.contains(" of 5 pictures are done"), "\(ending.errors)")
        let command = try #require(ending.errors.split(separator: "this goes on: dseg ").last)
        let again = shell("'\(Repository.dseg)' \(command.split(separator: "\n")[0]) 2> /dev/null")
        #expect(Array(again.output.utf8) == whole.output)
        #expect(try place.names == ["journal", "whole"])
    }

    @Test func `a signal before the first answer leaves nothing`() throws {
        daemon.signal(SIGSTOP)
        let run = try begin([])
        #expect(eventually { run.hasSocket })
        usleep(100_000)
        run.signal(SIGTERM)
        let ending = try run.ending()
        daemon.signal(SIGCONT)
        #expect(ending.code == 143 && ending.errors == "", "\(ending.errors)")
        #expect(try place.names == [])
    }

    @Test func `a daemon that ends and comes again is asked again`() throws {
        let whole = try whole()
        let socket = "\(place.path)/dseg.sock"
        let first = try Daemon(starting: [], socket: socket)
        #expect(eventually { Daemon.answers(at: socket) })
        let run = try begin(["--jobs", "2"], at: socket)
        #expect(eventually { run.hasEnded || lines(journal) >= 2 })
        first.signal(SIGKILL)
        #expect(eventually { first.child.hasEnded })
        let second = try Daemon(starting: [], socket: socket)
        let ending = try run.ending()
        #expect(ending.code == 0 && ending.output == whole.output, "\(ending.errors)")
        #expect(!second.child.hasEnded)
    }

    @Test func `a daemon that answers by other numbers is refused`() throws {
        let rounding = try Daemon("--precision", "int16")
        let run = try begin(["--jobs", "1"], at: rounding.socket)
        #expect(eventually { run.hasEnded || lines(journal) >= 2 })
        run.signal(SIGKILL)
        _ = try run.ending()
        let kept = try bytes(journal)
        let ending = try Daemon("--precision", "f32").eval(options + ["--journal", journal])
        #expect(ending.code == 64 && ending.output.isEmpty)
        #expect(ending.errors.contains("precision: was int16, is f32"), "\(ending.errors)")
        #expect(try bytes(journal) == kept)
    }

    @Test func `two runs at once do not share a journal`() throws {
        daemon.signal(SIGSTOP)
        let run = try begin([])
        // Until it is its own program, a child shows the sockets of the tests; it locks the file that it makes at once.
        #expect(eventually { exists(journal) && run.hasSocket })
        usleep(200_000)
        let second = try daemon.eval(options + ["--journal", journal])
        #expect(second.code == 75 && second.errors.contains(journal), "\(second.errors)")
        daemon.signal(SIGCONT)
        #expect(try run.ending().code == 0)
    }

    @Test func `a full disk is told, and what was kept before it goes on`() throws {
        let whole = try whole()
        let limited = try run(
            ["/bin/sh", "-c", "ulimit -f 6; exec \"$@\"", "sh", Repository.dseg]
                + evalArguments(options + ["--journal", journal, "--jobs", "1", "--socket", daemon.socket]))
        #expect(limited.code == 73 && limited.errors.contains(journal), "\(limited.errors)")
        #expect((1...5).contains(lines(journal)), "the limit is reached between the first line and the last")
        let ending = try daemon.eval(options + ["--journal", journal])
        #expect(ending.code == 0 && ending.output == whole.output, "\(ending.errors)")
    }

    @Test func `a picture that is damaged ends the run by its name, and the rest is kept`() throws {
        let whole = try whole()
        let set = try FolderCopy(of: "scenes")
        let name = "JPEGImages/scene_501_0003.jpg"
        let intact = try set.bytes(name)
        try set.write(name, Array(intact.prefix(intact.count / 2)))
        let arguments = options + ["--journal", journal, "--jobs", "1"]
        let ending = try daemon.eval(arguments, root: set.path)
        #expect(ending.code == 65 && ending.output.isEmpty, "\(ending.errors)")
        #expect(ending.errors.contains(name) && ending.errors.contains("3 of 5 pictures are done"), "\(ending.errors)")
        try set.write(name, intact)
        let again = try daemon.eval(arguments, root: set.path)
        #expect(again.code == 0 && again.output == whole.output, "\(again.errors)")
    }

    @Test func `what a daemon has no room for is asked again after a while`() throws {
        let calls = Calls()
        let busy = try StandInDaemon { call, connection in
            let refusal = Refusal(.incomingBytes, delay: .milliseconds(10), queuePosition: nil)
            let status =
                calls.next() < 2
                ? RPCStatus(.resourceExhausted, "not now", refusal: refusal) : RPCStatus(.invalidArgument, "not ever")
            return [connection.fail(call.stream, with: status)]
        }
        let ending = try busy.dseg(evalArguments(["--first", "1", "--journal", journal]))
        #expect(ending.code == 64 && ending.errors.contains("not ever"), "\(ending.errors)")
        #expect(calls.next() == 3)
        #expect(try place.names == [])
    }

    private final class Calls: Sendable {
        private let count = Mutex(0)

        /// How many there were before.
        func next() -> Int {
            count.withLock { count in
                count += 1
                return count - 1
            }
        }
    }
}
