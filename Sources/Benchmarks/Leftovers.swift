import FoundationEssentials
import Glibc
import Results
import Synchronization

/// Process groups and temporary folders that an interrupted measurement must not leave behind.
enum Leftovers {
    private struct Things {
        var groups: Set<pid_t> = []
        var folders: Set<String> = []
    }

    private static let things = Mutex(Things())

    /// A self-pipe: a signal's handler may only write to it, a thread reads and cleans up.
    private static let selfPipe: (reading: CInt, writing: CInt) = {
        var ends: [CInt] = [-1, -1]
        _ = unsafe pipe(&ends)
        for end in ends { _ = fcntl(end, F_SETFD, FD_CLOEXEC) }
        return (ends[0], ends[1])
    }()

    /// From here on SIGINT and SIGTERM kill every group, remove every folder and end the program.
    ///
    /// Not `sigwait`: threads that exist already do not block the signals. Unblocked here, since the mask is inherited
    /// from the parent process.
    static func clearOnSignals() {
        guard selfPipe.reading >= 0 else { return }
        _ = ClientThread.start { cleanUp() }
        var signals = sigset_t()
        unsafe sigemptyset(&signals)
        for number in [SIGINT, SIGTERM] {
            _ = signal(number, handler)
            unsafe sigaddset(&signals, number)
        }
        unsafe pthread_sigmask(SIG_UNBLOCK, &signals, nil)
    }

    private static let handler: @convention(c) (CInt) -> Void = { number in
        var note = UInt8(truncatingIfNeeded: number)
        _ = unsafe write(selfPipe.writing, &note, 1)
    }

    /// Holds the lock until the program has ended, so that nothing is started or made meanwhile.
    private static func cleanUp() {
        var note: UInt8 = 0
        while unsafe read(selfPipe.reading, &note, 1) < 0 && errno == EINTR {}
        things.withLock { things in
            for group in things.groups { kill(-group, SIGKILL) }
            let deadline = ContinuousClock.now + patience
            for group in things.groups { awaitEnd(of: group, until: deadline) }
            for folder in things.folders { try? FileManager.default.removeItem(atPath: folder) }
            _exit(128 + CInt(note))
        }
    }

    /// How long to wait for killed processes, which may still write to the folders.
    private static let patience = Duration.seconds(5)

    private static func awaitEnd(of group: pid_t, until deadline: ContinuousClock.Instant) {
        while ContinuousClock.now < deadline, kill(-group, 0) == 0 {
            // The leader is this process's child: a zombie, and so a member of the group, until it is reaped.
            if waitpid(-group, nil, WNOHANG) <= 0 { usleep(1000) }
        }
    }

    /// Starts a process and registers its group under one lock: a signal between the two would miss it.
    static func starting(_ start: () -> pid_t?) -> pid_t? {
        things.withLock { things in
            let group = start()
            if let group { things.groups.insert(group) }
            return group
        }
    }

    static func ended(_ group: pid_t) { _ = things.withLock { $0.groups.remove(group) } }

    /// Makes a folder of mode 0700.
    static func make(_ folder: String) throws {
        try things.withLock { things in
            try FileManager.default.createDirectory(
                atPath: folder, withIntermediateDirectories: false, attributes: [.posixPermissions: 0o700])
            things.folders.insert(folder)
        }
    }

    static func remove(_ folder: String) {
        things.withLock { things in
            try? FileManager.default.removeItem(atPath: folder)
            things.folders.remove(folder)
        }
    }
}

/// A temporary folder, removed when this object is released.
final class TemporaryFolder: Sendable {
    let path: String

    init() throws {
        path = FileManager.default.temporaryDirectory
            .appending(path: "dseg-bench-\(UInt64.random(in: 0...UInt64.max))").path(percentEncoded: false)
        try Leftovers.make(path)
    }

    deinit { Leftovers.remove(path) }
}
