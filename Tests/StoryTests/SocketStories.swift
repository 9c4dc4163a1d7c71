import FoundationEssentials
import Glibc
import Limits
import RPC
import Support
import Testing

/// A path has one owner, nothing but a dead socket is replaced, and a socket may be handed over.
struct SocketStories {
    /// What lies where the socket should be.
    enum Obstacle: CaseIterable {
        case file, folder, link, danglingLink, pipe

        func create(at path: String) throws {
            let files = FileManager.default
            switch self {
            case .file: try Data("mine".utf8).write(to: URL(filePath: path))
            case .folder: try files.createDirectory(atPath: path, withIntermediateDirectories: false)
            case .link: try files.createSymbolicLink(atPath: path, withDestinationPath: "/etc/passwd")
            case .danglingLink: try files.createSymbolicLink(atPath: path, withDestinationPath: path + ".other")
            case .pipe: unsafe mkfifo(path, 0o600)
            }
        }
    }

    /// Whoever comes while the daemon is busy waits in the kernel, as many as it was told (and one, unix(7)).
    @Test func `a burst of connections waits in the kernel`() throws {
        let daemon = try Daemon(answering: [])
        kill(daemon.child.process, SIGSTOP)
        defer { kill(daemon.child.process, SIGCONT) }
        let script = """
            import socket
            sockets = []
            while True:
                sockets.append(socket.socket(socket.AF_UNIX))
                sockets[-1].setblocking(False)
                try:
                    sockets[-1].connect('\(daemon.socket)')
                except BlockingIOError:
                    break
            print(len(sockets) - 1)
            """
        let counted = shell("python3 - <<'END'\n\(script)\nEND")
        #expect(counted.output == "\(Limit.backlog + 1)\n")
    }

    @Test(arguments: Obstacle.allCases)
    func `what is no socket is left alone and named`(obstacle: Obstacle) throws {
        let directory = try TemporaryDirectory()
        let path = "\(directory.path)/dseg.sock"
        try obstacle.create(at: path)
        let before = shell("ls -lid '\(path)'").output
        let daemon = try Daemon(starting: [], socket: path)
        #expect(daemon.child.exitCode == 73)
        #expect(daemon.log.contains(path))
        #expect(shell("ls -lid '\(path)'").output == before)
    }

    @Test(arguments: [0o777, 0o757, 0o775, 0o770] as [mode_t])
    func `a folder that others may write to is refused, unless it is sticky`(mode: mode_t) throws {
        let directory = try TemporaryDirectory()
        let inner = "\(directory.path)/inner"
        try FileManager.default.createDirectory(atPath: inner, withIntermediateDirectories: false)
        for path in ["\(directory.path)/dseg.sock", "\(inner)/dseg.sock"] {
            unsafe chmod(directory.path, mode)
            let daemon = try Daemon(starting: [], socket: path)
            #expect(daemon.child.exitCode == 73, "it, or one above it")
            #expect(daemon.log.contains("\(directory.path):"))
            #expect(daemon.log.contains(mode & S_IWOTH == 0 ? "chmod g-w" : "chmod o-w"))
            unsafe chmod(directory.path, mode | S_ISVTX)
            let second = try Daemon(starting: [], socket: path)
            #expect(eventually { second.answers })
        }
    }

    @Test(.enabled(if: geteuid() == 0)) func `a folder that another user owns is refused`() throws {
        let directory = try TemporaryDirectory()
        #expect(unsafe chown(directory.path, 65533, 65533) == 0)
        let daemon = try Daemon(starting: [], socket: "\(directory.path)/dseg.sock")
        #expect(daemon.child.exitCode == 73)
        #expect(daemon.log.contains("uid 65533 owns \(directory.path)"))
    }

    /// As `/var/run` is one.
    @Test func `a folder may be a link, if nobody else may change where it leads`() throws {
        let (directory, target) = try (TemporaryDirectory(), TemporaryDirectory())
        let link = "\(directory.path)/run"
        try FileManager.default.createSymbolicLink(atPath: link, withDestinationPath: target.path)
        let daemon = try Daemon(starting: [], socket: "\(link)/dseg.sock")
        #expect(eventually { daemon.answers })
        #expect(Daemon.answers(at: "\(target.path)/dseg.sock"))
        unsafe chmod(target.path, 0o777)
        let second = try Daemon(starting: [], socket: "\(link)/other.sock")
        #expect(second.child.exitCode == 73)
        #expect(second.log.contains("chmod o-w"))
    }

    @Test(arguments: ["", String(repeating: "long", count: 40), "/nonexistent/folder/dseg.sock"])
    func `a path that cannot be is refused`(path: String) throws {
        let daemon = try Daemon(starting: [], socket: path)
        #expect(daemon.child.exitCode == 73)
    }

    @Test func `a second daemon is refused and the first goes on`() throws {
        let first = try Daemon()
        let second = try Daemon(starting: [], socket: first.socket)
        #expect(second.child.exitCode == 73)
        #expect(second.log.contains(first.socket))
        #expect(try first.client().health())
    }

    @Test func `somebody else's living socket is refused, whether it has room or not`() throws {
        let directory = try TemporaryDirectory()
        let path = "\(directory.path)/dseg.sock"
        let listener = try listen(at: path, backlog: 0)
        defer { close(listener) }
        for _ in 0..<2 {
            let daemon = try Daemon(starting: [], socket: path)
            #expect(daemon.child.exitCode == 73)
            #expect(FileManager.default.fileExists(atPath: path))
        }
    }

    @Test func `a killed daemon's socket is replaced, for its owner alone`() throws {
        let directory = try TemporaryDirectory()
        let path = "\(directory.path)/dseg.sock"
        let first = try Daemon(starting: [], socket: path)
        #expect(eventually { first.answers })
        first.signal(SIGKILL)
        #expect(eventually { first.child.hasEnded })
        #expect(FileManager.default.fileExists(atPath: path), "it is left over")
        let second = try Daemon(starting: [], socket: path)
        #expect(eventually { second.answers })
        #expect(shell("stat -c %a '\(path)'").output == "600\n")
    }

    @Test func `a socket that was put in the daemon's place is not taken away`() throws {
        let daemon = try Daemon()
        unsafe unlink(daemon.socket)
        let listener = try bind(to: daemon.socket)
        defer { close(listener) }
        daemon.signal(SIGTERM)
        #expect(daemon.child.exitCode == 0)
        #expect(FileManager.default.fileExists(atPath: daemon.socket))
    }

    @Test func `descriptors that are meant for another process are not taken`() throws {
        let daemon = try Daemon(starting: [], environment: ["LISTEN_PID": "1", "LISTEN_FDS": "1"])
        #expect(eventually { daemon.answers })
    }

    @Test func `without a path the daemon makes its folder where clients look first`() throws {
        let directory = try TemporaryDirectory()
        let log = "\(directory.path)/log"
        let child = try Child(
            ["\(Repository.programs)/dsegd", "serve"],
            environment: ["XDG_RUNTIME_DIR": directory.path, "DSEG_SOCKET": ""], errors: log)
        let path = "\(directory.path)/dseg/dseg.sock"
        #expect(eventually { Daemon.answers(at: path) })
        #expect(shell("stat -c %a '\(directory.path)/dseg'").output == "700\n")
        kill(child.process, SIGTERM)
        #expect(child.exitCode == 0)
    }
}
