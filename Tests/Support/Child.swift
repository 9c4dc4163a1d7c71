import FoundationEssentials
package import Glibc
import RPC

/// A child process of the tests, killed when this object is released.
package final class Child {
    package let process: pid_t
    /// As `waitpid` tells it; `nil` while the process runs.
    private var status: CInt?

    /// - Parameters:
    ///   - environment: added to the tests' own, less what says where a daemon is; without `CACHE_DIRECTORY` in it a
    ///     daemon caches no digests, without `XDG_CONFIG_HOME` no model was added, without `COLUMNS` texts are 80 wide
    ///   - input: the file that is read as stdin; `nil`: the tests' own
    ///   - output: the file that gets stdout; `nil`: the same as `errors`
    ///   - errors: the file that gets stderr
    package init(
        _ arguments: [String], environment: [String: String], input: String? = nil, output: String? = nil,
        errors: String
    ) throws {
        var actions = unsafe posix_spawn_file_actions_t()
        unsafe posix_spawn_file_actions_init(&actions)
        defer { unsafe posix_spawn_file_actions_destroy(&actions) }
        if let input { unsafe posix_spawn_file_actions_addopen(&actions, 0, input, O_RDONLY, 0) }
        for (descriptor, path) in [(CInt(1), output ?? errors), (2, errors)] {
            unsafe posix_spawn_file_actions_addopen(&actions, descriptor, path, O_WRONLY | O_CREAT | O_APPEND, 0o600)
        }
        let variables = ProcessInfo.processInfo.environment
            .filter { !["DSEG_SOCKET", "XDG_RUNTIME_DIR"].contains($0.key) }
            .merging(["CACHE_DIRECTORY": "/dev/null", "COLUMNS": "80", "XDG_CONFIG_HOME": "/dev/null"]) { $1 }
            .merging(environment) { $1 }
        var process = pid_t()
        var words = unsafe arguments.map { unsafe strdup($0) } + [nil]
        var settings = unsafe variables.map { unsafe strdup("\($0)=\($1)") } + [nil]
        defer { unsafe (words + settings).forEach { unsafe free($0) } }
        let code = unsafe posix_spawnp(&process, arguments[0], &actions, nil, &words, &settings)
        guard code == 0 else { throw RPCStatus(.internal, "\(arguments[0]): errno \(code)") }
        self.process = process
    }

    deinit {
        if !hasEnded {
            kill(process, SIGKILL)
            waitpid(process, nil, 0)
        }
    }

    package var hasEnded: Bool {
        if status != nil { return true }
        var found: CInt = 0
        guard unsafe waitpid(process, &found, WNOHANG) == process else { return false }
        status = found
        return true
    }

    /// Waits up to ten minutes for the exit code, as a shell tells it: 128 and the signal's number for a process that a
    /// signal ended; `nil` for one that still runs.
    package var exitCode: CInt? {
        guard eventually({ hasEnded }), let status else { return nil }
        return shellCode(of: status)
    }
}
