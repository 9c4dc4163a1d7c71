import FoundationEssentials
import Glibc
import RPC
import Support
import Testing

/// SIGHUP has the daemon read its settings file again, and disturbs nothing; who is not needed leaves.
struct ReloadStories {
    /// A settings file.
    private final class Settings {
        private let directory: TemporaryDirectory
        var path: String { "\(directory.path)/dsegd.conf" }

        init(_ text: String) throws {
            directory = try TemporaryDirectory()
            try write(text)
        }

        func write(_ text: String) throws { try Data(text.utf8).write(to: URL(filePath: path)) }
    }

    /// Reloads, and waits until that is over.
    ///
    /// - Returns: what was told meanwhile
    private func reload(_ supervisor: ServiceSupervisor) throws -> [Notice] {
        let before = supervisor.events.count
        supervisor.signal(SIGHUP)
        func notices() -> [Notice] { supervisor.events[before...].compactMap(\.notice) }
        let isOver = eventually { notices().contains { $0["READY"] == "1" } }
        try #require(isOver, "\(supervisor.log)")
        return notices()
    }

    @Test func `a changed file holds from the reload on`() throws {
        let settings = try Settings("# how long models stay\n\nkeep-alive = 10m\n")
        let supervisor = try ServiceSupervisor(ServiceUnit(["--settings", settings.path]))
        let client = try supervisor.client()
        #expect(try client.status().keepAlive == "10m")
        try settings.write("keep-alive = 20m # longer\nlog-level = debug\nqueue = 3\n")
        #expect(try client.status().keepAlive == "10m", "nobody has said that it is to be read")
        let start = Self.microseconds
        let notices = try reload(supervisor)
        let reloading = try #require(notices.firstIndex { $0["RELOADING"] == "1" })
        let ready = try #require(notices.firstIndex { $0["READY"] == "1" })
        #expect(reloading < ready)
        let time = try #require(notices[reloading]["MONOTONIC_USEC"].flatMap { Int($0) })
        #expect((start...Self.microseconds).contains(time))
        #expect(try client.status().keepAlive == "20m", "by the same connection")
        #expect(try client.status().queueLimit == 3)
        try settings.write("")
        _ = try reload(supervisor)
        #expect(try client.status().keepAlive == "5m" && client.status().queueLimit == 16)
        #expect(supervisor.run == 1)
    }

    private static var microseconds: Int {
        var now = timespec()
        unsafe clock_gettime(CLOCK_MONOTONIC, &now)
        return now.tv_sec * 1_000_000 + now.tv_nsec / 1000
    }

    @Test(arguments: [
        "keep-alive = 20m\nkeep-alive = soon", "# a word\nkeep-live = 20m", "queue = 7\nqueue", "queue = 7\nqueue = 8",
        "keep-alive = 20m\nlog-words = perhaps", "\nqueue = 0", "\n= 5", "\nsocket = /tmp/other", "\n--queue = 5",
        "keep-alive = 20m\n\u{0}\u{1}",
    ])
    func `a broken file is named by its line, and what held holds on`(text: String) throws {
        let settings = try Settings("keep-alive = 10m\n")
        let supervisor = try ServiceSupervisor(ServiceUnit(["--settings", settings.path]))
        let client = try supervisor.client()
        let before = try client.status()
        try settings.write(text + "\n")
        _ = try reload(supervisor)
        #expect(supervisor.log.contains("\(settings.path), line 2"), "\(supervisor.log)")
        let after = try client.status()
        #expect(after.keepAlive == "10m" && after.queueLimit == before.queueLimit)
        #expect(try client.answer(.about(1, model: "")).maps.count == 2)
    }

    @Test func `a file that is gone, a folder, and one without end change nothing`() throws {
        let settings = try Settings("keep-alive = 10m\n")
        let supervisor = try ServiceSupervisor(ServiceUnit(["--settings", settings.path]))
        let client = try supervisor.client()
        #expect(try client.status().keepAlive == "10m")
        for command in ["rm -f", "mkdir", "rmdir", "ln -s /dev/zero", "rm -f", "mkfifo"] {
            try #require(shell("\(command) '\(settings.path)'").status == 0)
            _ = try reload(supervisor)
            #expect(try client.status().keepAlive == "10m", "\(command)")
        }
        #expect(supervisor.log.contains(settings.path))
    }

    @Test func `a reload without any file does no harm`() throws {
        let supervisor = try ServiceSupervisor(ServiceUnit())
        try supervisor.waitUntilReady(run: 1)
        let client = try supervisor.client()
        for _ in 0..<3 { _ = try reload(supervisor) }
        #expect(try client.health())
        #expect(try client.status().keepAlive == "5m")
        #expect(supervisor.run == 1 && FileManager.default.fileExists(atPath: supervisor.socket))
    }

    @Test func `calls under way are answered whole`() throws {
        let supervisor = try ServiceSupervisor(ServiceUnit())
        let client = try supervisor.client()
        let request = SegmentRequest(
            .image(try Repository.scene(4)), (1...20).map { "thing \($0)" }, recipe: "diffsegmenter")
        var answer: [SegmentReply] = []
        try client.segment(request) { reply in
            if case .header = reply { _ = try reload(supervisor) }
            answer.append(reply)
        }
        #expect(answer.count == 22, "a header, twenty maps and a trailer")
        #expect(supervisor.run == 1)
    }

    @Test func `a daemon that nobody needs lets go of its model, then ends, and comes again`() throws {
        let supervisor = try ServiceSupervisor(ServiceUnit(["--keep-alive", "1s", "--idle-exit", "2s"]))
        let client = try supervisor.client()
        let expected = try client.answer(.about(1, model: "")).bits
        // Who looks whether it lives does not keep it.
        let isGone = eventually {
            (try? client.health()) == nil || (try? client.status()) == nil
        }
        #expect(isGone && supervisor.tells("ended", run: 1))
        let words = supervisor.events.flatMap(\.words)
        #expect(words.last == "ended 0" && words.contains("STOPPING=1"))
        #expect(supervisor.log.contains("let go of the model"))
        #expect(supervisor.run == 1 && supervisor.kept.isEmpty)
        #expect(try supervisor.client().answer(.about(1, model: "")).bits == expected)
        #expect(supervisor.run == 2)
    }

    @Test func `a daemon that is needed again and again stays`() throws {
        let supervisor = try ServiceSupervisor(ServiceUnit(["--keep-alive", "500ms", "--idle-exit", "1s"]))
        let client = try supervisor.client()
        let end = ContinuousClock.now + .seconds(4)
        var scene = 0
        while ContinuousClock.now < end {
            scene += 1
            _ = try client.answer(.about(scene % 5 + 1, model: ""))
            usleep(300_000)
        }
        #expect(supervisor.run == 1 && !supervisor.events.flatMap(\.words).contains("STOPPING=1"))
    }
}
