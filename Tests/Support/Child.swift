import FoundationEssentials
package import Glibc
import RPC
import Synchronization

/// A child process of the tests, killed when this object is released.
package final class Child: Sendable {
    package let process: pid_t
    /// As `waitpid` tells it; `nil` while the process runs.
    private let status = Mutex<CInt?>(nil)

    /// - Parameters:
    ///   - environment: added to the tests' own, less what says where a daemon is; without `CACHE_DIRECTORY` in it a
    ///     daemon caches no digests, without `XDG_CONFIG_HOME` no model was added, without `COLUMNS` texts are 80 wide
    ///   - input: the file that is read as stdin; `nil`: the tests' own
    ///   - output: the file that gets stdout; `nil`: the same as `errors`
    ///   - errors: the file that gets stderr
    ///   - descriptors: what it gets as descriptors 3 and on; above all these numbers themselves
    package init(
        _ arguments: [String], environment: [String: String], input: String? = nil, output: String? = nil,
        errors: String, descriptors: [CInt] = []
    ) throws {
        var actions = unsafe posix_spawn_file_actions_t()
        unsafe posix_spawn_file_actions_init(&actions)
        defer { unsafe posix_spawn_file_actions_destroy(&actions) }
        if let input { unsafe posix_spawn_file_actions_addopen(&actions, 0, input, O_RDONLY, 0) }
        for (descriptor, path) in [(CInt(1), output ?? errors), (2, errors)] {
            unsafe posix_spawn_file_actions_addopen(&actions, descriptor, path, O_WRONLY | O_CREAT | O_APPEND, 0o600)
        }
        for (number, descriptor) in descriptors.enumerated() {
            unsafe posix_spawn_file_actions_adddup2(&actions, descriptor, CInt(3 + number))
        }
        // The threads of tests block signals; a child begins as one of a shell does.
        var attributes = unsafe posix_spawnattr_t()
        unsafe posix_spawnattr_init(&attributes)
        defer { unsafe posix_spawnattr_destroy(&attributes) }
        var blocked = sigset_t()
        unsafe sigemptyset(&blocked)
        unsafe posix_spawnattr_setsigmask(&attributes, &blocked)
        unsafe posix_spawnattr_setflags(&attributes, Int16(POSIX_SPAWN_SETSIGMASK))
        let variables = ProcessInfo.processInfo.environment
            .filter { !["DSEG_SOCKET", "XDG_RUNTIME_DIR"].contains($0.key) }
            .merging(["CACHE_DIRECTORY": "/dev/null", "COLUMNS": "80", "XDG_CONFIG_HOME": "/dev/null"]) { $1 }
            .merging(environment) { $1 }
        var process = pid_t()
        var words = unsafe arguments.map { unsafe strdup($0) } + [nil]
        var settings = unsafe variables.map { unsafe strdup("\($0)=\($1)") } + [nil]
        defer { unsafe (words + settings).forEach { unsafe free($0) } }
        let code = unsafe posix_spawnp(&process, arguments[0], &actions, &attributes, &words, &settings)
        guard code == 0 else { throw RPCStatus(.internal, "\(arguments[0]): errno \(code)") }
        self.process = process
    }

    deinit {
        if !hasEnded {
            kill(process, SIGKILL)
            waitpid(process, nil, 0)
        }
    }

    package var hasEnded: Bool { ending != nil }

    /// The exit code, as a shell tells it: 128 and the signal's number for a process that a signal ended; `nil` while
    /// it runs.
    package var ending: CInt? {
        status.withLock { status in
            var found: CInt = 0
            if status == nil, unsafe waitpid(process, &found, WNOHANG) == process { status = found }
            return status.map(shellCode)
        }
    }

    /// Waits up to ten minutes for ``ending``; `nil` for a process that still runs.
    package var exitCode: CInt? { eventually { hasEnded } ? ending : nil }
}
