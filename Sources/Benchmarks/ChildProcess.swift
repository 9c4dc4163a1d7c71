import Glibc
import Results

/// A child process that leads a process group: the whole group is killed when this object is released.
final class ChildProcess {
    let process: pid_t
    private let folder: TemporaryFolder
    /// The status from `waitpid`; `nil` while the child runs.
    private var status: CInt?

    /// The time between two calls of `waitpid`, in microseconds.
    private static let pause: UInt32 = 1000

    /// Variables of systemd's socket activation and notification: a child must not act on them.
    private static let own = ["LISTEN_PID=", "LISTEN_FDS=", "LISTEN_FDNAMES=", "NOTIFY_SOCKET=", "JOURNAL_STREAM="]

    /// - Parameters:
    ///   - program: a path, or a name that is looked for along PATH
    ///   - name: the child's `argv[0]`
    ///   - arguments: without the name
    /// - Throws: `UnstartedChild` with the text of `errno`
    init(_ program: String, as name: String, _ arguments: [String]) throws(UnstartedChild) {
        do { folder = try TemporaryFolder() } catch { throw UnstartedChild(program: program, reason: "\(error)") }
        var reason: CInt = 0
        let files = folder.path
        let started = Leftovers.starting {
            var process = pid_t()
            reason = Self.spawn(&process, program, [name] + arguments, files)
            return reason == 0 ? process : nil
        }
        guard let started else {
            throw UnstartedChild(program: program, reason: unsafe String(cString: strerror(reason)))
        }
        process = started
    }

    private static func spawn(
        _ process: inout pid_t, _ program: String, _ words: [String], _ folder: String
    ) -> CInt {
        var actions = unsafe posix_spawn_file_actions_t()
        unsafe posix_spawn_file_actions_init(&actions)
        defer { unsafe posix_spawn_file_actions_destroy(&actions) }
        unsafe posix_spawn_file_actions_addopen(&actions, 0, "/dev/null", O_RDONLY, 0)
        for (descriptor, name) in [(CInt(1), "output"), (2, "errors")] {
            unsafe posix_spawn_file_actions_addopen(
                &actions, descriptor, "\(folder)/\(name)", O_WRONLY | O_CREAT | O_APPEND, 0o600)
        }
        var settings = posix_spawnattr_t()
        unsafe posix_spawnattr_init(&settings)
        defer { unsafe posix_spawnattr_destroy(&settings) }
        unsafe posix_spawnattr_setpgroup(&settings, 0)
        unsafe posix_spawnattr_setflags(&settings, Int16(POSIX_SPAWN_SETPGROUP))
        var words = unsafe words.map { unsafe strdup($0) } + [nil]
        var variables = unsafe environment.map { unsafe strdup($0) } + [nil]
        defer { unsafe (words + variables).forEach { unsafe free($0) } }
        return unsafe posix_spawnp(&process, program, &actions, &settings, &words, &variables)
    }

    private static var environment: [String] {
        var variables: [String] = []
        var inherited = unsafe environ
        while let entry = unsafe inherited.pointee {
            unsafe variables.append(String(cString: entry))
            unsafe inherited += 1
        }
        return variables.filter { variable in !own.contains { variable.hasPrefix($0) } }
    }

    deinit { end() }

    var hasEnded: Bool {
        if status != nil { return true }
        var found: CInt = 0
        guard unsafe waitpid(process, &found, WNOHANG) == process else { return false }
        status = found
        return true
    }

    /// Waits for the child's end.
    ///
    /// - Returns: the exit code as a shell tells it, or `nil` for a child that was ended because it took too long
    func ending(within limit: Duration) -> CInt? {
        let deadline = ContinuousClock.now + limit
        while !hasEnded {
            guard ContinuousClock.now < deadline else {
                end()
                return nil
            }
            usleep(Self.pause)
        }
        let status = status ?? 0
        let signal = status & 0x7f
        end()
        return signal == 0 ? status >> 8 & 0xff : 128 + signal
    }

    /// Kills the process group, also after the child has ended, as grandchildren may outlive it.
    func end() {
        kill(-process, SIGKILL)
        if status == nil {
            var found: CInt = 0
            while unsafe waitpid(process, &found, 0) < 0 && errno == EINTR {}
            status = found
        }
        Leftovers.ended(process)
    }

    /// The child's standard output so far.
    var output: String { text("output") }

    /// The last line of the child's standard error.
    var lastError: String {
        text("errors").split(whereSeparator: \.isNewline).last.map(String.init) ?? "it said nothing"
    }

    private func text(_ name: String) -> String {
        String(decoding: (try? InputFile.bytes(at: "\(folder.path)/\(name)")) ?? [], as: UTF8.self)
    }
}

/// Why a child process could not be started.
struct UnstartedChild: Error, CustomStringConvertible {
    let program: String
    let reason: String

    var description: String { "cannot start \(program): \(reason)" }
}
