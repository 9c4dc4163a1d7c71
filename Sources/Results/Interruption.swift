import Glibc
import Synchronization

/// Cleans up on signals that end the program. A thread of its own waits in sigwait(3), as little is allowed inside a
/// signal handler.
package enum Interruption {
    private static let numbers = [SIGINT, SIGTERM, SIGHUP, SIGQUIT]

    /// What is done before a signal ends the program.
    private static let last = Mutex<@Sendable () -> Void>({})

    /// From here on a signal removes the temporary files, then ends the program by the same signal. To be called before
    /// other threads start: they inherit the blocked signal mask.
    package static func watch() {
        watching
    }

    /// Has a signal do something before it ends the program, while no file can be renamed: `body` may not stage any.
    package static func beforeTheEnd(_ body: @escaping @Sendable () -> Void) {
        last.withLock { $0 = body }
    }

    private static let watching: Void = {
        // Without SIGXFSZ, write(2) beyond RLIMIT_FSIZE fails with EFBIG, which is reported like a full disk.
        signal(SIGXFSZ, SIG_IGN)
        var signals = awaited
        unsafe pthread_sigmask(SIG_BLOCK, &signals, nil)
        var thread = pthread_t()
        let code = unsafe pthread_create(&thread, nil, { _ in unsafe Interruption.wait() }, nil)
        if code == 0 { pthread_detach(thread) } else { unsafe pthread_sigmask(SIG_UNBLOCK, &signals, nil) }
    }()

    /// The signals to wait for: not those that were ignored when the program started, as `nohup` sets SIGHUP.
    private static var awaited: sigset_t {
        var signals = sigset_t()
        unsafe sigemptyset(&signals)
        for number in numbers {
            var action = sigaction()
            unsafe sigaction(number, nil, &action)
            let isIgnored = unsafe unsafeBitCast(action.__sigaction_handler.sa_handler, to: Int.self) == 1
            if !isIgnored { unsafe sigaddset(&signals, number) }
        }
        return signals
    }

    private static func wait() -> UnsafeMutableRawPointer? {
        var signals = awaited
        var number: CInt = 0
        guard unsafe sigwait(&signals, &number) == 0 else { return nil }
        StagedFiles.abandon {
            last.withLock { $0 }()
            signal(number, SIG_DFL)
            unsafe pthread_sigmask(SIG_UNBLOCK, &signals, nil)
            kill(getpid(), number)
            pause()
        }
        return nil
    }
}
