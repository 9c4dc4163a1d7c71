import Glibc
import RPC

/// Runs another program for what it prints on standard output.
package enum OtherProgram {
    /// How it ended, and what it printed.
    package struct Ending: Sendable {
        /// As a shell tells it: 128 and the signal's number for a program that a signal ended.
        package let code: CInt
        package let output: [UInt8]

        /// The first line, without blanks around it.
        package var line: String {
            let line = String(decoding: output, as: UTF8.self).split(whereSeparator: \.isNewline).first ?? ""
            return String(line.split(separator: " ").joined(separator: " "))
        }
    }

    private static let mostOutput = 4 << 20

    /// Runs a program with neither input nor messages.
    ///
    /// - Parameters:
    ///   - words: its path, or a name that is looked for along PATH, and its arguments
    ///   - limit: after which it is killed, with what it has started
    /// - Returns: `nil` where it cannot be started, or was killed
    package static func run(_ words: [String], within limit: Duration) -> Ending? {
        var ends: [CInt] = [-1, -1]
        guard unsafe pipe(&ends) == 0 else { return nil }
        for end in ends { _ = fcntl(end, F_SETFD, FD_CLOEXEC) }
        defer { close(ends[0]) }
        let process = start(words, output: ends[1])
        close(ends[1])
        guard let process else { return nil }
        let end = ContinuousClock.now + limit
        let output = output(of: ends[0], until: end)
        let status = output == nil ? nil : status(of: process, until: end)
        // In a group of its own, which it may have left children in.
        kill(-process, SIGKILL)
        guard let output, let status else {
            while waitpid(process, nil, 0) < 0, errno == EINTR {}
            return nil
        }
        let signal = status & 0x7f
        return Ending(code: signal == 0 ? status >> 8 & 0xff : 128 + signal, output: output)
    }

    private static func start(_ words: [String], output: CInt) -> pid_t? {
        var actions = unsafe posix_spawn_file_actions_t()
        unsafe posix_spawn_file_actions_init(&actions)
        defer { unsafe posix_spawn_file_actions_destroy(&actions) }
        unsafe posix_spawn_file_actions_addopen(&actions, STDIN_FILENO, "/dev/null", O_RDONLY, 0)
        unsafe posix_spawn_file_actions_adddup2(&actions, output, STDOUT_FILENO)
        unsafe posix_spawn_file_actions_addopen(&actions, STDERR_FILENO, "/dev/null", O_WRONLY, 0)
        var settings = posix_spawnattr_t()
        unsafe posix_spawnattr_init(&settings)
        defer { unsafe posix_spawnattr_destroy(&settings) }
        unsafe posix_spawnattr_setpgroup(&settings, 0)
        unsafe posix_spawnattr_setflags(&settings, Int16(POSIX_SPAWN_SETPGROUP))
        var pointers = unsafe words.map { unsafe PathText.withName(of: $0) { unsafe strdup($0) } } + [nil]
        defer { unsafe pointers.forEach { unsafe free($0) } }
        var process = pid_t()
        guard unsafe posix_spawnp(&process, words[0], &actions, &settings, &pointers, environ) == 0 else { return nil }
        return process
    }

    /// All that is printed; `nil` where that takes too long, or is too much.
    private static func output(of descriptor: CInt, until end: ContinuousClock.Instant) -> [UInt8]? {
        var output: [UInt8] = []
        while output.count <= mostOutput {
            let left = ContinuousClock.now.duration(to: end) / .milliseconds(1)
            guard left > 0 else { return nil }
            var state = pollfd(fd: descriptor, events: Int16(POLLIN), revents: 0)
            let found = unsafe poll(&state, 1, CInt(min(left.rounded(.up), 1e6)))
            if found < 0, errno == EINTR { continue }
            guard found > 0 else { return nil }
            let bytes = unsafe [UInt8](unsafeUninitializedCapacity: 64 << 10) { bytes, count in
                count = unsafe max(0, read(descriptor, bytes.baseAddress, bytes.count))
            }
            if bytes.isEmpty { return output }
            output += bytes
        }
        return nil
    }

    /// As `waitpid` tells it; `nil` where it goes on without standard output.
    private static func status(of process: pid_t, until end: ContinuousClock.Instant) -> CInt? {
        var status: CInt = 0
        while unsafe waitpid(process, &status, WNOHANG) != process {
            guard ContinuousClock.now < end else { return nil }
            usleep(1000)
        }
        return status
    }
}
