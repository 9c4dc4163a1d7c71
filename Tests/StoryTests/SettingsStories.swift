import FoundationEssentials
import Limits
import Glibc
import RPC
import Support
import Testing

/// What an administrator says in a file, and how it is read.
struct SettingsStories {
    private let folder: TemporaryDirectory

    init() throws {
        folder = try TemporaryDirectory()
    }

    private var path: String { "\(folder.path)/dsegd.conf" }

    private func write(_ text: String) throws {
        try text.write(toFile: path, atomically: true, encoding: .utf8)
    }

    private func daemon(_ options: [String] = []) throws -> Daemon {
        try Daemon(answering: ["--settings", path] + options)
    }

    @Test func `the file speaks where no option does`() throws {
        try write("# ours\n\n keep-alive = 1h30m # long\r\nqueue=7\nlog-words = no\n\tcall-limit\t=\t60\n")
        let (first, second) = try (daemon(), daemon(["--queue", "9"]))
        let status = try first.client().status()
        #expect(status.keepAlive == "1h30m" && status.queueLimit == 7)
        let other = try second.client().status()
        #expect(other.keepAlive == "1h30m" && other.queueLimit == 9)
    }

    @Test(arguments: [
        ("queue = 7\nkeepalive = 5m", 2, "\"keepalive\" is no setting"), ("queue", 1, "type name = value"),
        ("queue = many", 1, "many"), ("queue = 0", 1, "from 1 to \(Limit.longestQueue)"),
        ("queue = \(Limit.longestQueue + 1)", 1, "from 1 to \(Limit.longestQueue)"),
        ("call-limit = \(Limit.longestCallSeconds + 1)", 1, "from 1 to \(Limit.longestCallSeconds)"),
        ("log-words = maybe", 1, "yes or no"),
        ("log-words", 1, "type name = value"), ("\n\nkeep-alive = -", 3, "keep-alive"),
        ("help = yes", 1, "is no setting"),
        ("queue = 1\n# more\nqueue = 2", 3, "in line 1 already"), ("memory = 6X", 1, "6X"),
        ("log-level = loud", 1, "loud"), ("= 7", 1, "is no setting"), ("queue = --help", 1, "--help"),
    ])
    func `a line that means nothing is refused by its number`(text: String, line: Int, reason: String) throws {
        try write(text)
        let daemon = try Daemon(starting: ["--settings", path])
        #expect(daemon.child.exitCode == 78)
        #expect(daemon.log.contains("\(path), line \(line): ") && daemon.log.contains(reason), "\(daemon.log)")
        #expect(daemon.log.split(separator: "\n").count == 1, "\(daemon.log)")
    }

    @Test func `the longest queue and the longest call are legal, and both have a standard`() throws {
        try write("queue = \(Limit.longestQueue)\ncall-limit = \(Limit.longestCallSeconds)")
        let longest = try daemon()
        try write("")
        let standard = try daemon()
        #expect(try longest.client().status().queueLimit == Limit.longestQueue)
        #expect(try standard.client().status().queueLimit == Limit.queue)
    }

    @Test func `a file that was named must be there, and be a file`() throws {
        let daemon = try Daemon(starting: ["--settings", path])
        #expect(daemon.child.exitCode == 78 && daemon.log.contains(path))
        let other = try Daemon(starting: ["--settings", folder.path])
        #expect(other.child.exitCode == 78 && other.log.contains(folder.path))
    }

    @Test func `one that nobody named is found where its owner's is`() throws {
        try FileManager.default.createDirectory(atPath: "\(folder.path)/dseg", withIntermediateDirectories: true)
        try "queue = 3".write(toFile: "\(folder.path)/dseg/dsegd.conf", atomically: true, encoding: .utf8)
        let own = try Daemon(answering: [], environment: ["XDG_CONFIG_HOME": folder.path])
        #expect(try own.client().status().queueLimit == 3)
        try write("queue = 4")
        let system = try Daemon(
            answering: [],
            environment: ["XDG_CONFIG_HOME": "\(folder.path)", "CONFIGURATION_DIRECTORY": folder.path])
        #expect(try system.client().status().queueLimit == 4, "systemd's folder comes first")
    }

    @Test func `SIGHUP has it read again, and what is wrong changes nothing`() throws {
        try write("keep-alive = 5m")
        let daemon = try daemon()
        let client = try daemon.client()
        func becomes(_ keepAlive: String, _ queue: UInt32) throws -> Bool {
            daemon.signal(SIGHUP)
            return try eventually {
                let status = try client.status()
                return status.keepAlive == keepAlive && status.queueLimit == queue
            }
        }
        try write("keep-alive = 10m\nqueue = 5")
        #expect(try becomes("10m", 5))
        try write("keep-alive = 1m\nqueue = none")
        daemon.signal(SIGHUP)
        #expect(eventually { daemon.log.contains("line 2") })
        #expect(try client.status().keepAlive == "10m", "nothing of it holds, not its first line")
        try FileManager.default.removeItem(atPath: path)
        daemon.signal(SIGHUP)
        #expect(eventually { daemon.log.components(separatedBy: "stay as they were").count == 3 })
        try write("")
        #expect(try becomes("5m", 16), "what it does not say is as if nobody had said it")
        #expect(try client.health())
    }

    @Test func `less memory lets models go that are not in use`() throws {
        try write("memory = 4G")
        let daemon = try daemon(["--keep-alive", "forever"])
        let client = try daemon.client()
        #expect(try client.status().models.count == 3)
        try write("memory = 1M")
        daemon.signal(SIGHUP)
        let isGone = try eventually { try client.status().models.isEmpty }
        #expect(isGone)
        try write("memory = 4G")
        daemon.signal(SIGHUP)
        #expect(try eventually { try client.status().memoryLimit == 4 << 30 })
        #expect(try client.answer(SegmentRequest(.image(Repository.scene(4)), ["boat"])).maps.count == 1)
    }

    @Test func `a daemon that nobody needs lets its model go, and then ends`() throws {
        let daemon = try Daemon(answering: ["--keep-alive", "1s", "--idle-exit", "2s"])
        #expect(try daemon.client().answer(SegmentRequest(.image(Repository.scene(4)), ["boat"])).maps.count == 1)
        // Those who only look whether it lives do not keep it.
        var looks = 0
        while Daemon.answers(at: daemon.socket), looks < 3000 {
            looks += 1
            usleep(20_000)
        }
        #expect(daemon.child.exitCode == 0 && looks > 0)
        let lines = daemon.log.split(separator: "\n")
        let left = try #require(lines.firstIndex { $0.contains("let go of the model demo") })
        let idle = try #require(lines.firstIndex { $0.contains("nobody has asked") })
        #expect(left < idle)
    }

    @Test func `a model that is kept for ever keeps the daemon`() throws {
        let daemon = try Daemon(answering: ["--keep-alive", "forever", "--idle-exit", "0"])
        sleep(2)
        #expect(daemon.answers)
    }
}
