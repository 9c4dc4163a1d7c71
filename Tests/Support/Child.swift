package import Glibc
import RPC

/// A child process of the tests, killed when this object is released.
package final class Child {
    package let process: pid_t
    private var status: CInt?

    /// - Parameters:
    ///   - environment: added to the tests' own; without `CACHE_DIRECTORY` in it a daemon caches no digests
    ///   - errors: the file that gets stdout and stderr
    package init(_ arguments: [String], environment: [String: String], errors: String) throws {
        var actions = unsafe posix_spawn_file_actions_t()
        unsafe posix_spawn_file_actions_init(&actions)
        defer { unsafe posix_spawn_file_actions_destroy(&actions) }
        unsafe posix_spawn_file_actions_addopen(&actions, 1, errors, O_WRONLY | O_CREAT | O_APPEND, 0o600)
        unsafe posix_spawn_file_actions_adddup2(&actions, 1, 2)
        var variables = environment.map { "\($0)=\($1)" } + ["CACHE_DIRECTORY=/dev/null"]
        var inherited = unsafe environ
        while let entry = unsafe inherited.pointee {
            unsafe variables.append(String(cString: entry))
            unsafe inherited += 1
        }
        var process = pid_t()
        var words = unsafe arguments.map { unsafe strdup($0) } + [nil]
        var settings = unsafe variables.map { unsafe strdup($0) } + [nil]
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

    /// Waits up to a minute for the exit code; `nil` for a process that still runs or was killed.
    package var exitCode: CInt? {
        guard eventually({ hasEnded }), let status, status & 0x7f == 0 else { return nil }
        return status >> 8 & 0xff
    }
}
