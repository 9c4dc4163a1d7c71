import FoundationEssentials
import Glibc
import Synchronization

/// What a measurement must not leave behind when it is broken off: process groups, and folders.
enum Leftovers {
    private struct Things {
        var groups: Set<pid_t> = []
        var folders: Set<String> = []
    }

    private static let things = Mutex(Things())

    /// Rung by a signal, heard by a thread that may do more than a signal's handler may.
    private static let bell: (heard: CInt, rung: CInt) = {
        var ends: [CInt] = [-1, -1]
        _ = unsafe pipe(&ends)
        for end in ends { _ = fcntl(end, F_SETFD, FD_CLOEXEC) }
        return (ends[0], ends[1])
    }()

    /// From here on SIGINT and SIGTERM end every group, remove every folder and end the program.
    ///
    /// A library's threads were there before and hold no signal back, so waiting for one would not do; and whoever
    /// started this program may have held them back for it.
    static func clearOnSignals() {
        guard bell.heard >= 0 else { return }
        _ = ClientThread.start { hear() }
        var signals = sigset_t()
        unsafe sigemptyset(&signals)
        for number in [SIGINT, SIGTERM] {
            _ = signal(number, ring)
            unsafe sigaddset(&signals, number)
        }
        unsafe pthread_sigmask(SIG_UNBLOCK, &signals, nil)
    }

    private static let ring: @convention(c) (CInt) -> Void = { number in
        var note = UInt8(truncatingIfNeeded: number)
        _ = unsafe write(bell.rung, &note, 1)
    }

    /// The lock stays taken until the program has ended: nothing is started or made any more.
    private static func hear() {
        var note: UInt8 = 0
        while unsafe read(bell.heard, &note, 1) < 0 && errno == EINTR {}
        things.withLock { things in
            for group in things.groups { kill(-group, SIGKILL) }
            let deadline = ContinuousClock.now + patience
            for group in things.groups { awaitEnd(of: group, until: deadline) }
            for folder in things.folders { try? FileManager.default.removeItem(atPath: folder) }
            _exit(128 + CInt(note))
        }
    }

    /// How long killed processes, which may be writing to the folders, are waited for.
    private static let patience = Duration.seconds(5)

    private static func awaitEnd(of group: pid_t, until deadline: ContinuousClock.Instant) {
        while ContinuousClock.now < deadline, kill(-group, 0) == 0 {
            // Its leader is this process's child, and stays in the group until it is waited for.
            if waitpid(-group, nil, WNOHANG) <= 0 { usleep(1000) }
        }
    }

    /// Starts a process and knows its group from its first moment.
    static func starting(_ start: () -> pid_t?) -> pid_t? {
        things.withLock { things in
            let group = start()
            if let group { things.groups.insert(group) }
            return group
        }
    }

    static func ended(_ group: pid_t) { _ = things.withLock { $0.groups.remove(group) } }

    /// Makes a folder that nobody else may enter.
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

/// A folder that lasts as long as its owner.
final class TemporaryFolder: Sendable {
    let path: String

    init() throws {
        path = FileManager.default.temporaryDirectory
            .appending(path: "dseg-bench-\(UInt64.random(in: 0...UInt64.max))").path(percentEncoded: false)
        try Leftovers.make(path)
    }

    deinit { Leftovers.remove(path) }
}
