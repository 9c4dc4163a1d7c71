import Glibc

/// The signals that end a program, waited for by a thread of its own: no code runs inside a handler.
enum Interruption {
    private static let numbers = [SIGINT, SIGTERM, SIGHUP, SIGQUIT]

    /// From here on a signal removes the files that have no name yet, then ends the program as it would have. To be
    /// called before other threads are there: they inherit that the signals are held back.
    static func watch() {
        watching
    }

    private static let watching: Void = {
        // A limit on the size of files is told as an error, like a full disk.
        signal(SIGXFSZ, SIG_IGN)
        var signals = awaited
        unsafe pthread_sigmask(SIG_BLOCK, &signals, nil)
        var thread = pthread_t()
        let code = unsafe pthread_create(&thread, nil, { _ in unsafe Interruption.wait() }, nil)
        if code == 0 { pthread_detach(thread) } else { unsafe pthread_sigmask(SIG_UNBLOCK, &signals, nil) }
    }()

    /// Without those that whoever started the program wants ignored, as `nohup` does.
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
            signal(number, SIG_DFL)
            unsafe pthread_sigmask(SIG_UNBLOCK, &signals, nil)
            kill(getpid(), number)
            pause()
        }
        return nil
    }
}
