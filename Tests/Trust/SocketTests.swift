import Foundation
import RPC
import Support
import Testing

/// Whatever lies in a socket's place or comes there, a daemon has the path alone, or says why it has not, and takes
/// nothing away but a socket that nobody listens on.
@Suite(.serialized, .enabled(if: ProcessInfo.processInfo.environment["DSEG_TRUST"] != nil))
struct SocketTests {
    /// `EX_CANTCREAT` of sysexits(3).
    private static let refused: CInt = 73

    private let directory: TemporaryDirectory
    private var path: String { "\(directory.path)/dseg.sock" }

    init() throws { directory = try TemporaryDirectory() }

    /// What is put into a place, and what the refusal says.
    private struct Obstacle {
        let name: String
        /// Shell commands; `$1` is the socket's path.
        let commands: String
        let sentence: String
    }

    private static let obstacles = [
        Obstacle(name: "a file", commands: "echo mine > $1", sentence: "a file, not a socket"),
        Obstacle(name: "a folder", commands: "mkdir $1", sentence: "a folder, not a socket"),
        Obstacle(name: "a full folder", commands: "mkdir $1; echo mine > $1/file", sentence: "a folder, not a socket"),
        Obstacle(name: "a pipe", commands: "mkfifo $1", sentence: "not a socket"),
        Obstacle(
            name: "a link to a file", commands: "echo mine > $1.other; ln -s $1.other $1", sentence: "not a socket"),
        Obstacle(name: "a link to nothing", commands: "ln -s $1.other $1", sentence: "not a socket"),
        Obstacle(name: "a link in a circle", commands: "ln -s dseg.sock $1", sentence: "not a socket"),
        Obstacle(name: "a link to passwd", commands: "ln -s /etc/passwd $1", sentence: "not a socket"),
        Obstacle(
            name: "a second name of a file", commands: "echo mine > $1.other; ln $1.other $1",
            sentence: "not a socket"),
        Obstacle(
            name: "a lock that is a link", commands: "echo mine > $1.other; ln -s $1.other $1.lock", sentence: ".lock"),
        Obstacle(name: "a lock that is a link to nothing", commands: "ln -s $1.other $1.lock", sentence: ".lock"),
        Obstacle(name: "a lock that is a folder", commands: "mkdir $1.lock", sentence: ".lock"),
        Obstacle(name: "a folder for all", commands: "chmod 777 $(dirname $1)", sentence: "chmod o-w"),
        Obstacle(name: "a folder for a group", commands: "chmod 770 $(dirname $1)", sentence: "chmod g-w"),
    ]

    /// What lies there, a line each: inode, kind, mode, name, where a link leads; and what files hold.
    private var contents: Set<Substring> {
        let command = "find . -mindepth 1 -printf '%i %y %m %P %l\\n'; find . -type f -exec sha256sum {} +"
        return Set(shell("cd '\(directory.path)'; \(command)").output.split(separator: "\n"))
    }

    private func put(_ commands: String) {
        let ending = shell("set -- '\(path)'; \(commands)")
        #expect(ending.status == 0, "\(ending.output)")
    }

    private func clear() {
        #expect(shell("chmod 700 '\(directory.path)'; rm -rf '\(directory.path)'/*").status == 0)
    }

    /// Starts a daemon that must refuse; returns its seconds.
    private func expectRefusal(_ sentence: String, _ name: String) throws -> Double {
        try seconds {
            let daemon = try Daemon(starting: [], socket: path)
            #expect(daemon.child.exitCode == Self.refused, "\(name): \(daemon.log)")
            #expect(daemon.log.contains(sentence) && daemon.log.contains(directory.path), "\(name): \(daemon.log)")
        }
    }

    @Test func `what lies in the socket's place is left as it was, and named`() throws {
        var times: [Double] = []
        for obstacle in Self.obstacles {
            put(obstacle.commands)
            let before = contents
            times.append(try expectRefusal(obstacle.sentence, obstacle.name))
            let more = contents.subtracting(before)
            #expect(before.isSubset(of: contents), "\(obstacle.name): \(before.subtracting(contents))")
            #expect(more.allSatisfy { $0.contains("dseg.sock.lock") }, "\(obstacle.name): \(more)")
            clear()
        }
        print(
            """
            row 19: \(Self.obstacles.count) obstacles in the socket's place: refused within \
            \(milliseconds(times.max() ?? 0)), each left as it was; \(Machine.description)
            """)
    }

    @Test(.enabled(if: geteuid() == 0)) func `a folder or a lock of another user is refused`() throws {
        #expect(unsafe chown(directory.path, 65533, 65533) == 0)
        _ = try expectRefusal("uid 65533 owns", "a folder of another user")
        #expect(unsafe chown(directory.path, 0, 0) == 0)
        // Somebody who holds the lock keeps the daemon from starting, which says so and does not wait.
        put("chmod 1777 $(dirname $1); touch $1.lock; chown 65533 $1.lock")
        let holder = try Child(
            ["/usr/bin/flock", "\(path).lock", "sleep", "60"], environment: [:], errors: "\(directory.path)/errors")
        usleep(300_000)
        let time = try expectRefusal(path, "a lock that is held")
        #expect(!holder.hasEnded && time < 5)
        print("row 19: a lock that another holds: refused after \(milliseconds(time)); \(Machine.description)")
    }

    /// Of twenty who start at once one has the path, also where a dead daemon left its socket there.
    @Test func `of many daemons at one path one answers, and a dead one's socket is replaced`() throws {
        var leftovers = 0
        for round in 0..<5 {
            let daemons = try (0..<20).map { _ in try Daemon(starting: [], socket: path) }
            #expect(eventually(within: .seconds(120)) { daemons.count { $0.child.hasEnded } == 19 })
            let living = daemons.filter { !$0.child.hasEnded }
            #expect(living.count == 1 && eventually { Daemon.answers(at: path) }, "round \(round)")
            for dead in daemons where dead.child.hasEnded {
                #expect(dead.child.exitCode == Self.refused && dead.log.contains("another daemon"), "\(dead.log)")
            }
            // The lock's name is taken away, and another daemon makes a new lock: the socket still has an owner.
            put("rm $1.lock")
            _ = try expectRefusal("another daemon", "a lock that was taken away")
            #expect(Daemon.answers(at: path))
            living.first?.signal(SIGKILL)
            #expect(eventually { living.first?.child.hasEnded ?? true })
            if FileManager.default.fileExists(atPath: path) { leftovers += 1 }
        }
        let last = try Daemon(starting: [], socket: path)
        #expect(eventually { last.answers })
        #expect(shell("stat -c %a '\(path)'").output == "600\n")
        print(
            """
            row 19: of 100 daemons in five rounds one answered each time; \(leftovers) sockets of killed ones were \
            replaced; \(Machine.description)
            """)
        #expect(leftovers == 5)
    }
}
