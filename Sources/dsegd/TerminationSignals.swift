import Glibc

/// SIGTERM and SIGINT, waited for instead of handled.
///
/// Held back in every thread that is started from here on, they stay pending until somebody waits: none is lost while
/// a model loads, and no code runs inside a handler.
struct TerminationSignals: ~Copyable {
    private var signals = sigset_t()

    init() {
        unsafe sigemptyset(&signals)
        unsafe sigaddset(&signals, SIGTERM)
        unsafe sigaddset(&signals, SIGINT)
        unsafe pthread_sigmask(SIG_BLOCK, &signals, nil)
    }

    /// Whether one of them came that nobody has waited for; for threads that were started since they are held back.
    static var arePending: Bool {
        var pending = sigset_t()
        unsafe sigpending(&pending)
        return unsafe sigismember(&pending, SIGTERM) == 1 || sigismember(&pending, SIGINT) == 1
    }

    /// Returns with the first of them. A second one ends the process at once.
    mutating func wait() -> String {
        var signal: CInt = 0
        unsafe sigwait(&signals, &signal)
        unsafe pthread_sigmask(SIG_UNBLOCK, &signals, nil)
        return signal == SIGINT ? "SIGINT" : "SIGTERM"
    }
}
