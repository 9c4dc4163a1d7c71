import Glibc

/// Waits for SIGTERM and SIGINT by sigwait(3) instead of a handler.
///
/// Blocked in this thread and all that it starts, the signals stay pending until ``wait()``: none is lost while the
/// model loads.
struct TerminationSignals: ~Copyable {
    private var signals = sigset_t()

    init() {
        unsafe sigemptyset(&signals)
        unsafe sigaddset(&signals, SIGTERM)
        unsafe sigaddset(&signals, SIGINT)
        unsafe pthread_sigmask(SIG_BLOCK, &signals, nil)
    }

    /// Whether SIGTERM or SIGINT is pending; to be called on threads that block them.
    static var arePending: Bool {
        var pending = sigset_t()
        unsafe sigpending(&pending)
        return unsafe sigismember(&pending, SIGTERM) == 1 || sigismember(&pending, SIGINT) == 1
    }

    /// Waits for the first signal and unblocks both, so that a second one ends the process at once.
    mutating func wait() -> String {
        var signal: CInt = 0
        unsafe sigwait(&signals, &signal)
        unsafe pthread_sigmask(SIG_UNBLOCK, &signals, nil)
        return signal == SIGINT ? "SIGINT" : "SIGTERM"
    }
}
