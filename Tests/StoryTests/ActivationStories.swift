import FoundationEssentials
import Glibc
import RPC
import Support
import Testing

/// A service manager holds the socket: which descriptor that is, and what the daemon tells of itself.
struct ActivationStories {
    private static let activate = "/usr/bin/systemd-socket-activate"
    private static let hasActivate = FileManager.default.isExecutableFile(atPath: activate)

    /// The real program of systemd's, which becomes the daemon at the first connection.
    private func activated(_ options: [String], log: String) throws -> Child {
        try Child(
            [Self.activate, "-E", "CACHE_DIRECTORY"] + options + ["\(Repository.programs)/dsegd", "serve"],
            environment: [:], errors: log)
    }

    /// The connection that starts the daemon. A socket has its name before anybody listens on it.
    private func firstClient(at path: String) throws -> Client {
        var client: Client?
        _ = eventually {
            client = try? Client(path: path)
            return client != nil
        }
        return try #require(client)
    }

    @Test(.enabled(if: hasActivate), arguments: [[], ["--fdname=dseg"], ["--fdname=anything"]])
    func `the only socket is served, whatever its name, and stays`(options: [String]) throws {
        let directory = try TemporaryDirectory()
        let path = "\(directory.path)/dseg.sock"
        let child = try activated(["-l", path] + options, log: "\(directory.path)/log")
        let client = try firstClient(at: path)
        #expect(try client.health())
        #expect(try client.answer(SegmentRequest(.image(Repository.scene(1)), ["boat"])).maps.count == 1)
        kill(child.process, SIGTERM)
        #expect(child.exitCode == 0)
        #expect(FileManager.default.fileExists(atPath: path), "it is not the daemon's")
    }

    @Test(.enabled(if: hasActivate)) func `of several sockets the one that is called dseg is served`() throws {
        let directory = try TemporaryDirectory()
        let (path, other) = ("\(directory.path)/dseg.sock", "\(directory.path)/other.sock")
        let child = try activated(
            ["-l", other, "-l", path, "--fdname=other:dseg"], log: "\(directory.path)/log")
        #expect(try firstClient(at: path).health())
        #expect(throws: RPCStatus.self, "the other is closed") { try Client(path: other) }
        kill(child.process, SIGTERM)
        #expect(child.exitCode == 0)
    }

    @Test(.enabled(if: hasActivate), arguments: ["--fdname=a:b", "--fdname=dseg:dseg"])
    func `of several sockets none that is called dseg, or several, are refused`(names: String) throws {
        let directory = try TemporaryDirectory()
        let (path, other) = ("\(directory.path)/dseg.sock", "\(directory.path)/other.sock")
        let log = "\(directory.path)/log"
        let child = try activated(["-l", path, "-l", other, names], log: log)
        try #require(eventually { FileManager.default.fileExists(atPath: other) })
        _ = try connect(to: path)
        #expect(child.exitCode == 73)
        #expect(try String(contentsOf: URL(filePath: log), encoding: .utf8).contains("FileDescriptorName="))
    }

    /// Kinds of what is no socket to serve.
    enum Foreign: CaseIterable {
        case datagrams, unbound, pipe

        /// A descriptor, and what has to be closed with it.
        func open(at path: String) throws -> [CInt] {
            switch self {
            case .datagrams: return [try bind(to: path, kind: SOCK_DGRAM)]
            case .unbound: return [try bind(to: path)]
            case .pipe:
                var ends: [CInt] = [0, 0]
                unsafe Glibc.pipe(&ends)
                return ends
            }
        }
    }

    @Test(arguments: Foreign.allCases)
    func `what is called dseg and is no socket that listens is refused and named`(kind: Foreign) throws {
        let directory = try TemporaryDirectory()
        let descriptors = try kind.open(at: "\(directory.path)/other").map { fcntl($0, F_DUPFD_CLOEXEC, 200) }
        defer { descriptors.forEach { close($0) } }
        let log = "\(directory.path)/log"
        let child = try Child(
            ["/bin/sh", "-c", "LISTEN_PID=$$ exec \"$@\"", "sh", "\(Repository.programs)/dsegd", "serve"],
            environment: ["LISTEN_FDS": "1", "LISTEN_FDNAMES": "dseg", "DSEG_SOCKET": "\(directory.path)/own.sock"],
            errors: log, descriptors: [descriptors[0]])
        #expect(child.exitCode == 73)
        let text = try String(contentsOf: URL(filePath: log), encoding: .utf8)
        #expect(text.contains("descriptor 3"), "\(text)")
        #expect(!FileManager.default.fileExists(atPath: "\(directory.path)/own.sock"))
    }

    @Test(arguments: [false, true]) func `the socket is found by its name beside another`(isLast: Bool) throws {
        let directory = try TemporaryDirectory()
        let other = try listen(at: "\(directory.path)/other.sock")
        var unit = ServiceUnit()
        unit.others = [KeptDescriptor(name: "other", descriptor: other)]
        unit.isSocketLast = isLast
        let supervisor = try ServiceSupervisor(unit)
        try supervisor.waitUntilReady(run: 1)
        #expect(try supervisor.client().answer(.about(1, model: "")).maps.count == 2)
        #expect(supervisor.stop() == 0)
    }

    @Test func `the first connection starts the daemon, and is served by it`() throws {
        var unit = ServiceUnit()
        unit.isActivated = true
        let supervisor = try ServiceSupervisor(unit)
        usleep(200_000)
        #expect(supervisor.run == 0)
        #expect(try supervisor.client().answer(.about(1, model: "")).maps.count == 2)
        #expect(supervisor.run == 1)
        #expect(supervisor.stop() == 0)
        #expect(try supervisor.client().health(), "the next connection starts it again")
        #expect(supervisor.run == 2)
    }

    @Test func `the service manager learns of the load, of readiness and of the end, in this order`() throws {
        let supervisor = try ServiceSupervisor(ServiceUnit())
        try supervisor.waitUntilReady(run: 1)
        #expect(try supervisor.client().health(), "ready means that it answers")
        _ = try supervisor.client().answer(.about(1, model: ""))
        #expect(supervisor.tells("STATUS=", run: 1))
        #expect(supervisor.stop() == 0)
        let events = supervisor.events
        let ready = try #require(events.firstIndex { $0.notice?["READY"] == "1" })
        let signal = try #require(events.firstIndex { $0.words == ["signal \(SIGTERM)"] })
        let stopping = try #require(events.firstIndex { $0.notice?["STOPPING"] == "1" })
        let before = events[..<ready].compactMap(\.notice)
        #expect(before.allSatisfy { $0["STATUS"] != nil || $0["FDSTORE"] == "1" }, "how far the load is, what it kept")
        #expect(ready < signal && signal < stopping)
        #expect(events[signal...].first { $0.notice != nil }?.notice?.lines.first == "STOPPING=1")
        #expect(events.last?.words == ["ended 0"])
        let statuses = events.compactMap { $0.notice?["STATUS"] }
        #expect(statuses.contains { $0.contains("demo warm") }, "\(statuses)")
        #expect(events.allSatisfy { ($0.notice?.lines ?? []).allSatisfy { $0.contains("=") } })
    }
}
